"""The whole topology on one screen: topics, and which stage reads and writes which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from schemas.wire import Lane

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of ours; a compacted one keeps the last record of each key for good, the others ``retention_ms``.

    ``events`` are the names of what it carries; a topic of dead letters carries whatever came.
    """

    name: str
    compacted: bool = False
    retention_ms: int = 30 * DAY
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the pipeline in one lane; scales by itself as the consumer group ``convmine.<name>.<lane>``.

    ``order`` is what is handled one after the other: the events of one key, or all of one partition.
    """

    name: str
    lane: Lane
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    bound_by: str
    order: Literal["key", "partition"] = "key"

    @property
    def group(self) -> str:
        return f"convmine.{self.name}.{self.lane}"

    def dead_letters(self, topic: str) -> str:
        """The topic that takes what this stage could not handle of ``topic``."""
        return f"{topic}.{self.name}.dlq"


RECORDINGS: Final = "calls.recordings"
SUGGESTIONS: Final = "sales.suggestions"
PATHS: Final = "flow.paths"
GRAPH: Final = "flow.graph"
FAILED: Final = "calls.failed"
OUTCOMES: Final = "calls.outcomes"
FEEDBACK: Final = "suggestions.feedback"


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

STAGES: Final[tuple[Stage, ...]] = (
    Stage("asr", _B, (RECORDINGS,), (transcripts(_B),), "CPU or GPU, lag"),
    Stage("extract", _B, (transcripts(_B),), (intents(_B),), "LLM"),
    Stage("flow", _B, (intents(_B),), (flow(_B), PATHS), "CPU"),
    Stage("graph", _B, (PATHS,), (GRAPH,), "CPU", order="partition"),
    Stage("suggest", _B, (flow(_B),), (SUGGESTIONS,), "LLM, retrieval"),
    Stage(
        "index",
        _B,
        (transcripts(_B), intents(_B), flow(_B), SUGGESTIONS, FEEDBACK, FAILED, OUTCOMES),
        (),
        "batch upserts",
    ),
)

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(RECORDINGS, events=("call.recording.available",)),
    Topic(transcripts(_B), events=("transcript.completed",)),
    Topic(intents(_B), events=("call.insight",)),
    Topic(flow(_B), events=("flow.state",)),
    Topic(PATHS, events=("flow.path",)),
    Topic(GRAPH, compacted=True, events=("flow.graph",)),
    Topic(SUGGESTIONS, events=("suggestion.created", "suggestion.withdrawn")),
    Topic(FEEDBACK, events=("suggestion.feedback",)),
    Topic(FAILED, events=("call.failed",)),
    Topic(OUTCOMES, events=("call.outcome",)),
    *(Topic(stage.dead_letters(topic)) for stage in STAGES for topic in stage.reads),
)


def stage_named(name: str, lane: Lane) -> Stage | None:
    """The stage of this name and lane, or None."""
    return next((stage for stage in STAGES if (stage.name, stage.lane) == (name, lane)), None)
