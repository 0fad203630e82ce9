"""The ``index`` stage: every result of a call becomes points that can be found.

Here it publishes nothing; ``card_statistics`` stands around it and tells how cards do.

A point's id comes from tenant, call and what it is, so the same event again overwrites its own points. Revision r of a
call's result replaces the older ones and what r itself no longer contains; a result older than what is stored is left
out (``precedence`` says what is older). The runtime hands the events of one call in one lane in one after the other; a
point that is changed, as both lanes may do at once, is changed by ``changing``. What there is already of a call is read
by id (``begun``, and the call's own point); the store is searched only where something may have to go. Of a call that
goes on, what was read or written here is not read again for the next piece (``lately``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ports import Point, VectorStore
from pipeline.store import amendments, live, points
from pipeline.store.begun import begin, begun_revision
from pipeline.store.changing import change
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.lately import Lately
from pipeline.store.precedence import (
    LIVE_LEFT,
    OVER_LIVE,
    counts,
    give_way,
    is_live,
    live_counts,
    start_of,
    stored_revision,
    sweep_left,
    the_call,
)
from schemas.call import CallEnded, CallFailed, CallOutcome, CallStarted, CallUpdated
from schemas.flow import FlowState
from schemas.insight import CallInsight, IntentExtracted
from schemas.suggestion import SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import ConversationMessage, TranscriptCompleted, TranscriptSegment
from schemas.wire import Lane, Payload

P = TypeVar("P", bound=Payload)
_Write = Callable[[VectorStore, Inbound], Awaitable[None]]

_FIRST: Final = 1
"""The first revision of a result."""
# A flow state shows that these stages have worked, so it ends their failures; later stages can still have failed.
_BEFORE_FLOW: Final = frozenset({"asr", "extract", "flow"})


def build(*, store: VectorStore, lately: Lately | None = None) -> Handler:
    """The handler of the ``index`` stage in either lane; a payload that it has no use for is passed over.

    Args:
        store: takes the points.
        lately: what is known of live calls from one event to the next.
    """
    known = Lately() if lately is None else lately

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        payload, call_id = inbound.payload, inbound.message.envelope.subject
        if type(payload) not in _PIECES or (isinstance(payload, FlowState) and payload.lane is Lane.BATCH):
            known.forget(inbound.tenant_id, call_id)
        try:
            if (piece := _PIECES.get(type(payload))) is not None:
                await piece(store, inbound, known)
            elif (write := _WRITES.get(type(payload))) is not None:
                await write(store, inbound)
        except BaseException:  # what of it was stored is not known
            known.forget(inbound.tenant_id, call_id)
            raise
        return ()

    return handle


async def _transcript(store: VectorStore, inbound: Inbound) -> None:
    transcript = _payload(inbound, TranscriptCompleted)
    await _replace(store, inbound, UTTERANCES, points.utterances(inbound, transcript), transcript)


async def _insight(store: VectorStore, inbound: Inbound) -> None:
    insight = _payload(inbound, CallInsight)
    await _replace(store, inbound, INTENTS, points.intents(inbound, insight), insight)


async def _flow(store: VectorStore, inbound: Inbound, lately: Lately) -> None:
    state = _payload(inbound, FlowState)
    known = lately.of(inbound.tenant_id, state.call_id)
    point = points.call(inbound, state)

    def make(call: points.Fields) -> Point | None:
        if not counts(state, call):
            return None
        kept = amendments.observed(call) | _failure(call, state)
        if state.lane is Lane.LIVE:
            kept |= start_of(call, state.call)
        elif is_live(call) or LIVE_LEFT in call:
            kept[LIVE_LEFT] = True
        if state.heard is not None:
            kept[points.LIVE] = call.get(points.LIVE, True)
        return points.with_fields(point, kept)

    call = known.call = await change(store, CALLS, point.id, make, known.call)
    if state.lane is Lane.BATCH:
        await sweep_left(store, call, inbound.tenant_id, state.call_id)


def _failure(call: Mapping[str, Any], state: FlowState) -> points.Fields:
    """The failure that stays beside a flow state: of the same revision, unless the state shows that it is over.

    In the live lane it shows nothing: the other words of the call came through.
    """
    stored_revision = call.get("revision", 0) if call.get("lane") == state.lane else 0
    is_over = state.lane is Lane.BATCH and call.get("failed_stage") in _BEFORE_FLOW
    return {} if is_over or stored_revision not in {0, state.revision} else amendments.failure(call)


async def _outcome(store: VectorStore, inbound: Inbound) -> None:
    outcome = _payload(inbound, CallOutcome)
    fields = amendments.outcome_fields(outcome)
    bare = points.bare_call(inbound, outcome.call_id)
    await _amend(store, CALLS, bare, fields, unless_newer="outcome_observed_ts")


async def _failed(store: VectorStore, inbound: Inbound) -> None:
    failed = _payload(inbound, CallFailed)
    fields = amendments.failure_fields(inbound, failed)
    bare = points.bare_call(inbound, failed.call_id)
    await _amend(store, CALLS, bare, fields, unless_newer="failed_ts")


async def _suggestion(store: VectorStore, inbound: Inbound) -> None:
    created = _payload(inbound, SuggestionCreated)
    if created.lane is Lane.BATCH and not await _is_newest_advice(store, inbound.tenant_id, created):
        return
    point = points.suggestion(inbound, created)
    await change(store, SUGGESTIONS, point.id, lambda before: points.with_fields(point, amendments.reaction(before)))


async def _is_newest_advice(store: VectorStore, tenant_id: str, created: SuggestionCreated) -> bool:
    """Whether no suggestion of a newer revision came; those of the older ones, which only a first has none of, go."""
    call_id, revision = created.call_id, created.revision
    if await begun_revision(store, SUGGESTIONS, tenant_id, call_id) > revision:
        return False
    if revision > _FIRST:
        await begin(store, SUGGESTIONS, tenant_id, call_id, revision)
        of_recording = points.of_call(tenant_id, call_id, lane=Lane.BATCH)
        await store.remove(SUGGESTIONS, points.before_revision(of_recording, revision))
    return True


async def _feedback(store: VectorStore, inbound: Inbound) -> None:
    feedback = _payload(inbound, SuggestionFeedback)
    bare = points.bare_suggestion(inbound, feedback.call_id, feedback.suggestion_id)

    def make(before: points.Fields) -> Point | None:
        if (fields := amendments.feedback_fields(feedback, before)) is None:
            return None
        return Point(bare.id, before.get("text", bare.text), {**bare.payload, **before, **fields})

    await change(store, SUGGESTIONS, bare.id, make)


async def _withdrawn(store: VectorStore, inbound: Inbound) -> None:
    withdrawn = _payload(inbound, SuggestionWithdrawn)
    fields = amendments.withdrawal_fields(inbound, withdrawn)
    bare = points.bare_suggestion(inbound, withdrawn.call_id, withdrawn.suggestion_id)
    await _amend(store, SUGGESTIONS, bare, fields, unless_newer="withdrawn_ts")


_WRITES: Final[Mapping[type[Payload], _Write]] = {
    TranscriptCompleted: _transcript,
    CallInsight: _insight,
    CallOutcome: _outcome,
    CallFailed: _failed,
    SuggestionCreated: _suggestion,
    SuggestionFeedback: _feedback,
    SuggestionWithdrawn: _withdrawn,
}
_PIECES: Final[Mapping[type[Payload], Callable[[VectorStore, Inbound, Lately], Awaitable[None]]]] = {
    CallStarted: live.told,
    CallUpdated: live.told,
    CallEnded: live.ended,
    TranscriptSegment: live.words,
    ConversationMessage: live.words,
    IntentExtracted: live.found,
    FlowState: _flow,
}
"""What comes of a call that goes on, and of which the next piece is helped by what is known."""


async def _replace(
    store: VectorStore,
    inbound: Inbound,
    collection: str,
    new: Sequence[Point],
    result: TranscriptCompleted | CallInsight,
) -> None:
    """Write the points of a whole call, and remove those that they replace; where newer ones are stored they stay."""
    replace = _replace_recorded if result.lane is Lane.BATCH else _replace_live
    await replace(store, inbound, collection, new, result)


async def _replace_recorded(
    store: VectorStore,
    inbound: Inbound,
    collection: str,
    new: Sequence[Point],
    result: TranscriptCompleted | CallInsight,
) -> None:
    """Of a call of which nothing came before there is nothing to remove, which two points tell that have its id."""
    tenant_id, call_id, revision = inbound.tenant_id, result.call_id, result.revision
    begun, call = await asyncio.gather(
        begun_revision(store, collection, tenant_id, call_id), the_call(store, tenant_id, call_id)
    )
    if max(begun, stored_revision(call, Lane.BATCH)) > revision:
        return
    if begun < revision:
        await begin(store, collection, tenant_id, call_id, revision)
    await store.put(collection, new)
    if begun or "lane" in call:
        await store.remove(collection, points.of_call(tenant_id, call_id), keep=[point.id for point in new])


async def _replace_live(
    store: VectorStore,
    inbound: Inbound,
    collection: str,
    new: Sequence[Point],
    result: TranscriptCompleted | CallInsight,
) -> None:
    tenant_id, call_id = inbound.tenant_id, result.call_id
    of_lane = points.of_call(tenant_id, call_id, lane=Lane.LIVE)
    call = await the_call(store, tenant_id, call_id)
    # A newer revision of a silent call has no points but its call's.
    if stored_revision(call, Lane.LIVE) > result.revision or await store.count(
        collection, points.from_revision(of_lane, result.revision + 1)
    ):
        return
    if await live_counts(store, collection, call, tenant_id, call_id):
        if "lane" not in call:
            await live.begin_call(store, inbound, call_id, result.call)
        start = start_of(call, result.call)
        await store.put(collection, [points.with_fields(point, start) for point in new], over=OVER_LIVE)
        await store.remove(collection, of_lane, keep=[point.id for point in new])
        await give_way(store, collection, tenant_id, call_id)


async def _amend(
    store: VectorStore, collection: str, bare: Point, fields: Mapping[str, Any], *, unless_newer: str
) -> None:
    """Set fields of a point, bare where it is not there yet, unless those stored are newer."""

    def make(before: points.Fields) -> Point | None:
        payload = {**bare.payload, **before}
        if payload.get(unless_newer, fields[unless_newer]) > fields[unless_newer]:
            return None
        return Point(bare.id, payload["text"], {**payload, **fields})

    await change(store, collection, bare.id, make)


def _payload(inbound: Inbound, kind: type[P]) -> P:
    assert isinstance(inbound.payload, kind)
    return inbound.payload
