"""A live call as its stages are handed it, event by event, with a worker that may be killed at any of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from pipeline.extract.findings import Conversation, Findings, FoundEntity, FoundIntent, evidence_of
from pipeline.handling import Inbound, Outbound, Position, Remembering
from schemas.envelope import message
from schemas.insight import Extractor, Provenance
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Role

S = TypeVar("S", bound=BaseModel)
TENANT = "acme"
WORDS = {"expensive": "price_objection", "cancel": "cancel_contract", "stay": "agree_to_stay"}
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Scripted:
    """An extractor that finds an intent wherever its word is said; it keeps the windows that it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def extract(self, conversation: Conversation) -> Findings:
        self.asked.append(tuple(segment.text for segment in conversation.segments))
        heard = [(segment, word) for segment in conversation.segments for word in WORDS if word in segment.text]
        return Findings(
            intents=tuple(FoundIntent(WORDS[word], 0.9, evidence_of(segment, word)) for segment, word in heard),
            outcome=None,
            summary="s",
            entities=tuple(FoundEntity("plan", word, evidence_of(segment, word)) for segment, word in heard),
            provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1),
        )

    async def close(self) -> None:
        """Nothing is held open."""


def inbound(payload: CallEvent, offset: int, *, at_s: float = 0.0, id_: str | None = None) -> Inbound:
    """The event at this offset, ``at_s`` seconds after the call's start."""
    sent = message(
        payload,
        id=id_ or f"e{offset}",
        source="/test",
        time=START + timedelta(seconds=at_s),
        subject=payload.call_id,
        tenant_id=TENANT,
    )
    return Inbound(sent, Position("topic", 0, offset))


def segment(number: int, text: str, role: Role = Role.CUSTOMER) -> Segment:
    """Turn ``number`` of a call, five seconds a turn."""
    start = number * 5_000
    return Segment(segment_id=f"s{number}", role=role, start_ms=start, end_ms=start + 4_000, text=text)


def said(number: int, text: str, role: Role = Role.CUSTOMER, **changes: Any) -> TranscriptSegment:
    """That turn, as the asr stage publishes it: final, in English, unless something else is said."""
    usual = {"call_id": "c1", "call": CallFacts(language="en"), "final": True}
    return TranscriptSegment.model_validate({**usual, "segment": segment(number, text, role), **changes})


async def run(
    handler: Remembering[S], events: Iterable[Inbound], *, killed_at: Collection[int] = ()
) -> tuple[list[Outbound], S | None]:
    """All outputs, and what is remembered at the end.

    At the offsets of ``killed_at`` the worker is killed after it has handled the event and before that is kept: its
    successor is handed the same event with what was kept before, read back from JSON.
    """
    outputs: list[Outbound] = []
    kept: bytes | None = None
    for event in events:
        handled = await handler(event, _read(handler, kept))
        if event.position.offset in killed_at:
            handled = await handler(event, _read(handler, kept))
        if handled.state is not None:
            kept = handled.state.model_dump_json(exclude_none=True).encode()
        outputs.extend(handled.outputs)
    return outputs, _read(handler, kept)


async def run_in_memory(handler: Remembering[S], events: Iterable[Inbound]) -> list[Outbound]:
    """The same, undisturbed: the state is handed on as it is and never written."""
    outputs: list[Outbound] = []
    state: S | None = None
    for event in events:
        handled = await handler(event, state)
        state = handled.state or state
        outputs.extend(handled.outputs)
    return outputs


def payloads(outputs: Sequence[Outbound]) -> list[object]:
    """What was published."""
    return [output.message.payload for output in outputs]


def _read(handler: Remembering[S], kept: bytes | None) -> S | None:
    return None if kept is None else handler.remembers.model_validate_json(kept)
