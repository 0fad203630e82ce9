"""The hub: every event is read once and goes to all who want it; a reader that is slow holds up nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import structlog

from pipeline.erasure.erased import Erased
from pipeline.erasure.obeying import is_erased
from pipeline.errors import Poison
from pipeline.handling import Inbound
from schemas.call import CallEnded
from schemas.envelope import Message
from schemas.suggestion import SuggestionCreated
from schemas.wire import CallEvent
from workers.edge import Partition
from workers.gateway.outgoing.events import Event, Frame, Wanted, facts_of, json_of, lane_of, of_event, said
from workers.gateway.outgoing.live_calls import Calls, LiveCalls
from workers.gateway.outgoing.marks import BEGINNING, STREAMED, Reached, read_mark
from workers.gateway.outgoing.measures import StreamMeasures
from workers.gateway.outgoing.readers import Readers
from workers.gateway.outgoing.subscription import Subscription
from workers.gateway.outgoing.window import Window
from workers.records import Record, read_event

RETRY_MS: Final = (500, 3_000)
"""Between these, by chance, readers of a gateway that ends are told to come back, so that not all come at once."""

log = structlog.get_logger()


class Hub:
    """Takes what a ``Source`` reads, and gives it to subscriptions; all on one event loop.

    Args:
        keep_s: seconds back that a stream can go on from.
        measures: what is counted.
        now: seconds since 1970.
    """

    def __init__(
        self, keep_s: float, measures: StreamMeasures | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._keep_s = keep_s
        self._measures = measures or StreamMeasures()
        self._now = now
        self._reached = Reached()
        self._ends: dict[Partition, int] = {}
        self._window = Window(keep_s)
        self._calls = Calls()
        self._ended: list[Callable[[str, str], None]] = []
        self._listeners: list[Callable[[Message], None]] = []
        self._forgotten: list[Callable[[str, str], None]] = []
        self._erased = Erased()
        self._readers = Readers()
        self._waiting: dict[Subscription, str | None] = {}
        self._is_away = True
        self._drains = False
        self._random = Random()  # noqa: S311 - spreads who comes back, no secret

    # What a source tells.

    def begin(self, starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        """Reading of these partitions begins; what lies before their ends had been written before."""
        for place, offset in starts.items():
            self._window.begin(place, offset)
            self._reached.advance(place, offset)
        self._ends |= ends
        waiting, self._waiting = self._waiting, {}
        for one, mark in waiting.items():
            self._place(one, mark)

    def caught_up(self) -> None:
        """What had been written when reading began has been read, be there markers of transactions behind it."""
        for place, offset in self._ends.items():
            self._reached.advance(place, offset)

    def take(self, record: Record) -> None:
        """Give an event to all who want it, and keep it for those who come back. What cannot be read is passed over."""
        self._reached.advance((record.topic, record.partition), record.offset + 1)
        try:
            inbound = read_event(record)
        except Poison as error:
            self._measures.skipped("unreadable")
            log.warning("an event is not streamed", topic=record.topic, offset=record.offset, reason=str(error))
            return
        if inbound is not None and is_erased(self._erased, inbound):
            self._measures.skipped("erased")
            return
        event = self._event(record, inbound) if inbound else None
        if event is None:
            self._measures.skipped("unknown")
        elif self._window.has(event.ce_id):
            self._measures.skipped("repeated")
        else:
            self._window.add(event, self._now() * 1_000)
            self._measures.taken(event.frame.name)
            for one in self._readers.of(event):
                one.offer(event)
            if inbound is not None:
                self.hear(inbound.message)

    def away(self) -> None:
        """The source gives nothing at the moment."""
        self._change(is_away=True)

    def back(self) -> None:
        """It does again, from where it was."""
        self._change(is_away=False)

    # What is erased.

    def obey(self, erased: Erased) -> None:
        """Take nothing of these calls any more."""
        self._erased = erased

    def tell_forgotten(self, listener: Callable[[str, str], None]) -> None:
        """Have this called with tenant and call for each call that is erased."""
        self._forgotten.append(listener)

    def forget(self, tenant_id: str, call_id: str) -> None:
        """A call is erased: nothing of it is kept, shown, or sent to those for whom it still waits."""
        self._window.forget(tenant_id, call_id)
        self._calls.forget(tenant_id, call_id)
        for one in self._readers.every():
            one.forget(tenant_id, call_id)
        for listener in self._forgotten:
            listener(tenant_id, call_id)

    # What readers ask.

    def tell_ended(self, listener: Callable[[str, str], None]) -> None:
        """Have this called with tenant and call for each call that is heard to have ended."""
        self._ended.append(listener)

    def tell_all(self, listener: Callable[[Message], None]) -> None:
        """Have this called with each event that is taken, in the order in which they are read; it must not raise."""
        self._listeners.append(listener)

    def hear(self, message: Message) -> None:
        """Tell listeners of an event, also of one that was written here and is read from no topic."""
        for listener in self._listeners:
            listener(message)

    @property
    def reached(self) -> Mapping[Partition, int]:
        """The next offset of each partition that is read."""
        return self._reached.next

    def open(self, wanted: Wanted, mark: str | None = None) -> Subscription:
        """Begin to read: from a mark on, or what comes from now on."""
        one = Subscription(wanted, self._reached)
        self.join(one, mark)
        return one

    def join(self, one: Subscription, mark: str | None = None) -> None:
        """Have a reader that was made elsewhere begin."""
        if self._drains:
            one.end("drained", self._bye())
        self._readers.add(one)
        if self._reached.next:
            self._place(one, mark)
        else:
            one.since_ms = 0 if mark else self._now() * 1_000
            self._waiting[one] = mark
        one.tell(self._status())

    def close(self, one: Subscription) -> None:
        """The reader has gone."""
        self._readers.remove(one)
        self._waiting.pop(one, None)

    def drain(self) -> None:
        """End all streams, and those that come: the gateway is told to stop."""
        self._drains = True
        for one in self._readers.every():
            one.end("drained", self._bye())

    def agent_of(self, tenant_id: str, call_id: str) -> str | None:
        """Whose call it is, where that is known."""
        return self._calls.agent_of(tenant_id, call_id)

    def live(self, tenant_id: str, agent: str | None) -> LiveCalls:
        """The calls that are on; one that nothing is heard of for as long as events are kept is not."""
        since = datetime.fromtimestamp(self._now(), UTC) - timedelta(seconds=self._keep_s)
        return self._calls.live(tenant_id, agent, since=since)

    def suggestion(self, tenant_id: str, suggestion_id: str) -> Event | None:
        """A recent suggestion."""
        return self._window.suggestion(tenant_id, suggestion_id)

    def _place(self, one: Subscription, mark: str | None) -> None:
        """Have a reader begin; it is told where something that it asks for is gone."""
        reached = self._reached.next
        now = {place: max(offset, self._ends.get(place, 0)) for place, offset in reached.items()}
        if not mark:
            one.begin({} if one.since_ms else now)
            return
        if mark == BEGINNING:
            one.begin({}, self._window.since({}, one.wanted))
            return
        floor = read_mark(mark)
        if floor is None:
            one.begin(now, [said("gap", reason="unreadable")])
            return
        gap = self._window.lacks(floor, _topics(one.wanted))
        first = [said("gap", reason="too_old", kept_s=self._keep_s)] if gap else []
        one.begin(floor, [*first, *self._window.since(floor, one.wanted)])

    def _event(self, record: Record, inbound: Inbound) -> Event | None:
        payload, envelope = inbound.payload, inbound.message.envelope
        of = of_event(payload) if isinstance(payload, CallEvent) else None
        if of is None or not isinstance(payload, CallEvent):
            return None
        self._calls.note(inbound.message, payload)
        if isinstance(payload, CallEnded):
            for listener in self._ended:
                listener(envelope.tenantid, payload.call_id)
        facts = facts_of(payload)
        written_ms = self._now() * 1_000 if record.timestamp_ms is None else record.timestamp_ms
        return Event(
            place=(record.topic, record.partition),
            offset=record.offset,
            written_ms=int(written_ms),
            tenant_id=envelope.tenantid,
            call_id=payload.call_id,
            agent=(facts.agent if facts else None) or self.agent_of(envelope.tenantid, payload.call_id),
            of=of,
            lane=lane_of(payload),
            ce_id=envelope.id,
            frame=Frame(payload.event_name, self._reached.mark(), json_of(envelope, payload)),
            suggestion=(payload.suggestion_id, payload.card_id) if isinstance(payload, SuggestionCreated) else None,
        )

    def _change(self, *, is_away: bool) -> None:
        if is_away == self._is_away:
            return
        self._is_away = is_away
        self._measures.is_away(is_away)
        for one in self._readers.every():
            one.tell(self._status())

    def _status(self) -> Frame:
        return said("status", state="away" if self._is_away else "live")

    def _bye(self) -> Frame:
        return said("bye", reason="restart", retry_ms=self._random.randint(*RETRY_MS))


def _topics(wanted: Wanted) -> frozenset[str]:
    """The topics that have what is wanted."""
    advice, words, states = STREAMED
    of = wanted.of
    found = {words} if "transcript" in of else set()
    return frozenset(
        found | ({states} if "flow" in of else set()) | ({advice} if of - {"transcript", "flow"} else set())
    )
