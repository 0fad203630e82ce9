"""The way a conversation took, and the graph that many ways add up to."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from schemas.call import OutcomeResult
from schemas.insight import CallInsight, IntentExtracted
from schemas.wire import (
    CallEvent,
    CallFacts,
    Count,
    Identifier,
    Lane,
    Milliseconds,
    Payload,
    Role,
    Share,
    Wire,
)

Weight = Annotated[float, Field(ge=0)]


class Step(Wire):
    """One step of a path: an intent of the customer or an act of the agent."""

    label: Identifier
    role: Role
    topic: str | None = None
    at_ms: Milliseconds


class Odds(Wire):
    """How decided calls ended: the share of them that was won, smoothed, and how many it was seen in."""

    won: Share
    calls: Annotated[float, Field(ge=0)]


class NextStep(Wire):
    """What may come next: how probable, how often it was seen to follow, and how the calls ended in which it did."""

    label: Identifier
    probability: Share
    seen: Annotated[float, Field(ge=0)]
    odds: Odds | None = None


class Guidance(Wire):
    """What earlier calls did that had come the same way: what was seen, which is not what causes what.

    ``next`` are the most probable steps, best first, the end of the call (``(end)``) among them; their probabilities
    need not add up to 1. ``context`` are the last steps that the counts stand on, oldest first, and ``seen`` is how
    often they were met. Weights decay over time, so that counts are no whole numbers. ``graph`` names the version.
    """

    next: tuple[NextStep, ...]
    odds: Odds | None = None
    context: tuple[Identifier, ...] = ()
    seen: Annotated[float, Field(ge=0)] = 0
    graph: str | None = None


class FlowState(CallEvent):
    """Where the conversation is and how it came there.

    It carries along what led to it, for the suggest stage: the insight of a whole call, or the newest words of one that
    goes on, what was found in them, and what earlier calls did from there.
    """

    event_name: ClassVar[str] = "flow.state"
    version: ClassVar[tuple[int, int]] = (1, 1)

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    lane: Lane
    path: tuple[Step, ...]
    insight: CallInsight | None = None
    heard: IntentExtracted | None = None
    guidance: Guidance | None = None

    @model_validator(mode="after")
    def _carries_one(self) -> FlowState:
        if (self.insight is None) == (self.heard is None):
            msg = "carry either insight or heard"
            raise ValueError(msg)
        return self


class FlowPath(CallEvent):
    """A finished path, ready to be folded into the graph."""

    event_name: ClassVar[str] = "flow.path"

    scenario: Identifier
    revision: Annotated[int, Field(ge=1)] = 1
    steps: tuple[Step, ...]
    duration_ms: Milliseconds
    outcome: str | None = None
    result: OutcomeResult | None = None


class FlowNode(Wire):
    """A step's label in the graph: how many calls passed it and how those ended.

    ``repeated`` of the calls came back to it. ``later`` are the steps, ends of calls among them, that were taken after
    it had come for the first time in their call.
    """

    label: Identifier
    count: Count
    calls: Count
    won: Count = 0
    lost: Count = 0
    repeated: Count = 0
    later: Count = 0


class FlowEdge(Wire):
    """How often one step followed another, and how the calls ended in which it did; an edge to itself is a loop.

    ``weight`` is the count with older calls counting less; see ``FlowGraph``.
    """

    source: Identifier
    target: Identifier
    count: Count
    total_ms: Count
    won: Count = 0
    lost: Count = 0
    weight: Weight = 0


class Followed(Wire):
    """What came next after some steps, decayed: one entry of each list for each step that did.

    ``steps`` and ``next`` are places in the list of the graph's nodes, from 0, ``steps`` oldest first. ``won`` and
    ``lost`` are the parts of the weights that come from calls that were won and lost.
    """

    steps: Annotated[tuple[Count, ...], Field(min_length=1)]
    next: tuple[Count, ...]
    weight: tuple[Weight, ...]
    won: tuple[Weight, ...]
    lost: tuple[Weight, ...]

    @model_validator(mode="after")
    def _is_level(self) -> Followed:
        if len({len(self.next), len(self.weight), len(self.won), len(self.lost)}) != 1:
            msg = "next, weight, won and lost must be of one length"
            raise ValueError(msg)
        return self


class FlowGraph(Payload):
    """The graph of one tenant and scenario as one partition of ``flow.paths`` has seen it.

    ``applied_offset`` is the last offset folded in, so that a redelivered path is not counted twice; ``recent_calls``
    are digests of the calls folded in last, so that a path published twice is not counted twice. Readers add the
    partitions up. The record's key is ``tenant:scenario:partition``; it has no call, so it is no event of one.

    Weights are counts of which a call's part halves every ``half_life_days``, as they stand at ``as_of``, the latest
    time of a path. ``contexts`` say what followed the last one to three steps, the heaviest of them; ``earlier`` what
    came next in calls in which a step had come at any time before. ``sample`` are the steps of the paths folded in
    last, as places in ``nodes``.

    A record with a ``period`` is a version: the graph as it was at the end of the period that began then and was
    ``period_s`` seconds long. Its key has one part more, the number of the period modulo 32: later ones take its place.
    """

    event_name: ClassVar[str] = "flow.graph"
    version: ClassVar[tuple[int, int]] = (1, 1)

    tenant_id: Identifier
    scenario: Identifier
    partition: Annotated[int, Field(ge=0)]
    applied_offset: Annotated[int, Field(ge=0)]
    paths: Count
    nodes: tuple[FlowNode, ...]
    edges: tuple[FlowEdge, ...]
    recent_calls: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()
    half_life_days: Annotated[float, Field(gt=0)] | None = None
    as_of: AwareDatetime | None = None
    contexts: tuple[Followed, ...] = ()
    earlier: tuple[Followed, ...] = ()
    sample: tuple[tuple[Count, ...], ...] = ()
    period: AwareDatetime | None = None
    period_s: Annotated[int, Field(gt=0)] | None = None
