from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import schemas
from pipeline.errors import ConvmineError
from workers.cli.schema import check_schemas, export_schemas

HELD = "call.held.v1.json"


def export(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(export_schemas, ["--to", str(folder), *options])


def check(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(check_schemas, ["--against", str(folder), *options])


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    assert export(tmp_path).exit_code == 0
    return tmp_path


def test_the_committed_contracts_pass() -> None:
    result = CliRunner().invoke(check_schemas, ["--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ok"] is True


def test_export_writes_what_is_committed(released: Path) -> None:
    home = Path(schemas.__file__).parent
    written = sorted(path.relative_to(released) for path in released.rglob("*.json"))
    assert Path("asyncapi.json") in written
    assert all((released / path).read_bytes() == (home / path).read_bytes() for path in written)


def test_a_second_export_writes_nothing(released: Path) -> None:
    result = export(released, "--json")
    assert json.loads(result.stdout)["written"] == []


def test_an_incompatible_change_fails_with_its_list(released: Path) -> None:
    rewrite(released / "json" / HELD, lambda document: document["properties"].update(held_by={"type": "string"}))
    result = check(released)
    assert isinstance(result.exception, ConvmineError)
    assert result.exit_code == 1
    assert f"{HELD}: incompatible; undo it, or raise the version of call.held to (2, 0)" in result.stdout
    assert "  $.held_by: property removed" in result.stdout


def test_an_optional_field_without_a_new_minor_version_fails(released: Path) -> None:
    def take_out(document: dict[str, Any]) -> None:
        del document["properties"]["reason"]

    rewrite(released / "json" / "call.ended.v1.json", take_out)
    result = check(released, "--json")
    (item,) = json.loads(result.stdout)["items"]
    assert (item["problem"], item["changes"]) == ("minor_not_raised", ["$.reason: new optional property"])
    assert "(1, 1)" in item["fix"]
    assert result.exit_code == 1


def test_an_older_release_may_lack_events_and_words(released: Path) -> None:
    (released / "json" / HELD).unlink()
    rewrite(released / "json" / "call.ended.v1.json", lambda document: document.update(description="Over."))
    assert check(released).exit_code == 0


def test_export_refuses_to_write_over_a_release_that_it_would_break(released: Path) -> None:
    rewrite(released / "json" / HELD, lambda document: document["required"].remove("at_ms"))
    before = (released / "json" / HELD).read_bytes()
    result = export(released)
    assert isinstance(result.exception, ConvmineError)
    assert "nothing was written" in result.exception.message
    assert (released / "json" / HELD).read_bytes() == before
    assert export(released, "--unreleased").exit_code == 0
    assert (released / "json" / HELD).read_bytes() != before


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_is_no_schema_is_named(released: Path, content: str) -> None:
    (released / "json" / HELD).write_text(content, encoding="utf-8")
    result = check(released)
    assert isinstance(result.exception, ConvmineError)
    assert HELD in result.exception.message
    assert "restore" in (result.exception.hint or "")


def test_a_folder_that_holds_no_contracts_is_not_a_release(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert isinstance(result.exception, ConvmineError)
    assert "holds no contracts" in result.exception.message
