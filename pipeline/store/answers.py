"""What the questions about stored calls are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Items, and the mark to go on from.

    Of an empty answer, ``emptied_by`` is the option that left nothing (None where nothing at all is stored).
    """

    items: tuple[T, ...]
    next: str | None = None
    emptied_by: str | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that was said; ``highlights`` are the characters (start, end) of the words asked for."""

    call_id: str
    segment_id: str
    role: str
    start_ms: int
    end_ms: int
    text: str
    highlights: tuple[tuple[int, int], ...]
    score: float
    scenario: str | None
    language: str | None
    agent: str | None
    started_at: str


@dataclass(frozen=True, slots=True)
class FoundIntent:
    """An intent with the words that it stands on; how its call ended is inferred."""

    call_id: str
    intent_id: str
    name: str
    role: str
    topic: str | None
    sentiment: str
    confidence: float
    quote: str
    segment_id: str
    start_ms: int
    end_ms: int
    scenario: str | None
    extractor: str
    outcome_inferred: str | None
    outcome_inferred_result: str | None
    started_at: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, by name and as won, lost or open, and who or what says so."""

    name: str
    result: str
    said_by: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The stage that failed on a call, why, and when."""

    stage: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call in a list; inferred and observed outcome stay two things."""

    call_id: str
    started_at: str | None
    scenario: str | None
    language: str | None
    agent: str | None
    duration_ms: int | None
    intents: tuple[str, ...]
    outcome_inferred: Outcome | None
    outcome_observed: Outcome | None
    failed: Failure | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a call."""

    role: str
    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class ComplianceFinding:
    """A required phrase that is missing (no quotes), or a word that should be looked at."""

    kind: str
    name: str
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """A slot, its value, and the words it was said in; what it measures, where that is known."""

    name: str
    value: str
    role: str
    quote: str
    amount: float | None = None
    unit: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class FoundObjection:
    """What the customer held against it, what became of that, and the agent's words on it."""

    topic: str | None
    handling: str
    start_ms: int
    quote: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class FoundFollowUp:
    """What the side ``role`` is going to do, and by when: the day, and the words for it."""

    kind: str
    role: str
    what: str
    due: str | None
    due_said: str | None
    start_ms: int
    quote: str


@dataclass(frozen=True, slots=True)
class ToneTurn:
    """Where the tone of a side turned, for the better or the worse."""

    role: str
    change: str
    at_ms: int
    quote: str


@dataclass(frozen=True, slots=True)
class Advice:
    """A suggestion, the moment of the call that it is for, and what became of it."""

    suggestion_id: str
    card_id: str
    title: str
    text: str
    reason: str
    at_ms: int
    priority: int
    feedback: str | None
    withdrawn: str | None


@dataclass(frozen=True, slots=True)
class FoundSuggestion(Advice):
    """A suggestion in a list, with its call."""

    call_id: str
    started_at: str | None
    scenario: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class CallView:
    """Everything that is stored of one call; ``facts`` are those told from outside, and what it was mined with.

    ``talk`` are its ``schemas.insight.TalkFigures``, None where they are not known.
    """

    row: CallRow
    facts: Mapping[str, Any]
    summary: str
    turns: tuple[Turn, ...]
    intents: tuple[FoundIntent, ...]
    entities: tuple[FoundEntity, ...]
    compliance: tuple[ComplianceFinding, ...]
    suggestions: tuple[Advice, ...]
    tone_turns: tuple[ToneTurn, ...] = ()
    objections: tuple[FoundObjection, ...] = ()
    follow_ups: tuple[FoundFollowUp, ...] = ()
    talk: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """The words of one call as they are stored, masked: segments in order of start.

    ``agent`` and ``customer_id`` are pseudonyms. ``duration_ms`` is 0 where it is not known.
    """

    call_id: str
    segments: tuple[Segment, ...]
    started_at: datetime
    language: str | None = None
    agent: str | None = None
    customer_id: str | None = None
    duration_ms: int = 0
    revision: int = 1
    scenario: str | None = None

    def as_event(self) -> TranscriptCompleted:
        """The transcript that it was made of, as far as it is stored."""
        return TranscriptCompleted(
            call_id=self.call_id,
            call=CallFacts(scenario=self.scenario, language=self.language, started_at=self.started_at),
            revision=self.revision,
            language=self.language,
            duration_ms=self.duration_ms,
            engine="stored",
            segments=self.segments,
        )
