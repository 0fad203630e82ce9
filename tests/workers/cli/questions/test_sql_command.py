"""``convmine sql`` as it is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine


@pytest.fixture(autouse=True)
def _files_of_this_test(tmp_path: Path, analyst: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_ANALYTICS_PATH", str(tmp_path / "analytics"))


def test_a_statement_is_answered_of_what_is_stored_now(analyst: Convmine) -> None:
    done = analyst("sql", "SELECT intent, count(*) AS n FROM intents GROUP BY 1 ORDER BY 1", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == [["cancel_contract", 2], ["price_concern", 2]]
    assert analyst("sql", "--no-refresh", "SELECT count(*) FROM calls", "--csv").stdout.splitlines()[1] == "2"


def test_words_of_calls_steer_no_terminal(analyst: Convmine) -> None:
    done = analyst("sql", "SELECT text FROM utterances WHERE text LIKE '%[bold]%'")
    assert "[bold]cheaper[/bold]" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_mistake_is_told_in_one_line_with_what_is_near(analyst: Convmine) -> None:
    done = analyst("sql", "SELECT started FROM calls")
    assert (done.code, done.stderr.count("\n"), "started_at" in done.stderr) == (1, 1, True)


def test_without_a_refresh_nothing_is_there_before_the_first(analyst: Convmine) -> None:
    done = analyst("sql", "--no-refresh", "SELECT 1")
    assert (done.code, "nothing was exported yet" in done.stderr) == (1, True)


def test_the_tables_and_their_columns_are_told(analyst: Convmine) -> None:
    items = json.loads(analyst("sql", "--tables", "--json").stdout)["items"]
    assert {item["table"] for item in items} == {"calls", "utterances", "intents", "suggestions", "costs"}
    assert {"table": "calls", "column": "call_id", "type": "text", "meaning": "id of the call"} in items
    assert "outcome_observed_result" in analyst("sql", "--tables").stdout


def test_rows_that_are_left_out_are_said(analyst: Convmine) -> None:
    done = analyst("sql", "FROM utterances", "--limit", "1", "--csv")
    assert (len(done.stdout.splitlines()), done.stderr.startswith("more: the first 1 rows")) == (2, True)
