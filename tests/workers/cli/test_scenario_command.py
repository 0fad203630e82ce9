from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from mined_store import Convmine

from pipeline.errors import ConvmineError
from pipeline.scenarios.load import shipped_names
from workers.cli import cli


def run(*arguments: str, scenarios: Path | None = None) -> Result:
    env = {} if scenarios is None else {"CONVMINE_SCENARIOS_PATH": str(scenarios)}
    return CliRunner().invoke(cli, ["scenario", *arguments], env=env)


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of scenarios with one of one's own in it."""
    assert run("new", "repairs", "--at", str(tmp_path)).exit_code == 0
    return tmp_path


def test_the_list_has_those_that_ship_and_those_of_the_folder(folder: Path) -> None:
    items = {one["scenario"]: one for one in document(run("list", "--json", scenarios=folder))["items"]}
    assert set(items) == {*shipped_names(), "repairs"}
    assert items["repairs"]["from"] == "folder"
    assert items["telecom"]["from"] == "shipped"
    assert items["telecom"]["languages"] == ["en", "zh"]
    assert (items["repairs"]["intents"], items["repairs"]["cards"]) == (5, 1)
    assert items["repairs"]["prompts"] == ["ask.v1", "extract.v1", "extract.v2", "suggest.v1", "summary.v1"]


def test_the_list_is_a_table_for_people() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "telecom" in result.stdout


def test_a_scenario_of_the_folder_is_listed_instead_of_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    assert run("new", "telecom", "--at", str(tmp_path)).exit_code == 0
    items = {one["scenario"]: one for one in document(run("list", "--json", scenarios=tmp_path))["items"]}
    assert (items["telecom"]["from"], items["telecom"]["intents"]) == ("folder", 5)


def test_a_valid_scenario_is_validated_by_its_folder_and_by_its_name(folder: Path) -> None:
    by_folder = run("validate", str(folder / "repairs"))
    by_name = run("validate", "repairs", scenarios=folder)
    assert by_folder.exit_code == by_name.exit_code == 0
    assert by_folder.stdout == by_name.stdout
    assert by_name.stdout.startswith("repairs v1 is valid (en: intents 5,")


def test_all_errors_of_a_scenario_are_printed_each_on_a_line_and_the_exit_is_1(folder: Path) -> None:
    taxonomy = folder / "repairs" / "en" / "taxonomy.yaml"
    content = yaml.safe_load(taxonomy.read_text(encoding="utf-8"))
    content["intents"].append(content["intents"][0])
    taxonomy.write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "repairs" / "en" / "words.yaml").write_text("\tx: 1\n", encoding="utf-8")
    result = run("validate", str(folder / "repairs"))
    assert result.exit_code == 1
    first, second, verdict = result.stdout.splitlines()
    assert first == "error: en/taxonomy.yaml: intents: 'ask_information' is there twice"
    assert second.startswith("error: en/words.yaml: is no YAML in line 1: ")
    assert verdict.endswith("not valid: 2 errors")


def test_the_program_itself_exits_with_the_status_of_the_command(folder: Path, convmine: Convmine) -> None:
    assert convmine("scenario", "validate", str(folder / "repairs")).code == 0
    (folder / "repairs" / "scenario.yaml").write_text("id: repairs\n")
    assert convmine("scenario", "validate", str(folder / "repairs")).code == 1


def test_what_shows_only_when_calls_are_mined_is_an_error_too(folder: Path) -> None:
    playbook = folder / "repairs" / "en" / "playbook.yaml"
    playbook.write_text(playbook.read_text(encoding="utf-8").replace("{product}", "{colour}"), encoding="utf-8")
    result = run("validate", str(folder / "repairs"), "--json")
    assert result.exit_code == 1
    (error,) = document(result)["errors"]
    assert error.startswith("en/playbook.yaml: cards.answer-problem.text: {colour} is no entity")


def test_a_warning_is_no_error(folder: Path) -> None:
    (folder / "repairs" / "en" / "knowledge" / "returns.md").unlink()
    (folder / "repairs").rename(folder / "mending")
    result = run("validate", str(folder / "mending"), "--json")
    assert result.exit_code == 0
    found = document(result)
    assert found["valid"]
    assert [one.partition(": ")[0] for one in found["warnings"]] == ["en/knowledge", "scenario.yaml"]


def test_what_is_neither_a_folder_nor_a_scenario_is_refused() -> None:
    result = run("validate", "bakery")
    assert isinstance(result.exception, ConvmineError)
    assert str(result.exception.message) == "bakery is no folder and no scenario"
