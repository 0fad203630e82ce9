"""The live lane of the index: the words of a call that goes on, what was found in them, and that it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pipeline.conversation import segment_of
from pipeline.handling import Inbound
from pipeline.ports import Hit, Point, VectorStore, Where
from pipeline.privacy.entry import REACH_MS, masked_among
from pipeline.store import points
from pipeline.store.amendments import failure, observed
from pipeline.store.changing import change
from pipeline.store.collections import CALLS, INTENTS, UTTERANCES
from pipeline.store.lately import Lately, LiveCall, Words
from pipeline.store.points import Fields
from pipeline.store.precedence import (
    OVER_LIVE,
    Call,
    give_way,
    is_live,
    is_whole,
    live_counts,
    may_be_live,
    start_of,
    sweep,
    the_call,
)
from schemas.call import CallEnded, CallStarted, CallUpdated
from schemas.insight import IntentExtracted
from schemas.transcript import ConversationMessage, Segment, TranscriptSegment
from schemas.wire import CallFacts, Lane

_NEAR: Final = 200
"""Segments that are looked at around a new one; in the time that counts nobody says more."""
_INTENTS: Final = 1_000
"""Intents of a call that are read to be known; one of two hours has fewer."""


async def told(store: VectorStore, inbound: Inbound, lately: Lately) -> None:
    """A live call has begun, or more is known of it; when the customer refuses, its words are taken away."""
    event = inbound.payload
    assert isinstance(event, CallStarted | CallUpdated)
    begun, is_new = points.begun_call(inbound, event.call_id, event.call), False
    refuses = event.call.consent is False

    def make(call: Fields) -> Point | None:
        nonlocal is_new
        is_new = "lane" not in call
        if "lane" in call and not is_live(call):
            return None
        if "lane" in call and not refuses:
            return points.with_fields(Point(begun.id, call["text"], call), points.facts_fields(event.call))
        stays = {**observed(call), **failure(call), **start_of(call, event.call)}
        return points.with_fields(begun, {**stays, points.LIVE: bool(call.get(points.LIVE, not is_live(call)))})

    known = lately.of(inbound.tenant_id, event.call_id)
    known.call = await change(store, CALLS, begun.id, make, known.call)
    if is_new:
        known.begins()
    if refuses:
        lately.forget(inbound.tenant_id, event.call_id)
        await sweep(store, inbound.tenant_id, event.call_id)


async def ended(store: VectorStore, inbound: Inbound, lately: Lately) -> None:
    """The call does not go on; its insight will say the rest."""
    event = inbound.payload
    assert isinstance(event, CallEnded)
    id_ = points.call_point_id(inbound.tenant_id, event.call_id)

    def make(call: Fields) -> Point | None:
        goes_on = is_live(call) and call.get(points.LIVE)
        return points.with_fields(Point(id_, call["text"], call), {points.LIVE: False}) if goes_on else None

    await change(store, CALLS, id_, make, lately.of(inbound.tenant_id, event.call_id).call)
    lately.forget(inbound.tenant_id, event.call_id)


async def words(store: VectorStore, inbound: Inbound, lately: Lately) -> None:
    """A final segment or a message becomes a point; a higher revision of a segment replaces the lower."""
    event, tenant_id = inbound.payload, inbound.tenant_id
    assert isinstance(event, TranscriptSegment | ConversationMessage)
    if event.call.consent is False or (isinstance(event, TranscriptSegment) and not event.final):
        return
    known = lately.of(tenant_id, event.call_id)
    call = await _known_call(store, known, tenant_id, event.call_id)
    if not await _counts(store, UTTERANCES, known, call, tenant_id, event.call_id):
        return
    facts = _facts(inbound, event, call)
    if "lane" not in call:
        await begin_call(store, inbound, event.call_id, facts, known)
    segment, revision = _segment(tenant_id, event, facts)
    near = await _near(store, known, tenant_id, event.call_id, segment)
    before = near.pop(segment.segment_id, None)
    if before is not None and before.payload.get(points.SEGMENT_REVISION, revision) >= revision:
        return
    if not segment.text.strip():
        lately.forget(tenant_id, event.call_id)
        await store.remove(UTTERANCES, points.of_segments(tenant_id, event.call_id, [segment.segment_id]))
        return
    changed = masked_among(segment, map(_stored, near.values()), facts.language)
    new = [
        _reworded(near[one.segment_id], one)
        if one.segment_id in near
        else points.live_utterance(inbound, event.call_id, facts, one, revision)
        for one in changed
    ]
    await store.put(UTTERANCES, new, over=OVER_LIVE)
    if known.words is not None:
        known.words.wrote(Hit(point.id, point.payload) for point in new)
    known.call = await give_way(store, UTTERANCES, tenant_id, event.call_id)
    if known.call is None:
        lately.forget(tenant_id, event.call_id)


async def found(store: VectorStore, inbound: Inbound, lately: Lately) -> None:
    """What was found in the newest words, instead of what was found in them before."""
    event, tenant_id = inbound.payload, inbound.tenant_id
    assert isinstance(event, IntentExtracted)
    known = lately.of(tenant_id, event.call_id)
    call = await _known_call(store, known, tenant_id, event.call_id)
    if is_whole(call) or not await _counts(store, INTENTS, known, call, tenant_id, event.call_id):
        return
    if "lane" not in call:
        await begin_call(store, inbound, event.call_id, event.call, known)
    start = start_of(call, event.call)
    new = [points.with_fields(point, start) for point in points.intents(inbound, event)]
    segments, ids = [segment.segment_id for segment in event.segments], [point.id for point in new]
    if known.intents is None:
        known.intents = await _intents(store, tenant_id, event.call_id)
    await store.put(INTENTS, new, over=OVER_LIVE)
    if known.intents is None or _are_replaced(known.intents, segments, ids):
        await store.remove(INTENTS, points.of_segments(tenant_id, event.call_id, segments), keep=ids)
    if known.intents is not None:
        kept = {id_: segment for id_, segment in known.intents.items() if segment not in segments}
        known.intents = kept | {point.id: point.payload["segment_id"] for point in new}
    known.call = await give_way(store, INTENTS, tenant_id, event.call_id)
    if known.call is None:
        lately.forget(tenant_id, event.call_id)


async def begin_call(
    store: VectorStore, inbound: Inbound, call_id: str, facts: CallFacts, known: LiveCall | None = None
) -> None:
    """A call of which nobody said that it began."""
    begun, is_new = points.begun_call(inbound, call_id, facts), False

    def make(call: Fields) -> Point | None:
        nonlocal is_new
        is_new = "lane" not in call
        return points.with_fields(begun, {**observed(call), **failure(call)}) if is_new else None

    call = await change(store, CALLS, begun.id, make)
    if known is not None:
        known.call = call
        if is_new:
            known.begins()


async def _known_call(store: VectorStore, known: LiveCall, tenant_id: str, call_id: str) -> Call:
    """What is stored of a call as a whole, or was when it was read after the last write."""
    if known.call is None:
        known.call = await the_call(store, tenant_id, call_id)
    return known.call


async def _counts(  # noqa: PLR0913, PLR0917 - as for ``live_counts``
    store: VectorStore, collection: str, known: LiveCall, call: Call, tenant_id: str, call_id: str
) -> bool:
    """``live_counts``, which is asked once; after each write ``give_way`` looks again."""
    if collection not in known.not_begun:
        if not await live_counts(store, collection, call, tenant_id, call_id):
            return False
        known.not_begun.add(collection)
    return may_be_live(call)


def _facts(inbound: Inbound, event: TranscriptSegment | ConversationMessage, call: Call) -> CallFacts:
    """The event's facts, with the start of its call."""
    if event.call.started_at is not None:
        return event.call
    said = event.sent_at if isinstance(event, ConversationMessage) else inbound.message.envelope.time
    start = datetime.fromisoformat(call["started_at"]) if is_live(call) else said
    return event.call.model_copy(update={"started_at": start})


def _segment(tenant_id: str, event: TranscriptSegment | ConversationMessage, facts: CallFacts) -> tuple[Segment, int]:
    if isinstance(event, TranscriptSegment):
        return event.segment, event.revision
    assert facts.started_at is not None
    return segment_of(event, tenant_id, facts.started_at), 1


async def _near(store: VectorStore, known: LiveCall, tenant_id: str, call_id: str, segment: Segment) -> dict[str, Hit]:
    """The live segments of a call around this one, itself included, by their ids."""
    of_call = points.of_call(tenant_id, call_id, lane=Lane.LIVE)
    first, after = segment.start_ms - REACH_MS, segment.end_ms + REACH_MS + 1
    if known.words is None or first < known.words.from_ms:
        hits, more = await store.page(UTTERANCES, Where(of_call.equal, at_least={"start_ms": first}), _NEAR)
        known.words = None if more else Words(first, {hit.payload["segment_id"]: hit for hit in hits})
    if known.words is not None:
        return known.words.between(first, after)
    around = Where(of_call.equal, at_least={"start_ms": first}, below={"start_ms": after})
    hits, _ = await store.page(UTTERANCES, around, _NEAR)
    return {hit.payload["segment_id"]: hit for hit in hits}


async def _intents(store: VectorStore, tenant_id: str, call_id: str) -> dict[str, str] | None:
    """The segment of each intent that is stored of a live call; None where they are too many to be known."""
    of_call = points.of_call(tenant_id, call_id, lane=Lane.LIVE)
    hits, more = await store.page(INTENTS, of_call, _INTENTS, fields=["segment_id"])
    return None if more else {hit.id: hit.payload["segment_id"] for hit in hits}


def _are_replaced(known: Mapping[str, str], segments: Sequence[str], ids: Sequence[str]) -> bool:
    """Whether intents are stored that stand in these segments, besides those with these ids."""
    return any(segment in segments and id_ not in ids for id_, segment in known.items())


def _stored(hit: Hit) -> Segment:
    return Segment.model_validate(hit.payload)


def _reworded(hit: Hit, segment: Segment) -> Point:
    return Point(hit.id, segment.text, {**hit.payload, "text": segment.text, **points.timed(segment)})
