from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.llm.distinct import sketch_of
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.llm.usage import Purpose, Usage
from workers.cli import cli

TODAY = datetime.now(UTC).date()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVMINE_TENANT", "acme")
    monkeypatch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(tmp_path / "usage.sqlite"))
    return tmp_path / "usage.sqlite"


@pytest.fixture
def written(path: Path) -> None:
    """What two models used, one of them without a price, today and ten days ago."""

    async def write() -> None:
        ledger = SqliteLedger(path, days=400)
        priced = Usage(3, 3_000, 500, 600, 0.6, 0, 4.5, sketch_of(["acme:c1", "acme:c2"]))
        free = Usage(1, 1_000, 0, 200, 0.0, 1, 1.0, sketch_of(["acme:c9"]))
        await ledger.add(
            {
                Purpose(TODAY, "acme", "telecom", "extract", "m1", "extract.v1"): priced,
                Purpose(TODAY - timedelta(days=10), "acme", "chat", "extract", "m2", "extract.v1"): free,
                Purpose(TODAY, "umbrella", "telecom", "extract", "m1", "extract.v1"): priced,
            }
        )
        await ledger.close()

    asyncio.run(write())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cost", *arguments])


def items(*arguments: str) -> Sequence[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["next"] is None
    found: Sequence[dict[str, Any]] = document["items"]
    return found


@pytest.mark.usefixtures("written")
def test_a_program_gets_the_sums_of_its_tenant() -> None:
    telecom, chat = items()
    assert telecom == {
        "scenario": "telecom",
        "requests": 3,
        "calls": 2,
        "input_tokens": 3_000,
        "cached_tokens": 500,
        "output_tokens": 600,
        "usd": 0.6,
        "usd_per_call": 0.3,
        "unpriced": 0,
        "seconds": 4.5,
    }
    assert (chat["scenario"], chat["usd"], chat["usd_per_call"], chat["unpriced"]) == ("chat", None, None, 1)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("by", "first"), [("prompt", "extract.v1"), ("model", "m1"), ("day", None), ("stage", "extract")]
)
def test_it_is_added_up_by_what_one_asks_for(by: str, first: str | None) -> None:
    assert items("--by", by)[0][by] == (first or str(TODAY - timedelta(days=10)))


@pytest.mark.usefixtures("written")
def test_a_person_gets_a_table_and_is_told_which_price_is_missing() -> None:
    result = run("--by", "model")
    assert result.exit_code == 0
    assert "USD a call" in result.stdout
    assert "0.6000" in result.stdout
    assert "not known" in result.stdout
    assert "no price was known for m2" in result.stderr
    assert "CONVMINE_BUDGET_PRICES=m2=INPUT:OUTPUT" in result.stderr


@pytest.mark.usefixtures("written")
def test_only_days_from_then_on_are_added_up() -> None:
    assert [item["scenario"] for item in items("--since", "7d")] == ["telecom"]
    assert run("--since", "7d").stderr == ""


def test_nothing_is_said_to_be_nothing(path: Path) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing is written down yet" in result.stderr
    assert items() == []
    assert not path.with_name("elsewhere").exists()


def test_without_a_ledger_it_is_said_which_setting_makes_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_BUDGET_LEDGER", "off")
    result = run()
    assert result.exit_code == 1
    assert "CONVMINE_BUDGET_LEDGER" in str(result.exception)


def test_what_cannot_be_added_up_by_is_wrong_usage() -> None:
    assert run("--by", "colour").exit_code == 2
    assert run("--since", "soon").exit_code == 2
