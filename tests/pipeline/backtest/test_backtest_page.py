"""The report of a back-test: what it shows, and that nothing of a call is taken for markup."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from mined_calls import CANCEL, WORRIED, insight, transcript

from pipeline.backtest.cases import Case
from pipeline.backtest.comparing import Side, backtest
from pipeline.backtest.differing import DifferingCall, Piece, differing
from pipeline.backtest.items import Item
from pipeline.backtest.page import page
from pipeline.backtest.result import Backtest
from pipeline.backtest.run import Outcome, Version
from pipeline.backtest.table import figure_rows, notes_of, score_rows
from pipeline.llm.prices import Prices
from pipeline.scenarios.load import shipped
from schemas.wire import Role

SCRIPT = "<script>alert('x')</script> & \"quoted\""
SCENARIO = shipped("telecom")
EDITION = SCENARIO.edition("en")
VERSIONS = [
    Version.of(SCENARIO, EDITION, prompt, "gpt-x")
    for prompt in EDITION.prompts
    if prompt.label in {"extract.v1", "extract.v2"}
]
CALL = transcript("c1")
GOLD = Case(CALL, {"intents": (Item("price_concern", place=(Role.CUSTOMER, 5_000, 9_000)),)}, summary="As it was.")
BOTH = Outcome(insight=insight("c1"), model="gpt-x-2026-01-01", input_tokens=1_000, output_tokens=100, seconds=2.0)
ONE = Outcome(insight=insight("c1", (WORRIED,)), model="gpt-x", input_tokens=500, output_tokens=50, seconds=1.0)
FAILED = Outcome(failed=f"no valid answer: {SCRIPT}", model="gpt-x", reasks=1, input_tokens=10, output_tokens=1)


def made(cases: list[Case], a: list[Outcome], b: list[Outcome], *prices: str) -> Backtest:
    return backtest(
        cases, Side(VERSIONS[0], tuple(a)), Side(VERSIONS[1], tuple(b)), on="calls.jsonl", tenant_id="acme",
        prices=Prices(prices), finished_at=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip


class Page(HTMLParser):
    """The page as a browser reads it: its elements, and the words in those."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.marks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.elements and self.elements[-1][0] == "mark" and data.strip():
            self.marks.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def rendered(cases: list[Case], a: list[Outcome], b: list[Outcome]) -> Page:
    result = made(cases, a, b)
    return Page(page(result, list(differing(cases, a, b)), notes_of(result)))


def test_words_of_a_call_are_text_wherever_they_stand() -> None:
    hostile = transcript(SCRIPT, ((Role.CUSTOMER, SCRIPT), (Role.CUSTOMER, f"worried about the price {SCRIPT}")))
    mined = insight("c1", (WORRIED,)).model_copy(update={"summary": SCRIPT})
    shown = rendered([Case(hostile, summary=SCRIPT)], [FAILED], [Outcome(insight=mined, model=SCRIPT)])
    names = Counter(tag for tag, _ in shown.elements)
    assert names["script"] == 0
    assert shown.text.count("<script>alert('x')</script> & \"quoted\"") == 6  # the id, two turns, the reason, summaries


def test_the_page_needs_nothing_else_and_says_what_it_is() -> None:
    shown = rendered([GOLD], [BOTH], [ONE])
    attributes: list[tuple[str, str | None]] = [pair for _, attrs in shown.elements for pair in attrs.items()]
    assert not {name for name, _ in attributes} & {"src", "href", "onclick", "onload"}
    assert ("html", {"lang": "en"}) in shown.elements
    assert "side by side" in shown.text
    scopes = [attrs.get("scope") for tag, attrs in shown.elements if tag == "th"]
    assert scopes
    assert set(scopes) == {"col", "row"}


def test_the_words_that_items_stand_on_are_marked_with_who_says_so() -> None:
    (call,) = differing([GOLD], [BOTH], [ONE])
    assert [piece for piece in call.turns[3].pieces if piece.by] == [Piece("cancel my contract", "AB")]
    (call,) = differing([GOLD], [BOTH], [Outcome(insight=insight("c1", ()).model_copy(update={"follow_ups": ()}))])
    assert call.turns[3].pieces == (Piece("then I want to ", ""), Piece("cancel my contract", "A"))
    assert "cancel my contract" in rendered([GOLD], [BOTH], [FAILED]).marks


def test_what_differs_comes_first_with_what_is_labelled() -> None:
    (call,) = differing([GOLD], [BOTH], [ONE])
    first, second = call.rows[:2]
    assert (first.name, first.a, first.b, first.turn, first.labelled) == (
        "cancel_contract", "cancel my contract", None, 4, "no",
    )  # fmt: skip
    assert first.differs
    assert (second.name, second.differs, second.labelled) == ("price_concern", False, "yes")
    assert {row.labelled for row in call.rows if row.field == "topics"} == {None}


def test_an_item_that_is_labelled_and_nobody_says_is_shown() -> None:
    missing = Case(CALL, {"intents": (Item("callback_requested", place=(Role.CUSTOMER, 15_000, 19_000)),)})
    (call,) = differing([missing], [BOTH], [ONE])
    row = next(row for row in call.rows if row.name == "callback_requested")
    assert (row.a, row.b, row.turn, row.labelled, row.differs) == (None, None, 4, "yes", False)


def test_calls_in_which_both_say_the_same_are_left_out() -> None:
    other_words = insight("c1").model_copy(update={"summary": "Said otherwise."})
    assert list(differing([GOLD], [BOTH], [Outcome(insight=other_words)])) == []
    assert "Both versions say the same of every call." in rendered([GOLD], [BOTH], [BOTH]).text
    assert [call.call_id for call in differing([GOLD], [FAILED], [ONE])] == ["c1"]


def test_figures_are_of_all_calls() -> None:
    result = made([GOLD, GOLD], [BOTH, FAILED], [ONE, ONE], "gpt-x=1:10")
    a = result.a
    assert (a.calls, a.failed, a.valid, a.reasks, a.input_tokens, a.output_tokens) == (2, 1, 0.5, 1, 1_010, 101)
    assert (a.latency_p50_ms, result.b.latency_p95_ms) == (2_000, 1_000)
    assert a.usd == pytest.approx(1_010e-6 + 101e-5)
    assert (result.prompt, a.label, a.digest) == ("extract", "extract.v1", VERSIONS[0].prompt.digest)


def test_a_price_that_is_not_known_is_not_nothing() -> None:
    result = made([GOLD], [BOTH], [ONE])
    assert result.a.usd is None
    assert ("US dollars", "not known", "not known") in figure_rows(result)


def test_its_id_is_that_of_what_was_compared() -> None:
    again, other = made([GOLD], [BOTH], [ONE]), made([Case(CALL)], [BOTH], [ONE])
    assert made([GOLD], [FAILED], [ONE]).backtest_id == again.backtest_id != other.backtest_id


def test_a_field_that_nobody_labelled_shows_how_far_both_agree() -> None:
    result = made([Case(CALL)], [BOTH], [ONE])
    rows: dict[str, Any] = {row[0]: row for row in score_rows(result)}
    assert rows["intents"] == ("intents", "no", "-", "-", "-", "-", "-", "67%")
    assert rows["topics"][-1] == "100%"
    assert (result.a.fields, result.changes) == ((), ())
    assert notes_of(result)[0].startswith("Nothing is labelled in these calls, so nothing says which version is better")


def test_a_field_that_is_labelled_shows_scores_and_their_difference() -> None:
    result = made([GOLD] * 3, [BOTH] * 3, [ONE] * 3)
    row = score_rows(result)[0]
    assert row[1:5] == ("3", "0.667 (0.667 to 0.667)", "1.000 (1.000 to 1.000)", "+0.333 (+0.333 to +0.333)")
    assert "Not labelled, and so not scored: entities, topics, outcome, objections, follow-ups." in notes_of(result)
    assert any("no intervals" in note for note in notes_of(made([GOLD], [BOTH], [ONE])))


def test_a_differing_call_is_a_value() -> None:
    (call,) = differing([GOLD], [BOTH], [ONE])
    assert isinstance(call, DifferingCall)
    assert call.labelled_summary == "As it was."
    assert CANCEL.name in {row.name for row in call.rows}
