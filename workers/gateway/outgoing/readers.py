"""Who reads now: subscriptions by what they want, so that an event of one call does not cost a look at each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from workers.gateway.outgoing.events import Event, Wanted
from workers.gateway.outgoing.subscription import Subscription

_Key = tuple[str, str | None, str | None]
"""Tenant, call and agent that are wanted; None is every one."""


class Readers:
    """The subscriptions that are open."""

    def __init__(self) -> None:
        self._open: dict[_Key, set[Subscription]] = defaultdict(set)

    def add(self, one: Subscription) -> None:
        """A reader has come."""
        self._open[_key(one.wanted)].add(one)

    def remove(self, one: Subscription) -> None:
        """A reader has gone; one that was not there changes nothing."""
        key = _key(one.wanted)
        self._open[key].discard(one)
        if not self._open[key]:
            del self._open[key]

    def of(self, event: Event) -> Iterator[Subscription]:
        """Those who want this event."""
        agents = {None, event.agent}
        for call_id in (None, event.call_id):
            for agent in agents:
                found = self._open.get((event.tenant_id, call_id, agent), ())
                yield from (one for one in found if one.wanted.takes(event))

    def every(self) -> list[Subscription]:
        """All of them, as they are now."""
        return [one for some in self._open.values() for one in some]


def _key(wanted: Wanted) -> _Key:
    return wanted.tenant_id, wanted.call_id, wanted.agent
