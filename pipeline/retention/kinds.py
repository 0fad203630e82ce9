"""The kinds of things that rules are about, as people speak of them, and on which topics the same things lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.stages import (
    AUDIO,
    FAILED,
    FEEDBACK,
    OUTCOMES,
    PATHS,
    RECORDINGS,
    STAGES,
    SUGGESTIONS,
    WEBHOOKS,
    flow,
    intents,
    transcripts,
)
from schemas.wire import Lane

KindName = Literal[
    "calls", "transcripts", "intents", "suggestions", "claims", "cache", "labels", "usage", "audit", "exports"
]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is kept under a name; ``age`` is from when on it is counted, ``topics`` have the same things in Kafka.

    One that is not ``by_tenant`` is kept in one place for all.
    """

    meaning: str
    age: str
    topics: tuple[str, ...] = ()
    by_tenant: bool = True


def _with_dead_letters(*topics: str) -> tuple[str, ...]:
    dead = [stage.dead_letters(topic) for stage in STAGES for topic in stage.reads if topic in topics]
    return (*topics, *dict.fromkeys(dead))


_BEGINNING: Final = "the beginning of the call"

KINDS: Final[Mapping[KindName, Kind]] = {
    "calls": Kind(
        "calls with all that is kept of them: words, intents, suggestions, summaries, outcomes, labels, vault",
        _BEGINNING,
        _with_dead_letters(*(flow(lane) for lane in Lane), PATHS, RECORDINGS, FAILED, OUTCOMES),
    ),
    "transcripts": Kind(
        "what was said, and what the vault has of it",
        _BEGINNING,
        _with_dead_letters(*(transcripts(lane) for lane in Lane), AUDIO),
    ),
    "intents": Kind(
        "intents, each with the words that it stands on",
        _BEGINNING,
        _with_dead_letters(*(intents(lane) for lane in Lane)),
    ),
    "suggestions": Kind(
        "suggestions, and what became of them", _BEGINNING, _with_dead_letters(SUGGESTIONS, FEEDBACK, WEBHOOKS)
    ),
    "claims": Kind("values that were too large for Kafka", "when they were last written", by_tenant=False),
    "cache": Kind("answers of language models, and what was heard in long recordings", "the answer", by_tenant=False),
    "labels": Kind("what people said of extracted items", "when they said it"),
    "usage": Kind("what language models used and cost", "the day (UTC)"),
    "audit": Kind("who read or erased what", "when they did"),
    "exports": Kind("the Parquet copy that SQL is asked of", "when it was last brought up to date"),
}
"""Passages of knowledge bases are no kind: they are of scenarios, not of calls, and go when those change. Files that
``convmine export`` wrote are whoever's who has them."""

OF_CALLS: Final[tuple[KindName, ...]] = ("transcripts", "intents", "suggestions", "calls")
"""Those that go with a call at the latest."""
IN_ORDER: Final[tuple[KindName, ...]] = (*OF_CALLS, *(kind for kind in KINDS if kind not in OF_CALLS))
"""As they are removed: calls after their parts, of which they say whether they go on."""
