"""Who has an answer is recorded before they have it; what cannot be recorded is refused, or warned of."""

from __future__ import annotations

import logging

import pytest
from audit_places import NOON

from pipeline.audit.act import command, erasure
from pipeline.audit.audited import Audited
from pipeline.audit.entry import MOST_CALLS, MOST_TEXT, Actor, Entry
from pipeline.audit.recorder import Recorder
from pipeline.errors import Retryable
from pipeline.questions.question import Question, Search, ShowCall
from pipeline.store.known import Unknown
from pipeline.testing import InMemoryAuditLog

ANN = Actor("acme", "ann", "cli")


class Broken(InMemoryAuditLog):
    """A log whose disk is full."""

    async def record(self, entry: Entry) -> None:
        raise Retryable(f"the disk is full, {entry.action}", dependency="audit log")


class Failing:
    """Answers nothing, and says why."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def answer(self, question: Question) -> object:
        del question
        raise self.error


class Told:
    """Answers the same to all."""

    async def answer(self, question: Question) -> str:
        return question.kind


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unknown("no call named 'x'", hint="nearest: call-1"), "refused"),
        (Retryable("away", dependency="qdrant"), "failed"),
        (KeyError("x"), "failed"),
    ],
)
async def test_a_question_without_an_answer_is_recorded_without_what_was_said_of_it(
    error: Exception, result: str
) -> None:
    log = InMemoryAuditLog()
    with pytest.raises(type(error)):
        await Audited(Failing(error), Recorder(log, ANN, now=lambda: NOON)).answer(ShowCall(call="x"))
    (entry,) = log.entries
    assert (entry.at, entry.who, entry.tenant_id, entry.origin) == (NOON, "ann", "acme", "cli")
    assert (entry.result, entry.reason, entry.action, entry.about) == (
        result,
        type(error).__name__,
        "call",
        '{"call": "x"}',
    )
    assert (entry.calls, entry.call_count) == (("x",), 0)


@pytest.mark.parametrize("inner", [Told(), Failing(Unknown("no call", hint="nearest: call-1"))])
async def test_where_it_must_be_recorded_and_cannot_nothing_is_told(inner: Told | Failing) -> None:
    audited = Audited(inner, Recorder(Broken(), ANN, required=True))
    with pytest.raises(Retryable, match="the disk is full") as raised:
        await audited.answer(Search(text="price"))
    assert raised.value.dependency == "audit"
    assert "call-1" not in raised.value.in_one_line


async def test_where_it_need_not_be_there_is_an_answer_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert await Audited(Told(), Recorder(Broken(), ANN)).answer(Search(text="price")) == "search"
    assert "not recorded in the audit log: search: the disk is full, search" in caplog.text


async def test_an_erasure_names_its_calls_up_to_a_number_and_then_how_many() -> None:
    log = InMemoryAuditLog()
    calls = [f"call-{number}" for number in range(MOST_CALLS + 5)]
    await Recorder(log, ANN).record(erasure(calls, customer="c-1"))
    (entry,) = log.entries
    assert (entry.action, entry.customers, entry.call_count) == ("erase", ("c-1",), MOST_CALLS + 5)
    assert entry.calls == tuple(calls[:MOST_CALLS])


async def test_what_was_asked_is_cut_where_it_is_long() -> None:
    log = InMemoryAuditLog()
    await Recorder(log, ANN).record(command("sql", statement="x" * 10_000))
    assert len(log.entries[0].about) == MOST_TEXT
