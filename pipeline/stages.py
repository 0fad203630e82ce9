"""The whole topology on one screen: topics, and which stage reads and writes which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from schemas.wire import Lane

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of ours: it keeps its records for ``retention_ms``, or for good.

    A compacted one keeps the last record of each key, for that time or for good.

    ``events`` are the names of what it carries; a topic of dead letters carries whatever came. An ``internal`` one is
    nobody else's business: it is no part of the contracts.
    """

    name: str
    compacted: bool = False
    retention_ms: int | None = 30 * DAY
    events: tuple[str, ...] = ()
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the pipeline in one lane; scales by itself as the consumer group ``convmine.<name>.<lane>``.

    ``order`` is what is handled one after the other: the events of one key, or all of one partition. A stage that
    ``remembers`` keeps what it knows of a call that goes on in a topic of its own, beside the one topic that it reads.
    """

    name: str
    lane: Lane
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    bound_by: str
    order: Literal["key", "partition"] = "key"
    remembers: bool = False

    @property
    def state_topic(self) -> str:
        """The compacted topic of what this stage remembers."""
        return f"{self.name}.{self.lane}.state"

    @property
    def group(self) -> str:
        return f"convmine.{self.name}.{self.lane}"

    def dead_letters(self, topic: str) -> str:
        """The topic that takes what this stage could not handle of ``topic``."""
        return f"{topic}.{self.name}.dlq"


RECORDINGS: Final = "calls.recordings"
AUDIO: Final = "calls.audio"
SUGGESTIONS: Final = "sales.suggestions"
PATHS: Final = "flow.paths"
GRAPH: Final = "flow.graph"
FAILED: Final = "calls.failed"
OUTCOMES: Final = "calls.outcomes"
FEEDBACK: Final = "suggestions.feedback"
REPLAYS: Final = "dlq.replays"
SCENARIOS: Final = "config.scenarios"
PROMPTS: Final = "config.prompts"
RUNNING: Final = "config.running"
CARDS: Final = "config.cards"
WEBHOOKS: Final = "webhooks.pending"
ERASURES: Final = "privacy.erasures"


def transcripts(lane: Lane) -> str:
    """Topic of segments, messages and whole transcripts."""
    return f"calls.transcripts.{lane}"


def intents(lane: Lane) -> str:
    """Topic of live intents and whole insights."""
    return f"calls.intents.{lane}"


def flow(lane: Lane) -> str:
    """Topic of flow states."""
    return f"calls.flow.{lane}"


_B: Final = Lane.BATCH
_L: Final = Lane.LIVE

STAGES: Final[tuple[Stage, ...]] = (
    Stage("asr", _B, (RECORDINGS,), (transcripts(_B), RECORDINGS), "CPU or GPU, lag"),
    Stage("extract", _B, (transcripts(_B),), (intents(_B),), "LLM"),
    Stage("flow", _B, (intents(_B),), (flow(_B), PATHS), "CPU"),
    Stage("graph", _B, (PATHS,), (GRAPH,), "CPU", order="partition"),
    Stage("suggest", _B, (flow(_B),), (SUGGESTIONS,), "LLM, retrieval"),
    Stage(
        "index",
        _B,
        (transcripts(_B), intents(_B), flow(_B), SUGGESTIONS, FEEDBACK, FAILED, OUTCOMES),
        (CARDS,),
        "batch upserts",
    ),
    Stage("webhook", _B, (SUGGESTIONS, intents(_B), intents(_L), WEBHOOKS), (WEBHOOKS,), "receivers"),
    Stage("asr", _L, (AUDIO,), (transcripts(_L), AUDIO), "CPU or GPU, concurrent calls", remembers=True),
    Stage("extract", _L, (transcripts(_L),), (intents(_L),), "LLM", remembers=True),
    Stage("flow", _L, (intents(_L),), (flow(_L), PATHS), "CPU", remembers=True),
    Stage("suggest", _L, (flow(_L),), (SUGGESTIONS,), "LLM, retrieval", remembers=True),
    Stage("compliance", _L, (transcripts(_L),), (SUGGESTIONS,), "CPU", remembers=True),
    Stage("recap", _L, (transcripts(_L),), (SUGGESTIONS,), "store, customer data"),
    Stage("index", _L, (transcripts(_L), intents(_L), flow(_L)), (), "batch upserts"),
)

_LIFE: Final = ("call.started", "call.updated", "call.held", "call.resumed", "call.ended")

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(AUDIO, retention_ms=DAY, events=("call.audio.chunk", *_LIFE)),
    Topic(RECORDINGS, events=("call.recording.available",)),
    Topic(transcripts(_L), events=("transcript.segment", "transcript.gap", "conversation.message", *_LIFE)),
    Topic(transcripts(_B), events=("transcript.completed",)),
    Topic(intents(_L), events=("intent.extracted", "call.insight")),
    Topic(intents(_B), events=("call.insight",)),
    Topic(flow(_L), events=("flow.state",)),
    Topic(flow(_B), events=("flow.state",)),
    Topic(PATHS, events=("flow.path",)),
    Topic(GRAPH, compacted=True, retention_ms=None, events=("flow.graph",)),
    Topic(
        SUGGESTIONS,
        events=("suggestion.created", "suggestion.withdrawn", "checklist.updated", "call.alert", "call.recap"),
    ),
    Topic(WEBHOOKS, events=("webhook.pending",)),
    Topic(FEEDBACK, events=("suggestion.feedback",)),
    Topic(FAILED, events=("call.failed",)),
    Topic(OUTCOMES, events=("call.outcome",)),
    *(Topic(stage.state_topic, compacted=True, retention_ms=DAY, internal=True) for stage in STAGES if stage.remembers),
    *(Topic(stage.dead_letters(topic)) for stage in STAGES for topic in stage.reads),
    Topic(SCENARIOS, compacted=True, retention_ms=None, events=("config.scenario",)),
    Topic(PROMPTS, compacted=True, retention_ms=None, events=("config.prompt",)),
    Topic(RUNNING, compacted=True, retention_ms=DAY, events=("config.running",)),
    Topic(CARDS, compacted=True, retention_ms=None, events=("config.card", "config.card.statistics")),
    Topic(ERASURES, compacted=True, retention_ms=None, events=("privacy.erasure",)),
    Topic(REPLAYS, compacted=True, retention_ms=None, internal=True),
)


def stages_of(lane: Lane) -> tuple[Stage, ...]:
    """The stages of one lane, in the order in which a call passes them."""
    return tuple(stage for stage in STAGES if stage.lane is lane)


def stage_named(name: str, lane: Lane) -> Stage | None:
    """The stage of this name and lane, or None."""
    return next((stage for stage in STAGES if (stage.name, stage.lane) == (name, lane)), None)
