"""Payload fields that follow from others: points of older programs lack them, and ``store apply`` fills them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.generations.place import Place
from pipeline.store.points import started, utterance_point_id
from pipeline.store.structs import STORED

if TYPE_CHECKING:
    from qdrant_client import models

Payload = Mapping[str, Any]
_PAGE: Final = 512


@dataclass(frozen=True, slots=True)
class Derived:
    """A field that some points lack although they have its ``source``, and the fields that ``make`` gives them."""

    field: str
    source: str
    collections: frozenset[str]
    make: Callable[[Payload], dict[str, Any]]


def _of_start(payload: Payload) -> dict[str, Any]:
    known = started(datetime.fromisoformat(payload["started_at"]))
    return {key: known[key] for key in ("started_ts", "started_day", "started_week", "started_month")}


def _of_duration(payload: Payload) -> dict[str, Any]:
    return {"duration_s": round(payload["duration_ms"] / 1_000)}


def _of_objections(payload: Payload) -> dict[str, Any]:
    return {"objection_topics": list(dict.fromkeys(one["topic"] for one in payload["objections"] if one.get("topic")))}


def _open_objections(payload: Payload) -> dict[str, Any]:
    return {
        "objections_open": list(
            dict.fromkeys(
                one["topic"] for one in payload["objections"] if one.get("topic") and one.get("handling") != "answered"
            )
        )
    }


def _of_evidence(payload: Payload) -> dict[str, Any]:
    segments = dict.fromkeys(piece["segment_id"] for piece in payload["evidence"])
    of_call = payload["tenant_id"], payload["call_id"]
    return {"utterance_ids": [utterance_point_id(*of_call, segment) for segment in segments]}


DERIVED: Final = (
    Derived("started_day", "started_at", frozenset({UTTERANCES, INTENTS, CALLS, SUGGESTIONS}), _of_start),
    Derived("duration_s", "duration_ms", frozenset({CALLS}), _of_duration),
    Derived("objection_topics", "objections", frozenset({CALLS}), _of_objections),
    Derived("objections_open", "objections", frozenset({CALLS}), _open_objections),
    Derived("utterance_ids", "evidence", frozenset({INTENTS}), _of_evidence),
)


async def fill(place: Place, collection: str, now: int) -> dict[str, int]:
    """Set what is missing, in points that nobody sets it in meanwhile; how many points got each field."""
    filled = {one.field: await _fill(place, one, now) for one in DERIVED if collection in one.collections}
    filled[STORED] = await _date(place, now)
    return {field: count for field, count in filled.items() if count}


async def _fill(place: Place, derived: Derived, now: int) -> int:
    """A field that comes to nothing, such as the topics of objections that have none, stays away."""
    from qdrant_client import models

    filled = 0
    lacking = models.Filter(must=[_is_empty(derived.field)], must_not=[_is_empty(derived.source)])
    async for records in place.pages(lacking, _PAGE):
        made = {str(one.id): derived.make(one.payload or {}) for one in records}
        useful = {id_: fields for id_, fields in made.items() if fields[derived.field] != []}
        if useful:
            await place.change([_change(id_, derived.field, {**new, STORED: now}) for id_, new in useful.items()])
        filled += len(useful)
    return filled


async def _date(place: Place, now: int) -> int:
    """Points from before they said when they were written count as written now."""
    from qdrant_client import models

    undated = models.Filter(must=[_is_empty(STORED)])
    if count := await place.count(undated):
        date = models.SetPayload(payload={STORED: now}, filter=undated)
        await place.change([models.SetPayloadOperation(set_payload=date)])
    return count


def _change(id_: str, field: str, fields: dict[str, Any]) -> models.SetPayloadOperation:
    from qdrant_client import models

    still_lacking = models.Filter(must=[models.HasIdCondition(has_id=[id_]), _is_empty(field)])
    return models.SetPayloadOperation(set_payload=models.SetPayload(payload=fields, filter=still_lacking))


def _is_empty(field: str) -> models.IsEmptyCondition:
    from qdrant_client import models

    return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
