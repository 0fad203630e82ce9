"""``compare``, ``trend``, ``similar`` and ``coach`` as a person runs them, over calls with planted effects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mined_calls import TENANT
from mined_store import Convmine
from planted_calls import UNTIL, planted, planted_starts

from pipeline.ports import VectorStore
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from workers.cli.questions import asking


def _over(monkeypatch: pytest.MonkeyPatch, store: VectorStore) -> None:
    @asynccontextmanager
    async def answers_of(_: object) -> AsyncIterator[StoredAnswers]:
        yield StoredAnswers(store, Asker(TENANT), lambda: UNTIL)

    monkeypatch.setattr(asking, "answers_of", answers_of)


@pytest.fixture
def analyst_of_many(convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    _over(monkeypatch, planted())
    return convmine


def test_compare_shows_what_agents_do_with_words_and_what_to_know(analyst_of_many: Convmine, tmp_path: Path) -> None:
    picture = tmp_path / "differences.png"
    done = analyst_of_many("compare", "--a", "outcome=won", "--b", "outcome=lost", "--plot", str(picture))
    assert done.code == 0
    assert "a  outcome=won:" in done.stdout
    assert "how calls ended is inferred" in done.stdout
    agents, customers = done.stdout.split("What customers want or do")
    assert "make_offer" in agents
    assert "loyalty discount" in agents
    assert "refuse_offer" in customers
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_compare_as_json_has_shares_intervals_and_p(analyst_of_many: Convmine) -> None:
    done = analyst_of_many("compare", "--a", "queue=sales", "--b", "queue=service", "--agent", "agent-01", "--json")
    answer = json.loads(done.stdout)
    assert answer["outcomes"] is None
    first = answer["intents"][0]
    assert first["a"]["calls"] <= first["a"]["of"] == answer["a"]["calls"]
    assert first["difference"]["low"] <= first["difference"]["points"] <= first["difference"]["high"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--a", "outcome=won"), 2, "Missing option '--b'"),
        (("--a", "outcome=wonn", "--b", "outcome=lost"), 1, "no outcome named 'wonn'"),
        (("--a", "colour=red", "--b", "outcome=lost"), 2, "no field 'colour'"),
        (("--a", "intent=make_offer", "--b", "outcome=lost"), 1, "calls are in both sets"),
        (("--a", "outcome=won", "--b", "outcome=lost", "--since", "0d"), 0, "started>=0d left nothing"),
    ],
)
def test_what_cannot_be_compared_is_told(
    analyst_of_many: Convmine, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = analyst_of_many("compare", *arguments)
    assert (done.code, said in done.stderr) == (code, True), done.stderr


def test_trend_shows_a_row_of_columns_a_direction_and_what_was_left_out(
    convmine: Convmine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _over(monkeypatch, planted_starts(3_000))
    page = tmp_path / "trend.html"
    done = convmine("trend", "--plot", str(page))
    (row,) = [line for line in done.stdout.splitlines() if "competitor_offer" in line]
    assert "rising" in row
    assert "█" in row
    assert "2026-W11 still runs and is left out" in done.stdout
    assert "competitor_offer (rising)" in page.read_text(encoding="utf-8")
    assert json.loads(convmine("trend", "--json", "--limit", "1").stdout)["rows"][0]["direction"] != "steady"


def test_a_trend_by_time_says_which_option_is_meant(analyst_of_many: Convmine) -> None:
    done = analyst_of_many("trend", "--by", "week")
    assert done.code == 2
    assert "week is what a trend runs over (as --period week)" in done.stderr


def test_similar_says_why_and_how_each_ended(analyst_of_many: Convmine) -> None:
    done = analyst_of_many("similar", "synthetic-000011", "--limit", "3")
    assert done.stdout.count("intents: ") == 3
    items = json.loads(analyst_of_many("similar", "synthetic-000011", "--json").stdout)["items"]
    assert {"outcome_inferred", "outcome_observed"} <= set(items[0]["call"])
    unknown = analyst_of_many("similar", "synthetic-0000111")
    assert unknown.code == 1
    assert "nearest: synthetic-00001" in unknown.stderr


def test_coach_shows_where_an_agent_falls_behind_and_writes_cards(analyst_of_many: Convmine, tmp_path: Path) -> None:
    file = tmp_path / "cards.yaml"
    done = analyst_of_many("coach", "--agent", "agent-03", "--cards", str(file))
    assert done.code == 0
    behind = done.stdout.split("Where the agent falls behind")[1].split("\nIntents")[0]
    assert "make_offer" in behind
    assert "Listen: lost after an objection that stayed open" in done.stdout
    assert "# approved_by:" in file.read_text(encoding="utf-8")
    assert f"to approve in {file}" in done.stderr


def test_coach_without_an_agent_or_with_an_unknown_one_says_so(analyst_of_many: Convmine) -> None:
    nobody = analyst_of_many("coach")
    assert (nobody.code, "--agent is missing" in nobody.stderr) == (2, True)
    unknown = analyst_of_many("coach", "--agent", "agent-3", "--json")
    assert unknown.code == 1
    assert "agent-03" in json.loads(unknown.stderr)["error"]["hint"]
