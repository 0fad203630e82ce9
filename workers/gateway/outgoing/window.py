"""What came lately, kept so that a stream can go on where it broke off."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Final

from workers.edge import Partition
from workers.gateway.outgoing.events import Event, Wanted

MOST_BYTES: Final = 32_000_000
"""Of one topic. Flow states, the largest, are about 5 kB: 15 minutes of 50 calls with a turn each 4 seconds fit in
twice; transcripts of the same are a tenth of it."""

_Whose = tuple[str, str, bool, str]
"""Topic and tenant, then whether it is a call or an agent, and which."""


class Window:
    """Events by partition, those of a topic bounded by age and bytes; the oldest go first.

    Args:
        keep_s: seconds for which an event is kept.
        most_bytes: of one topic.
    """

    def __init__(self, keep_s: float, most_bytes: int = MOST_BYTES) -> None:
        self._keep_ms = keep_s * 1_000
        self._most_bytes = most_bytes
        self._from: dict[Partition, int] = {}
        self._kept: dict[Partition, deque[tuple[int, Event]]] = defaultdict(deque)
        self._order: dict[str, deque[Event]] = defaultdict(deque)
        self._whose: dict[_Whose, deque[tuple[int, Event]]] = defaultdict(deque)
        self._bytes: dict[str, int] = defaultdict(int)
        self._ids: set[str] = set()
        self._suggestions: dict[tuple[str, str], Event] = {}
        self._count = 0

    def begin(self, place: Partition, offset: int) -> None:
        """A partition is kept from this offset on."""
        self._from.setdefault(place, offset)

    def has(self, ce_id: str) -> bool:
        """Whether an event with this id is kept."""
        return ce_id in self._ids

    def suggestion(self, tenant_id: str, suggestion_id: str) -> Event | None:
        """The suggestion with this id."""
        return self._suggestions.get((tenant_id, suggestion_id))

    def add(self, event: Event, now_ms: float) -> None:
        """Keep one more; what is too old or too much is forgotten."""
        self._count += 1
        self._kept[event.place].append((self._count, event))
        self._order[event.place[0]].append(event)
        for whose in _whose(event):
            self._whose[whose].append((self._count, event))
        self._bytes[event.place[0]] += event.size
        self._ids.add(event.ce_id)
        if event.suggestion is not None:
            self._suggestions[event.tenant_id, event.suggestion[0]] = event
        self._forget(event.place[0], now_ms)

    def forget(self, tenant_id: str, call_id: str) -> None:
        """Keep nothing of a call any more; it looks at all that is kept, which erasures are seldom enough for."""
        for topic in tuple(self._order):
            gone = {number for number, _ in self._whose.pop((topic, tenant_id, True, call_id), ())}
            if gone:
                self._remove(topic, tenant_id, call_id, gone)

    def lacks(self, reached: Mapping[Partition, int], topics: frozenset[str]) -> bool:
        """Whether something of these topics that came after may have been forgotten."""
        return any(reached.get(place, 0) < start for place, start in self._from.items() if place[0] in topics)

    def since(self, reached: Mapping[Partition, int], wanted: Wanted) -> list[Event]:
        """What came after and is wanted, in the order in which it came.

        It costs as much as is kept of the one call or agent that is asked for; without them, as much as came after.
        """
        if (name := wanted.call_id or wanted.agent) is not None:
            is_call = wanted.call_id is not None
            own = [self._whose.get((topic, wanted.tenant_id, is_call, name), ()) for topic in self._order]
            return _merged(
                one
                for kept in own
                for one in kept
                if one[1].offset >= reached.get(one[1].place, 0) and wanted.takes(one[1])
            )
        found: list[tuple[int, Event]] = []
        for place, kept in self._kept.items():
            start = reached.get(place, 0)
            for number, event in reversed(kept):
                if event.offset < start:
                    break
                if wanted.takes(event):
                    found.append((number, event))
        return _merged(found)

    def _remove(self, topic: str, tenant_id: str, call_id: str, numbers: set[int]) -> None:
        """Take the events of a call, which have these numbers, out of everything by which they are found."""
        stays = deque[Event]()
        for event in self._order[topic]:
            if (event.tenant_id, event.call_id) == (tenant_id, call_id):
                self._bytes[topic] -= event.size
                self._let_go(event)
            else:
                stays.append(event)
        self._order[topic] = stays
        for place in [place for place in self._kept if place[0] == topic]:
            self._kept[place] = _without(self._kept[place], numbers)
        for whose in [whose for whose in self._whose if whose[0] == topic]:
            self._whose[whose] = _without(self._whose[whose], numbers)
            if not self._whose[whose]:
                del self._whose[whose]

    def _let_go(self, event: Event) -> None:
        self._ids.discard(event.ce_id)
        if event.suggestion is not None:
            self._suggestions.pop((event.tenant_id, event.suggestion[0]), None)

    def _forget(self, topic: str, now_ms: float) -> None:
        order = self._order[topic]
        while order and (order[0].written_ms < now_ms - self._keep_ms or self._bytes[topic] > self._most_bytes):
            event = order.popleft()
            self._kept[event.place].popleft()
            self._from[event.place] = event.offset + 1
            self._bytes[topic] -= event.size
            self._let_go(event)
            for whose in _whose(event):
                self._whose[whose].popleft()
                if not self._whose[whose]:
                    del self._whose[whose]


def _whose(event: Event) -> tuple[_Whose, ...]:
    """Under what an event is found; those of a topic are forgotten in the order in which they came."""
    topic, tenant = event.place[0], event.tenant_id
    of_call = (topic, tenant, True, event.call_id)
    return (of_call,) if event.agent is None else (of_call, (topic, tenant, False, event.agent))


def _without(events: Iterable[tuple[int, Event]], numbers: set[int]) -> deque[tuple[int, Event]]:
    return deque(one for one in events if one[0] not in numbers)


def _merged(found: Iterable[tuple[int, Event]]) -> list[Event]:
    return [event for _, event in sorted(found, key=lambda one: one[0])]
