"""Earlier calls of a customer, out of the store: how they ended, what was promised, what was held against an offer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from pipeline.ports import Order, VectorStore, Where
from pipeline.store.collections import CALLS
from pipeline.store.points import LIVE
from schemas.insight import FollowUpKind, Handling
from schemas.recap import EarlierCall, EarlierObjection, OpenPromise
from schemas.wire import Role

CALLS_SHOWN: Final = 5
"""Earlier calls that are told one by one: an agent reads the recap while the customer says hello."""
LOOKED_AT: Final = 20
"""The newest calls that promises and objections are taken from."""
LINES: Final = 5
"""The most promises, and the most objections."""
OPEN_FOR: Final = timedelta(days=90)
"""How long a promise counts as open. Nobody records that one was kept, so that it is only known to be given: after a
quarter the customer has had it, or has long called again.
"""

Payload = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Earlier:
    """``count`` is how many there are in all, ``shown`` are the newest, newest first."""

    count: int = 0
    shown: tuple[EarlierCall, ...] = ()
    promises: tuple[OpenPromise, ...] = ()
    objections: tuple[EarlierObjection, ...] = ()


async def earlier_calls(
    store: VectorStore, *, tenant_id: str, customer_id: str, call_id: str, before: datetime
) -> Earlier:
    """What the store has of a customer's calls that began before this one; raises what the store raises.

    Calls that still go on, and those of which the customer refused to have them mined, are none of them.
    """
    where = Where(
        equal={"tenant_id": tenant_id, "customer_id": customer_id},
        unequal={"call_id": call_id, LIVE: True, "consent": False},
        below={"started_ts": before.timestamp()},
    )
    hits, more = await store.page(CALLS, where, LOOKED_AT, order=Order("started_ts", descending=True))
    newest = [hit.payload for hit in hits]
    return Earlier(
        count=await store.count(CALLS, where) if more else len(newest),
        shown=tuple(_call(payload) for payload in newest[:CALLS_SHOWN]),
        promises=_first(_promises(newest, before - OPEN_FOR), lambda one: (one.role, one.what.casefold())),
        objections=_first(_objections(newest), lambda one: one.topic or one.quote.casefold()),
    )


def _first(found: Iterable[T], same: Callable[[T], Hashable]) -> tuple[T, ...]:
    """The first of each, newest first: what is said again in a later call is told of that one."""
    by_key: dict[Hashable, T] = {}
    for one in found:
        by_key.setdefault(same(one), one)
    return tuple(islice(by_key.values(), LINES))


def _call(payload: Payload) -> EarlierCall:
    observed = "outcome_observed" in payload
    outcome = "outcome_observed" if observed else "outcome_inferred"
    return EarlierCall(
        call_id=payload["call_id"],
        started_at=payload.get("started_at"),
        agent=payload.get("agent"),
        outcome=payload.get(outcome),
        result=payload.get(f"{outcome}_result"),
        observed=observed,
        summary=payload.get("summary", ""),
        topics=tuple(payload.get("topics", ())),
    )


def _promises(calls: Sequence[Payload], since: datetime) -> Iterator[OpenPromise]:
    for call in calls:
        for one in call.get("follow_ups", ()):
            if one["kind"] == FollowUpKind.PROMISE and call["started_ts"] >= since.timestamp():
                yield OpenPromise(call_id=call["call_id"], role=one["role"], what=one["what"], due=one.get("due"))


def _objections(calls: Sequence[Payload]) -> Iterator[EarlierObjection]:
    for call in calls:
        for one in call.get("objections", ()):
            if one["role"] != Role.AGENT:
                yield EarlierObjection(
                    call_id=call["call_id"],
                    topic=one.get("topic"),
                    quote=one["evidence"][0]["quote"],
                    answered=one["handling"] == Handling.ANSWERED,
                )
