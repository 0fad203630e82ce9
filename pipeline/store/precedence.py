"""Which results of a call count: those of its recording before the live ones, in one lane the higher revision.

Workers of both lanes write the same call, and none waits for another. So a live result looks whether the recording's is
there before it writes, and again afterwards, and the recording's takes the live points away after it has written: of
the two, the later one sees the other. Before the first live point of a call its own point says that it is live, so that
the recording's has nothing to look for where it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pipeline.ports import Point, VectorStore, Where
from pipeline.store.begun import NONE, begun_revision
from pipeline.store.changing import change, stored
from pipeline.store.collections import CALLS, INTENTS, UTTERANCES
from pipeline.store.points import LIVE, Fields, call_point_id, of_call, started
from schemas.flow import FlowState
from schemas.wire import CallFacts, Lane

Call = Mapping[str, Any]
"""The payload of a call's point; empty where there is none."""
OVER_LIVE: Final = Where(equal={"lane": str(Lane.LIVE)})
"""What a live point may overwrite: who publishes both may have given a live segment and a recorded one the same id."""

LIVE_LEFT: Final = "live_left"
"""Field of a recording's call that was live before, until its live words and intents are taken away."""


async def the_call(store: VectorStore, tenant_id: str, call_id: str) -> Call:
    """What is stored of a call as a whole."""
    return await stored(store, CALLS, call_point_id(tenant_id, call_id))


def is_live(call: Call) -> bool:
    """Whether all that is known of a call was heard live."""
    return call.get("lane") == Lane.LIVE


def is_whole(call: Call) -> bool:
    """Whether a live call's insight is there."""
    return is_live(call) and LIVE not in call


def stored_revision(call: Call, lane: Lane) -> int:
    """The revision of what is stored of a call as a whole, if it is of this lane."""
    return int(call.get("revision", NONE)) if call.get("lane") == lane else NONE


def start_of(call: Call, facts: CallFacts) -> Fields:
    """When a live call began, as it was told first, where these facts do not say it."""
    if facts.started_at is not None or not is_live(call):
        return {}
    return started(datetime.fromisoformat(call["started_at"]))


def counts(state: FlowState, call: Call) -> bool:
    """Whether a flow state is newer than what is stored of its call, or as new."""
    if call.get("lane") != state.lane:
        return state.lane is Lane.BATCH or "lane" not in call
    if state.heard is not None and (is_whole(call) or call.get("consent") is False):
        return False
    return int(call["revision"]) <= state.revision


def may_be_live(call: Call) -> bool:
    """Whether a live result may be written by what is stored of its call as a whole."""
    return call.get("lane") != Lane.BATCH and call.get("consent") is not False


async def live_counts(store: VectorStore, collection: str, call: Call, tenant_id: str, call_id: str) -> bool:
    """Whether a live result may be written: no recording's is there, and the customer has not refused."""
    return may_be_live(call) and await begun_revision(store, collection, tenant_id, call_id) == NONE


async def give_way(store: VectorStore, collection: str, tenant_id: str, call_id: str) -> Call | None:
    """After live points were written: what is stored of the call as a whole.

    None where the recording's result has come meanwhile or was begun, or the customer has refused: then they are taken
    away again.
    """
    call, begun = await asyncio.gather(
        the_call(store, tenant_id, call_id), begun_revision(store, collection, tenant_id, call_id)
    )
    if may_be_live(call) and begun == NONE:
        return call
    await store.remove(collection, of_call(tenant_id, call_id, lane=Lane.LIVE))
    return None


async def sweep(store: VectorStore, tenant_id: str, call_id: str) -> None:
    """Take away the live words and intents of a call; what was suggested live stays as history."""
    for collection in (UTTERANCES, INTENTS):
        await store.remove(collection, of_call(tenant_id, call_id, lane=Lane.LIVE))


async def sweep_left(store: VectorStore, call: Call, tenant_id: str, call_id: str) -> None:
    """Take away what a recording's call still has of the time when it was live; after a kill it is done again."""
    if LIVE_LEFT not in call:
        return
    await sweep(store, tenant_id, call_id)
    await change(store, CALLS, call_point_id(tenant_id, call_id), _swept)


def _swept(call: Fields) -> Point | None:
    kept = {name: value for name, value in call.items() if name != LIVE_LEFT}
    return (
        None if len(kept) == len(call) else Point(call_point_id(call["tenant_id"], call["call_id"]), call["text"], kept)
    )
