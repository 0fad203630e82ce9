from __future__ import annotations

import shlex
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.questions.command_line import Typed, command_line
from pipeline.questions.condition import Condition, check
from pipeline.questions.fields import FIELDS, NoField
from pipeline.questions.question import (
    Aggregate,
    Coach,
    Compare,
    Flow,
    Query,
    Question,
    ReadTranscript,
    Search,
    ShowCall,
    Similar,
    Trend,
)
from workers.cli import cli

TEXT = st.text("ab-,\"'=<!\\ \n价?$", min_size=1, max_size=8)
NAME = TEXT.filter(lambda text: bool(text.strip()))
LIMIT = st.integers(1, 1_000)


def _values(field: str) -> st.SearchStrategy[list[str]]:
    known = FIELDS[field].values
    return st.lists(st.sampled_from(sorted(known)) if known else TEXT, min_size=1, max_size=3)


def _condition(field: str) -> st.SearchStrategy[Condition]:
    kind = FIELDS[field].type
    op = st.sampled_from(["is", "is_not"] if kind == "name" else ["at_least", "below"])
    one = {"number": st.sampled_from(["3", "0.5"]), "time": st.sampled_from(["7d", "2026-03-31"])}
    values = _values(field) if kind == "name" else one[kind].map(lambda value: [value])
    return st.builds(lambda op, values: Condition(field=field, op=op, values=tuple(values)), op, values)


CONDITIONS = st.lists(st.sampled_from(list(FIELDS)).flatmap(_condition), max_size=3).map(tuple)
SOME = st.lists(st.sampled_from(list(FIELDS)).flatmap(_condition), min_size=1, max_size=2).map(tuple)
ASKED: dict[str, st.SearchStrategy[Any]] = {
    "where": CONDITIONS,
    "outcomes": st.sampled_from(["inferred", "observed"]),
    "limit": LIMIT,
}
OF = st.sampled_from(["calls", "utterances", "intents", "suggestions"])
FIELD = st.sampled_from(["intent", "week", "agent"])
QUESTIONS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Search, text=NAME, **ASKED),
    st.builds(Query, of=OF, sort=st.sampled_from([None, "-started", "confidence"]), after=st.none() | NAME, **ASKED),
    st.builds(
        Aggregate,
        of=OF,
        by=st.lists(FIELD, max_size=2).map(tuple),
        metric=st.sampled_from(["count", "share", "win_rate", "avg_handle_time"]),
        **ASKED,
    ),
    st.builds(Similar, call=NAME, **ASKED),
    st.builds(Compare, a=SOME, b=SOME, **ASKED),
    st.builds(Trend, by=FIELD, period=st.sampled_from(["day", "week", "month"]), **ASKED),
    st.builds(Coach, agent=NAME, **ASKED),
    st.builds(Flow, scenario=NAME, where=ASKED["where"], outcomes=ASKED["outcomes"]),
    st.builds(ShowCall, call=NAME),
    st.builds(ReadTranscript, call=NAME),
)


class Caught(Exception):
    """The question that a command asks."""


@pytest.fixture
def _nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def catch(question: Question) -> Any:
        raise Caught(question)

    monkeypatch.setattr("workers.cli.questions.asking.ask", catch)


@pytest.mark.usefixtures("_nobody_answers")
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUESTIONS)
def test_the_command_line_of_a_question_asks_that_question(question: Typed) -> None:
    typed = shlex.split(shlex.join(command_line(question)))
    with pytest.raises(Caught) as caught:
        cli.main(typed, standalone_mode=False)
    assert caught.value.args[0] == question


def test_every_question_but_a_page_of_an_export_has_a_command() -> None:
    assert {one.__name__ for one in get_args(Question)} - {one.__name__ for one in get_args(Typed)} == {"Rows"}


def test_options_that_are_as_they_would_be_anyway_are_left_out() -> None:
    question = Aggregate(by=("intent", "week"), where=(Condition(field="outcome", values=("won",)),))
    assert command_line(question) == ["aggregate", "--by", "intent,week", "--where", "outcome=won"]


def test_a_text_that_looks_like_an_option_stays_a_text() -> None:
    assert command_line(Search(text="--json")) == ["search", "--", "--json"]


def test_a_value_that_is_too_long_is_no_condition() -> None:
    from pipeline.questions.condition import parse_condition

    with pytest.raises(NoField, match="is no condition"):
        parse_condition("agent=" + "a" * 201)
    check(parse_condition("agent=" + "a" * 200))
