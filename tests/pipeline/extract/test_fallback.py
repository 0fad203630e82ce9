from __future__ import annotations

from collections.abc import Callable

import pytest
from talks import conversation

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.extract.fallback import FallingBack
from pipeline.extract.findings import Conversation, Findings
from pipeline.figures import FALLBACKS
from pipeline.llm.budget import Spent
from pipeline.llm.withheld import Why, Withheld
from pipeline.settings import Cause
from pipeline.testing import InMemoryMeter
from schemas.insight import Extractor, Provenance

TALK = conversation("c: i want to cancel")


class Scripted:
    """Finds nothing, or raises what it is told to; keeps what it was asked about."""

    def __init__(self, extractor: Extractor) -> None:
        self._found = Findings(
            intents=(),
            outcome=None,
            summary="",
            provenance=Provenance(extractor=extractor, model="m", scenario="telecom", scenario_version=1),
        )
        self.error: ConvmineError | None = None
        self.heard: list[Conversation] = []
        self.is_closed = False

    async def extract(self, conversation: Conversation) -> Findings:
        self.heard.append(conversation)
        if self.error is not None:
            raise self.error
        return self._found

    async def close(self) -> None:
        self.is_closed = True


class Two:
    """A model and what answers instead of it, at a time that the test sets."""

    def __init__(self, *causes: Cause) -> None:
        self.model, self.instead = Scripted(Extractor.LLM), Scripted(Extractor.LEXICAL)
        self.meter = InMemoryMeter()
        self.now_s = 0.0
        self.both = FallingBack(self.model, self.instead, causes, self.meter, lambda: self.now_s)


def away() -> Retryable:
    return Retryable("the model's server answered 503", dependency="llm")


CASES = [
    ("spent", lambda: Spent("nothing is left of the day's tokens", scope="day")),
    ("away", away),
    ("refused", lambda: Withheld("the model refuses to answer", why=Why.REFUSED)),
]


async def test_a_model_that_answers_is_not_answered_for() -> None:
    two = Two("spent", "away", "refused")
    assert (await two.both.extract(TALK)).provenance.fallback_because is None
    assert two.instead.heard == []


@pytest.mark.parametrize(("cause", "error"), CASES)
async def test_for_a_cause_that_is_set_the_other_answers_and_says_why(
    cause: Cause, error: Callable[[], ConvmineError]
) -> None:
    two = Two(cause)
    two.model.error = error()
    provenance = (await two.both.extract(TALK)).provenance
    assert provenance.extractor is Extractor.LEXICAL
    assert provenance.fallback_because == two.model.error.message
    assert two.meter.counted(FALLBACKS, cause=cause) == 1


@pytest.mark.parametrize(("cause", "error"), CASES)
async def test_for_another_cause_the_error_stands(cause: Cause, error: Callable[[], ConvmineError]) -> None:
    others: tuple[Cause, ...] = ("spent", "away", "refused")
    two = Two(*(it for it in others if it != cause))
    two.model.error = error()
    with pytest.raises(type(two.model.error)):
        await two.both.extract(TALK)
    assert two.instead.heard == []


async def test_what_is_no_fault_of_the_model_is_never_answered_for() -> None:
    two = Two("spent", "away", "refused")
    two.model.error = Poison("there is no such scenario")
    with pytest.raises(Poison, match="no such scenario"):
        await two.both.extract(TALK)


async def test_a_model_that_is_away_for_long_is_asked_only_now_and_then() -> None:
    two = Two("away")
    two.model.error = away()
    for _ in range(20):
        await two.both.extract(TALK)
    assert (len(two.model.heard), len(two.instead.heard)) == (5, 20)
    two.now_s = 30.0
    two.model.error = None
    assert (await two.both.extract(TALK)).provenance.extractor is Extractor.LLM
    assert (await two.both.extract(TALK)).provenance.extractor is Extractor.LLM


async def test_both_are_closed() -> None:
    two = Two()
    await two.both.close()
    assert two.model.is_closed
    assert two.instead.is_closed
