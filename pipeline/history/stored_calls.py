"""Calls as they can be mined again: their transcripts, rebuilt from what is stored, with all that is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pipeline.history.run import Scope
from pipeline.ports import VectorStore, Where
from pipeline.store.calls import all_pages
from pipeline.store.collections import CALLS, UTTERANCES
from pipeline.store.points import LIVE, call_point_id
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Lane

_PAGE: Final = 2_000
_LISTED: Final = ("call_id", "scenario", "language", "lane", "revision", LIVE)


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A call in scope; ``scenario`` and ``language`` are empty where they are not known."""

    call_id: str
    scenario: str
    language: str
    revision: int


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call's words, and when it began: the time that its events count from."""

    transcript: TranscriptCompleted
    started_at: datetime


async def calls_in(store: VectorStore, scope: Scope) -> list[ListedCall]:
    """The calls of a scope that are over, in an order that is always the same."""
    hits = await all_pages(store, CALLS, scope.where(), size=_PAGE, fields=_LISTED)
    return [
        ListedCall(
            hit.payload["call_id"],
            hit.payload.get("scenario") or "",
            hit.payload.get("language") or "",
            int(hit.payload.get("revision", 0)),
        )
        for hit in hits
        if LIVE not in hit.payload
    ]


async def stored_calls(store: VectorStore, tenant_id: str, call_ids: Sequence[str]) -> dict[str, StoredCall]:
    """The calls with their words, masked as they are stored; those without words, or that may not be mined, are not in.

    Many are read at a time, as a request takes longer than what it brings.
    """
    ids = [call_point_id(tenant_id, call_id) for call_id in call_ids]
    known = {hit.payload["call_id"]: hit.payload for hit in await store.get(CALLS, ids)}
    wanted = [one for one, call in known.items() if LIVE not in call and call.get("consent") is not False]
    if not wanted:
        return {}
    where = Where(equal={"tenant_id": tenant_id, "call_id": wanted})
    turns = defaultdict[str, list[Mapping[str, Any]]](list)
    for hit in await all_pages(store, UTTERANCES, where, size=_PAGE):
        turns[hit.payload["call_id"]].append(hit.payload)
    return {call_id: _rebuilt(call_id, known[call_id], said) for call_id, said in turns.items()}


def _rebuilt(call_id: str, call: Mapping[str, Any], turns: Sequence[Mapping[str, Any]]) -> StoredCall:
    # What is left of a live call's words beside those of its recording goes away soon.
    lane = Lane(call.get("lane") or turns[0].get("lane") or Lane.BATCH)
    spoken = [turn for turn in turns if turn.get("lane", lane) == lane] or turns
    known = {**spoken[0], **call}
    segments = sorted(
        (Segment.model_validate(turn) for turn in spoken), key=lambda one: (one.start_ms, one.end_ms, one.channel)
    )
    facts = CallFacts.model_validate({name: known[name] for name in CallFacts.model_fields if name in known})
    transcript = TranscriptCompleted(
        call_id=call_id,
        call=facts,
        revision=known.get("revision", 1),
        lane=lane,
        language=known.get("language"),
        duration_ms=known.get("duration_ms") or max(one.end_ms for one in segments),
        engine="stored",
        segments=tuple(segments),
    )
    return StoredCall(transcript, datetime.fromisoformat(known["started_at"]))
