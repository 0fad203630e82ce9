"""One call that comes in here: its facts, where its audio is, and what of it Kafka has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pipeline.conversation import segment_of
from pipeline.errors import ConvmineError, Retryable
from pipeline.privacy.entry import REACH_MS, masked_among
from schemas.audio import RawFormat
from schemas.transcript import ConversationMessage, Segment
from schemas.wire import CallEvent, CallFacts, Channel
from workers.gateway.incoming.events import ChunkWriter, Medium, event_record
from workers.gateway.incoming.framing import Joiner
from workers.gateway.incoming.outbox import Outbox

ANSWER_S: Final = 10.0
"""Seconds that a request waits for Kafka; its record may still arrive afterwards, and asking again makes no second."""
PATIENCE_S: Final = 30.0
"""Seconds that a sender of audio is not read while Kafka confirms nothing; then its connection is closed."""
_LEAST_CHUNK_MS: Final = 20
"""No chunk is shorter on average: what a call that is not known here counts its chunks from, so that the numbers of
another gateway, or of this one before it was started again, are lower.
"""
_KEPT: Final = 40
"""Masked messages of a chat in which the rest of a number is looked for."""

Clock = Callable[[], datetime]


class Ended(ConvmineError):
    """The call is over: nothing more is taken of it."""


class NoConsent(ConvmineError):
    """The customer has not consented: nothing that was said is taken."""


class Mismatch(ConvmineError):
    """What was sent does not fit to what the call began as."""


class Session:
    """One call of one tenant, from its first request here to some time after its last."""

    def __init__(self, tenant_id: str, call_id: str, outbox: Outbox, clock: Clock) -> None:
        self.tenant_id = tenant_id
        self.call_id = call_id
        self.facts = CallFacts()
        self.medium: Medium = "voice"
        self.channels: tuple[Channel, ...] = ()
        self.outbox = outbox
        self.joiner: Joiner | None = None
        self.senders: dict[int | None, Callable[[str], None]] = {}
        """Who sends which channel, as what closes that connection for a reason; None sends all of them."""
        self.confirmed: tuple[int, int] | None = None
        """The number of the last chunk that Kafka has, and where it ends, in milliseconds of the call."""
        self.listeners: set[asyncio.Event] = set()
        """Set whenever more is confirmed."""
        self.held_ms: int | None = None
        self.used_s = 0.0
        self._clock = clock
        self._time = datetime.min.replace(tzinfo=UTC)
        self._writer: ChunkWriter | None = None
        self._sequence = 0
        self._begun: tuple[float, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._messages: list[Segment] = []

    @property
    def is_idle(self) -> bool:
        """Whether nobody sends and nothing waits."""
        return not self.senders and self.outbox.is_empty

    @property
    def may_be_mined(self) -> bool:
        """Whether what is said may be taken."""
        return self.facts.consent is not False

    def now(self) -> datetime:
        """The time of the next event; no earlier than that of the one before, whatever the clock does."""
        self._time = max(self._time, self._clock())
        return self._time

    def at_ms(self, now_ms: float) -> int | None:
        """How far the call is: by its audio, else by when it started; None where nobody knows."""
        if self.joiner is not None:
            return max(self.joiner.end_ms, 0 if self.senders else self._by_clock(now_ms))
        started = self.facts.started_at
        return None if started is None else max(0, round((self.now() - started).total_seconds() * 1_000))

    def told(self, facts: CallFacts) -> None:
        """Facts that are set replace the earlier ones."""
        self.facts = self.facts.model_copy(update=facts.model_dump(exclude_none=True))

    def check_form(self, raw: RawFormat, channels: tuple[Channel, ...]) -> None:
        """See whether audio of this form can follow.

        Raises:
            Mismatch: the call has audio of another one.
        """
        if self.joiner is None or (self.joiner.is_new and not self.senders):
            return
        if raw != self.joiner.raw or channels != self.channels:
            raise Mismatch(f"the call began as {_shown(self.joiner.raw, self.channels)}")

    def begin(self, raw: RawFormat, channels: tuple[Channel, ...], now_ms: float, offset_ms: int | None) -> int:
        """Audio of this form follows; gives the frame at which it begins.

        It begins where its sender says, but for what has been given out; else behind what is known of the call, after
        as much time as has passed since.

        Whether it fits is to be seen before (``check_form``).
        """
        if self.joiner is None or (self.joiner.is_new and not self.senders):
            at_ms = offset_ms or 0
            self.joiner = Joiner(raw, at_ms)
            self.channels = channels
            self._writer = ChunkWriter(self.tenant_id, self.call_id, raw, channels)
            self._sequence = at_ms // _LEAST_CHUNK_MS
            self._begun = now_ms, at_ms
        joiner = self.joiner
        if offset_ms is not None:
            return max(joiner.frames_of(offset_ms), joiner.base)
        return joiner.lead if self.senders else max(joiner.lead, joiner.frames_of(self._by_clock(now_ms)))

    def pump(self, now_ms: float) -> None:
        """Send the chunks that are ready, and see to it that those that wait for a slow track are sent in time."""
        if self.joiner is None or self._writer is None:
            return
        for joined in self.joiner.take(now_ms):
            number, end_ms = self._sequence, joined.offset_ms + self.joiner.ms_of(len(joined.audio) // self._width)
            self._sequence += 1
            record = self._writer.record(number, joined, self.now())
            self.outbox.add(record, partial(self._confirm, number, end_ms))
        if self._timer is None and (due_ms := self.joiner.due_ms()) is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(due_ms / 1_000, self._on_time)

    def flush(self, now_ms: float) -> None:
        """Send all audio there is."""
        if self.joiner is not None:
            self.joiner.flush()
            self.pump(now_ms)

    async def tell(self, payload: CallEvent, told_by: str, *, patience_s: float = ANSWER_S) -> None:
        """Send an event after the audio before it, and wait until Kafka has it.

        Raises:
            Retryable: it has not been confirmed in time.
            Poison: it is too large.
        """
        if self.outbox.is_full:
            raise Retryable("Kafka does not confirm what is written", dependency="kafka")
        self.flush(now_ms())
        record = event_record(payload, tenant_id=self.tenant_id, time=self.now(), told_by=told_by, medium=self.medium)
        told = self.outbox.add(record)
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.shield(told)
        except TimeoutError:
            raise Retryable("Kafka does not confirm what is written", dependency="kafka") from None

    def masked(self, message: ConversationMessage) -> ConversationMessage:
        """The message without personal numbers, some of which only show by the messages before it."""
        start = self.facts.started_at or message.sent_at
        new = segment_of(message, self.tenant_id, start)
        others = [one for one in self._messages if one.segment_id != new.segment_id]
        found = masked_among(new, others, self.facts.language)
        mine = next(one for one in found if one.segment_id == new.segment_id)
        others = [one for one in others if one.start_ms >= mine.start_ms - REACH_MS]
        self._messages = [*others[1 - _KEPT :], mine]
        return message.model_copy(update={"text": mine.text})

    @property
    def _width(self) -> int:
        assert self.joiner is not None
        return self.joiner.frame_bytes

    def _by_clock(self, now_ms: float) -> int:
        """Where the call is by the time that has passed since its audio began."""
        if self._begun is None:
            return 0
        begun_ms, at_ms = self._begun
        return round(at_ms + now_ms - begun_ms)

    def _confirm(self, number: int, end_ms: int) -> None:
        self.confirmed = number, end_ms
        for listener in self.listeners:
            listener.set()

    def _on_time(self) -> None:
        self._timer = None
        self.pump(now_ms())


def now_ms() -> float:
    """Milliseconds of a clock that never goes back: the event loop's."""
    return asyncio.get_running_loop().time() * 1_000


def _shown(raw: RawFormat, channels: tuple[Channel, ...]) -> str:
    roles = ", ".join(channel.role for channel in channels)
    return f"{raw.encoding} at {raw.sample_rate_hz} Hz with the channels {roles}"
