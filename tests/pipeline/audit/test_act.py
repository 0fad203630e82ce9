"""Of an answer the log has which calls were shown, and none of their words."""

from __future__ import annotations

import asyncio

import pytest
from gateway_app import made_store
from mined_calls import TENANT, TURNS

from pipeline.audit.act import asked
from pipeline.audit.audited import Audited
from pipeline.audit.entry import Actor, Entry
from pipeline.audit.recorder import Recorder
from pipeline.export.sql import SqlAnswer
from pipeline.questions.answering import KINDS, StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.question import (
    Aggregate,
    Coach,
    Compare,
    Flow,
    Query,
    Question,
    ReadTranscript,
    Rows,
    Search,
    ShowCall,
    Similar,
    Trend,
)
from pipeline.testing import InMemoryAuditLog, InMemoryStore

OF_ANN = parse_condition("agent=ann")
OF_BOB = parse_condition("agent=bob")
ALL = ("call-bob", "call-one", "call-two")
SHOWN: dict[Question, tuple[str, ...]] = {
    Search(text="price", where=(OF_BOB,)): ("call-bob",),
    Query(of="calls"): ALL,
    Query(of="intents", where=(OF_ANN,)): ("call-one", "call-two"),
    Query(of="suggestions", where=(parse_condition("call=call-bob"),)): ("call-bob",),
    Rows(of="utterances", where=(OF_ANN,)): ("call-one", "call-two"),
    Similar(call="call-one"): ("call-one", "call-bob", "call-two"),
    ShowCall(call="call-two"): ("call-two",),
    ReadTranscript(call="call-bob"): ("call-bob",),
    Aggregate(by=("intent",)): (),
    Trend(by="intent"): (),
    Flow(scenario="telecom"): (),
    Compare(a=(OF_ANN,), b=(OF_BOB,)): (),
}


@pytest.fixture(scope="module")
def mined() -> InMemoryStore:
    return asyncio.run(made_store())


async def recorded(mined: InMemoryStore, question: Question) -> Entry:
    log = InMemoryAuditLog()
    answers = StoredAnswers(mined, Asker(TENANT))
    await Audited(answers, Recorder(log, Actor(TENANT, "ann", "cli"))).answer(question)
    (entry,) = log.entries
    return entry


@pytest.mark.parametrize("question", SHOWN, ids=lambda question: question.kind)
async def test_the_calls_that_an_answer_shows_are_named(mined: InMemoryStore, question: Question) -> None:
    entry = await recorded(mined, question)
    assert (entry.calls, entry.call_count) == (SHOWN[question], len(SHOWN[question]))
    assert entry.result == "answered"


def test_every_kind_of_question_is_tried_but_one_that_shows_calls_only_to_listen_to() -> None:
    assert {type(question) for question in SHOWN} == set(KINDS) - {Coach}


async def test_no_words_of_a_call_are_in_the_log(mined: InMemoryStore) -> None:
    for question in SHOWN:
        written = (await recorded(mined, question)).model_dump_json()
        assert not [text for _, text in TURNS if text in written]


async def test_a_customer_who_is_asked_for_or_shown_is_named(mined: InMemoryStore) -> None:
    assert asked(Query(where=(parse_condition("customer=c-9"),))).customers == ("c-9",)
    assert (await recorded(mined, ReadTranscript(call="call-one"))).customers == ("c-1",)
    assert (await recorded(mined, Rows(of="calls"))).customers == ("c-1",)


def test_of_sql_the_calls_are_those_of_the_column_that_names_them() -> None:
    answer = SqlAnswer(("n", "call_id"), ("BIGINT", "VARCHAR"), ((1, "call-2"), (2, None), (3, "call-1")))
    act = asked(Search(text="x")).showing(answer)
    assert (act.calls, act.call_count) == (("call-1", "call-2"), 2)
