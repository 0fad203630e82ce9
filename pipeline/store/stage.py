"""The ``index`` stage: every result of a call becomes points that can be found; it publishes nothing.

A point's id comes from tenant, call and what it is, so the same event again overwrites its own points. Revision r of a
call's result replaces the older ones and what r itself no longer contains; a result older than what is stored is left
out. The runtime hands the events of one call in one after the other, so a point may be read, changed and written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ports import Point, VectorStore, Where
from pipeline.store import points
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from schemas.call import CallFailed, CallOutcome
from schemas.flow import FlowState
from schemas.insight import CallInsight
from schemas.suggestion import SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import TranscriptCompleted
from schemas.wire import Lane, Payload

P = TypeVar("P", bound=Payload)
_Write = Callable[[VectorStore, Inbound], Awaitable[None]]

# A flow state shows that these stages have worked, so it ends their failures; later stages can still have failed.
_BEFORE_FLOW: Final = frozenset({"asr", "extract", "flow"})


def build(*, store: VectorStore) -> Handler:
    """The handler of the ``index`` stage; a payload that it has no use for is passed over."""

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        write = _WRITES.get(type(inbound.payload))
        if write is not None:
            await write(store, inbound)
        return ()

    return handle


async def _transcript(store: VectorStore, inbound: Inbound) -> None:
    transcript = _payload(inbound, TranscriptCompleted)
    new = points.utterances(inbound, transcript)
    of_call = points.of_call(inbound.tenant_id, transcript.call_id)
    await _replace(store, UTTERANCES, new, of_call, transcript.revision)


async def _insight(store: VectorStore, inbound: Inbound) -> None:
    insight = _payload(inbound, CallInsight)
    new = points.intents(inbound, insight)
    of_call = points.of_call(inbound.tenant_id, insight.call_id)
    await _replace(store, INTENTS, new, of_call, insight.revision)


async def _flow(store: VectorStore, inbound: Inbound) -> None:
    state = _payload(inbound, FlowState)
    stored = await _stored(store, CALLS, points.call_point_id(inbound.tenant_id, state.call_id))
    stored_revision = stored.get("revision", 0)
    if stored_revision > state.revision:
        return
    kept = points.observed(stored)
    if state.revision == stored_revision or not stored_revision:
        kept |= {} if stored.get("failed_stage") in _BEFORE_FLOW else points.failure(stored)
    point = points.call(inbound, state)
    await store.put(CALLS, [Point(point.id, point.text, {**point.payload, **kept})])


async def _outcome(store: VectorStore, inbound: Inbound) -> None:
    outcome = _payload(inbound, CallOutcome)
    fields = points.outcome_fields(outcome)
    bare = points.bare_call(inbound, outcome.call_id)
    await _amend(store, CALLS, bare, fields, unless_newer="outcome_observed_ts")


async def _failed(store: VectorStore, inbound: Inbound) -> None:
    failed = _payload(inbound, CallFailed)
    fields = points.failure_fields(inbound, failed)
    bare = points.bare_call(inbound, failed.call_id)
    await _amend(store, CALLS, bare, fields, unless_newer="failed_ts")


async def _suggestion(store: VectorStore, inbound: Inbound) -> None:
    created = _payload(inbound, SuggestionCreated)
    older = points.of_call(inbound.tenant_id, created.call_id, lane=Lane.BATCH)
    if created.lane is Lane.BATCH:
        if await store.count(SUGGESTIONS, points.from_revision(older, created.revision + 1)):
            return
        await store.remove(SUGGESTIONS, points.before_revision(older, created.revision))
    point = points.suggestion(inbound, created)
    stored = await _stored(store, SUGGESTIONS, point.id)
    await store.put(SUGGESTIONS, [Point(point.id, point.text, {**point.payload, **points.reaction(stored)})])


async def _feedback(store: VectorStore, inbound: Inbound) -> None:
    feedback = _payload(inbound, SuggestionFeedback)
    fields = points.feedback_fields(feedback)
    bare = points.bare_suggestion(inbound, feedback.call_id, feedback.suggestion_id)
    await _amend(store, SUGGESTIONS, bare, fields, unless_newer="feedback_ts")


async def _withdrawn(store: VectorStore, inbound: Inbound) -> None:
    withdrawn = _payload(inbound, SuggestionWithdrawn)
    fields = points.withdrawal_fields(inbound, withdrawn)
    bare = points.bare_suggestion(inbound, withdrawn.call_id, withdrawn.suggestion_id)
    await _amend(store, SUGGESTIONS, bare, fields, unless_newer="withdrawn_ts")


_WRITES: Final[Mapping[type[Payload], _Write]] = {
    TranscriptCompleted: _transcript,
    CallInsight: _insight,
    FlowState: _flow,
    CallOutcome: _outcome,
    CallFailed: _failed,
    SuggestionCreated: _suggestion,
    SuggestionFeedback: _feedback,
    SuggestionWithdrawn: _withdrawn,
}


async def _replace(store: VectorStore, collection: str, new: Sequence[Point], of_call: Where, revision: int) -> None:
    """Write a revision of a call's points, then remove what it replaces; a newer one that is stored stays."""
    newer = points.from_revision(of_call, revision + 1)
    # A newer revision of a silent call has no points but its call's.
    if await store.count(collection, newer) or await store.count(CALLS, newer):
        return
    await store.put(collection, new)
    await store.remove(collection, of_call, keep=[point.id for point in new])


async def _amend(
    store: VectorStore, collection: str, bare: Point, fields: Mapping[str, Any], *, unless_newer: str
) -> None:
    """Set fields of a point, bare where it is not there yet, unless those stored are newer."""
    stored = {**bare.payload, **await _stored(store, collection, bare.id)}
    if stored.get(unless_newer, fields[unless_newer]) <= fields[unless_newer]:
        await store.put(collection, [Point(bare.id, stored["text"], {**stored, **fields})])


async def _stored(store: VectorStore, collection: str, id_: str) -> dict[str, Any]:
    return next((dict(hit.payload) for hit in await store.get(collection, [id_])), {})


def _payload(inbound: Inbound, kind: type[P]) -> P:
    assert isinstance(inbound.payload, kind)
    return inbound.payload
