from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import conversation

from pipeline.errors import Poison
from pipeline.extract.disagreement import Checked, disagreement, is_among
from pipeline.extract.findings import Conversation, Findings, FoundIntent
from pipeline.figures import DISAGREEMENT
from pipeline.testing import InMemoryMeter
from schemas.insight import Evidence, Extractor, Provenance
from schemas.wire import Role

TALK = conversation("c: i want to cancel")
MADE = Provenance(extractor=Extractor.LLM, model="m", scenario="telecom", scenario_version=1)


def found(*intents: tuple[str, str]) -> Findings:
    """Intents by name and segment."""
    made = [
        FoundIntent(name, 0.9, Evidence(segment_id=segment, role=Role.CUSTOMER, start_ms=0, end_ms=1, quote="words"))
        for name, segment in intents
    ]
    return Findings(tuple(made), None, "", MADE)


class Finds:
    """Always finds the same, or raises."""

    def __init__(self, findings: Findings | Exception) -> None:
        self._findings = findings
        self.heard: list[Conversation] = []

    async def extract(self, conversation: Conversation) -> Findings:
        self.heard.append(conversation)
        if isinstance(self._findings, Exception):
            raise self._findings
        return self._findings

    async def close(self) -> None:
        pass


PAIRS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=6)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (found(), found(), 0.0),
        (found(("a", "x")), found(("a", "x")), 0.0),
        (found(("a", "x")), found(), 1.0),
        (found(("a", "x"), ("b", "x")), found(("a", "x"), ("b", "y")), 2 / 3),
    ],
)
def test_it_is_the_share_of_intents_that_only_one_found(one: Findings, other: Findings, expected: float) -> None:
    assert disagreement(one, other) == pytest.approx(expected)


@given(PAIRS, PAIRS)
def test_it_does_not_matter_who_is_first(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    both = disagreement(found(*one), found(*other))
    assert both == disagreement(found(*other), found(*one))
    assert 0 <= both <= 1


@given(st.floats(0, 1))
def test_as_many_calls_are_checked_as_are_set(share: float) -> None:
    checked = sum(is_among(f"acme:call-{number}", share) for number in range(1_000))
    assert checked == pytest.approx(1_000 * share, abs=60)


async def test_the_first_counts_and_the_difference_is_measured() -> None:
    meter, first, second = InMemoryMeter(), Finds(found(("a", "x"))), Finds(found(("b", "x")))
    assert await Checked(first, second, 1.0, meter).extract(TALK) == found(("a", "x"))
    assert meter.observed(DISAGREEMENT, scenario="telecom") == [1.0]


async def test_calls_that_are_not_checked_cost_nothing() -> None:
    meter, second = InMemoryMeter(), Finds(found())
    talk = replace(TALK, subject="acme:call-1")
    await Checked(Finds(found()), second, 0.0, meter).extract(talk)
    assert second.heard == []


async def test_a_check_that_fails_stops_nothing() -> None:
    meter, second = InMemoryMeter(), Finds(Poison("no"))
    assert await Checked(Finds(found()), second, 1.0, meter).extract(TALK) == found()
    assert meter.observed(DISAGREEMENT, scenario="telecom") == []
