"""The way a conversation took, and the graph that many ways add up to."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from schemas.call import OutcomeResult
from schemas.insight import CallInsight, IntentExtracted
from schemas.wire import CallEvent, CallFacts, Count, Identifier, Lane, Milliseconds, Payload, Role, Wire


class Step(Wire):
    """One step of a path: an intent of the customer or an act of the agent."""

    label: Identifier
    role: Role
    topic: str | None = None
    at_ms: Milliseconds


class FlowState(CallEvent):
    """Where the conversation is and how it came there.

    It carries along what led to it, for the suggest stage: the insight of a whole call, or the newest words of one that
    goes on and what was found in them.
    """

    event_name: ClassVar[str] = "flow.state"

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    lane: Lane
    path: tuple[Step, ...]
    insight: CallInsight | None = None
    heard: IntentExtracted | None = None

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
    """A step's label in the graph: how many calls passed it and how those ended."""

    label: Identifier
    count: Count
    calls: Count
    won: Count = 0
    lost: Count = 0


class FlowEdge(Wire):
    """How often one step followed another."""

    source: Identifier
    target: Identifier
    count: Count
    total_ms: Count


class FlowGraph(Payload):
    """The graph of one tenant and scenario as one partition of ``flow.paths`` has seen it.

    ``applied_offset`` is the last offset folded in, so that a redelivered path is not counted twice; ``recent_calls``
    are digests of the calls folded in last, so that a path published twice is not counted twice. Readers add the
    partitions up. The record's key is ``tenant:scenario:partition``; it has no call, so it is no event of one.
    """

    event_name: ClassVar[str] = "flow.graph"

    tenant_id: Identifier
    scenario: Identifier
    partition: Annotated[int, Field(ge=0)]
    applied_offset: Annotated[int, Field(ge=0)]
    paths: Count
    nodes: tuple[FlowNode, ...]
    edges: tuple[FlowEdge, ...]
    recent_calls: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()
