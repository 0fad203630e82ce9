"""What both kinds of streams share: how they open, and what is sent when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pipeline.access.principal import Principal
from pipeline.store.known import Unknown
from workers.gateway.outgoing.events import Frame, Wanted, said
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.marks import BEGINNING
from workers.gateway.outgoing.measures import StreamMeasures, Way
from workers.gateway.outgoing.parameters import Sought, wanted_of
from workers.gateway.outgoing.subscription import Subscription
from workers.gateway.outgoing.tickets import Tickets
from workers.records import Publisher

KEEP_ALIVE_S: Final = 15.0
"""Seconds without an event after which something is sent all the same: proxies cut connections after 30 to 60, and the
HTML standard recommends about 15."""
STUCK_S: Final = 20.0
"""Seconds in which a reader must take what was sent; then its connection is cut."""
NEWS_S: Final = 2.0
"""Seconds for which an agent's stream waits for the first news of its call: the stream may be opened before."""
_LOOK_S: Final = 0.05


def _always(_principal: Principal) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Streams:
    """What streams are made of; ``publisher`` writes what agents say, ``still_valid`` whether a key still holds."""

    hub: Hub
    publisher: Publisher
    tickets: Tickets = field(default_factory=Tickets)
    measures: StreamMeasures = field(default_factory=StreamMeasures)
    still_valid: Callable[[Principal], bool] = _always
    keep_alive_s: float = KEEP_ALIVE_S
    news_s: float = NEWS_S


async def opened(
    streams: Streams, principal: Principal, sought: Sought, call_id: str | None, mark: str | None
) -> Subscription:
    """A subscription for whoever may have it.

    Raises:
        HTTPException: 403 for another agent's calls by name.
        Unknown: the call is not known as the agent's own, be it a colleague's or nobody's; both after the same time.
    """
    wanted = wanted_of(principal, sought, call_id)
    if (asker := principal.asker) is not None and asker.agent is not None and call_id is not None:
        await _own(streams, wanted, asker.agent, call_id)
    return streams.hub.open(wanted, mark or (BEGINNING if sought.from_ else None))


async def rounds(streams: Streams, principal: Principal, one: Subscription, way: Way) -> AsyncIterator[Sequence[Frame]]:
    """What to send, until the stream has ended; empty where a sign of life is due. Closes the subscription."""
    streams.measures.opened(way)
    loop = asyncio.get_running_loop()
    checked_at = loop.time()
    try:
        while (frames := await one.frames(streams.keep_alive_s)) is not None:
            yield frames
            if loop.time() - checked_at >= streams.keep_alive_s:
                checked_at = loop.time()
                if not _is_valid(streams, principal):
                    one.end("expired", said("bye", reason="key"))
    finally:
        streams.hub.close(one)
        streams.measures.ended(way, one.reason or "left")


def _is_valid(streams: Streams, principal: Principal) -> bool:
    until = principal.expires_at
    return (until is None or datetime.now(UTC) < until) and streams.still_valid(principal)


async def _own(streams: Streams, wanted: Wanted, agent: str, call_id: str) -> None:
    """Wait until the call is known as this agent's."""
    loop = asyncio.get_running_loop()
    until = loop.time() + streams.news_s
    while streams.hub.agent_of(wanted.tenant_id, call_id) != agent:
        if loop.time() >= until:
            raise Unknown(f"nothing is known of a call {call_id!r}", hint="GET /v1/live lists the calls that are on")
        await asyncio.sleep(_LOOK_S)
