"""What is in memory of one live call: the audio of each channel since its last cut, and what listens to it.

All of it follows from where the cuts are and from the chunks after them, so that a successor who is given those chunks
again has the same in memory, makes the same cuts, and makes them at the same chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.asr.live_audio import ByteOrder, bytes_a_second, check_body, clear_byte_order, samples_of
from pipeline.asr.live_channel import LiveChannel, Piece, Spoken, ms_of
from pipeline.asr.live_copies import once
from pipeline.asr.live_numbers import Runs, cut_before
from pipeline.asr.live_order import JITTER_MS, Arrivals, Arrived, is_missing_before, is_older
from pipeline.asr.live_state import ChannelCut, LiveCall, Mark
from pipeline.asr.stage import roles
from pipeline.asr.streaming_vad import Detectors
from pipeline.asr.vad import Rules
from pipeline.errors import Poison
from pipeline.handling import Inbound
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.wire import Role

_LONG_CHUNK_S: Final = 1.0
"""So much audio takes 10 ms, and no event waits longer for another. Threads cost far more with many calls: each time
numpy has given the interpreter's lock away, a thread waits for up to 5 ms to have it back (measured: 61 ms for a chunk
of 200 ms that takes 2 ms of work, with 50 calls at once).
"""
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Missing:
    """Audio of a channel whose words will never be known."""

    channel: int
    start_ms: int
    end_ms: int


class LiveSession:
    """One call in the memory of one worker.

    Args:
        call: what is remembered of it.
        partition: where its events come from.
        rules: how speech is told and cut.
        detectors: where a detector comes from when somebody speaks.
    """

    def __init__(self, call: LiveCall, partition: int, rules: Rules, detectors: Detectors) -> None:
        self.partition = partition
        self.waiting: list[Spoken | Missing] = []
        """What was found and is not out yet."""
        self.runs: Runs = {}
        """What was said and is kept."""
        self.must_tell = False
        """Nothing that was said may wait any longer: the talk was broken off."""
        self.newest: Inbound | None = None
        """The newest chunk that was taken."""
        self.at: int | None = None
        """The offset of the last event that was listened to."""
        self.was_tried = False
        """Whether somebody has tried to recognise what is waiting."""
        self.dropped = 0
        """Chunks that were repeated or came too late."""
        self.roles: dict[int, Role] = {}
        self._rules = rules
        self._detectors = detectors
        self._raw: RawFormat | None = call.raw
        self._byte_order: ByteOrder | None = call.byte_order
        self._may_jump = call.may_jump
        self._channels: list[LiveChannel] = []
        self._arrivals = Arrivals()
        self._end: Mark | None = None
        self._late = list(call.late)
        self._again_to = call.at
        """The offset up to which chunks come that came before, to fill the memory."""
        self._heard_to: Mark | None = None
        """What was heard of those, until it has been heard again."""
        if call.raw is not None and call.cuts:
            self._end, self._heard_to = _before_first(call.cuts, call.raw.sample_rate_hz), call.heard_to
            self._listen_from(call.raw, call.cuts)
        self._known = self._cuts

    @property
    def held_from(self) -> int | None:
        """The offset of the oldest chunk that is still needed; None when all audio is out."""
        found = [it.held_from for it in self._channels] + [self._arrivals.held_from]
        found += [it.held_from for it in self.spoken]
        found += [run[0].spoken.held_from for run in self.runs.values()]
        return min((it for it in found if it is not None), default=None)

    @property
    def spoken(self) -> list[Spoken]:
        """What was said of what is waiting."""
        return [it for it in self.waiting if isinstance(it, Spoken)]

    @property
    def now_ms(self) -> int:
        """How far the call was listened to."""
        return 0 if self._end is None else self._end.ms

    @property
    def channels(self) -> Sequence[LiveChannel]:
        return self._channels

    @property
    def has_moved(self) -> bool:
        """Whether there is something new to remember."""
        return self._known != self._cuts

    def heard_with(self, inbound: Inbound) -> int:
        """How many bytes of audio that wait are heard with this chunk, since it is the last that comes again."""
        return 0 if self._heard_to is None or inbound.position.offset < self._again_to else self._arrivals.size

    def remembered(self, call: LiveCall) -> LiveCall:
        """The call with the cuts as they are now."""
        self._known = self._cuts
        heard = {"raw": self._raw, "byte_order": self._byte_order, "cuts": self._cuts}
        return self.arrived(call.model_copy(update=heard))

    def arrived(self, call: LiveCall) -> LiveCall:
        """The call with what of its chunks was heard by now; where they are to be cut is as it was."""
        self._hear_again_all()
        held_from = self.held_from
        self._late = [] if held_from is None else [offset for offset in self._late if offset >= held_from]
        found = {"heard_to": self._end, "late": tuple(self._late), "may_jump": self._may_jump}
        return call.model_copy(update=found)

    def take(self, inbound: Inbound, chunk: AudioChunk) -> None:
        """Listen to a chunk; what it decides is then waiting.

        A chunk that was taken before, or is older than the newest that was listened to, is dropped; one that has
        overtaken another waits for it.

        Raises:
            Poison: its audio cannot be read, or it does not fit to the chunks before; nothing has changed then.
        """
        found_roles, frames = self._check(chunk, inbound.body)
        arrived = Arrived(inbound, chunk, chunk.offset_ms + ms_of(frames, chunk.raw.sample_rate_hz))
        if self._heard_to is not None and inbound.position.offset <= self._again_to:
            self._take_again(arrived, found_roles, self._heard_to.sequence)
            return
        self._hear_again_all()
        if self._arrivals.has(chunk.sequence) or (self._end is not None and is_older(arrived.start, self._end)):
            self._drop(arrived)
            return
        self.newest, self.roles, self._raw = inbound, found_roles, chunk.raw
        if self._may_jump or not is_missing_before(arrived.start, self._end):
            self._hear(arrived)
        else:
            self._arrivals.add(arrived)
        self._hear_waiting(at_once=False)

    def finish(self) -> None:
        """Cut every channel at the end of its audio; what was said is then waiting."""
        self._hear_again_all()
        self._hear_waiting(at_once=True)
        self._break_off()

    def turn_to(self, inbound: Inbound) -> bool:
        """Turn to an event; False where it is the one that was listened to last, tried again.

        What could not be recognised when another event comes was given up with the one before, which is a dead letter
        by now: nobody could recognise it, and it is missing.
        """
        if inbound.position.offset == self.at:
            return False
        if self.was_tried:
            lost = (it for it in self.waiting if isinstance(it, Missing) or not it.is_out)
            self.waiting = [Missing(it.channel, it.start_ms, it.end_ms) for it in lost]
            self.was_tried = False
        return True

    def told(self, runs: Runs) -> None:
        """What was waiting is out, but for what is kept of each channel."""
        self.runs, self.waiting = runs, []
        self.must_tell = self.was_tried = False

    @property
    def _cuts(self) -> tuple[ChannelCut, ...]:
        copies = {it.channel: it for run in self.runs.values() for it in run[0].spoken.copies}
        return tuple(self._cut(it, copies.get(it.index)) for it in self._channels)

    def _cut(self, channel: LiveChannel, copy: Spoken | None) -> ChannelCut:
        """The cut from which on a successor must hear a channel, to have what is kept of it or the copy of that."""
        if run := self.runs.get(channel.index):
            return cut_before(run)
        return channel.cut if copy is None else copy.before.model_copy(update={"out_ms": channel.cut.mark.ms})

    def _check(self, chunk: AudioChunk, body: bytes) -> tuple[dict[int, Role], int]:
        """Who is on which channel, and how many frames the chunk has."""
        frames = check_body(body, chunk.raw)
        if self._raw is not None and chunk.raw != self._raw:
            raise Poison(f"the chunk is {_shown(chunk.raw)}, the call began as {_shown(self._raw)}")
        found = roles(chunk.channels)
        if (odd := max(found)) >= chunk.raw.channels:
            raise Poison(f"the chunk names channel {odd}, its audio has {chunk.raw.channels} (the first is 0)")
        return found, frames

    def _take_again(self, arrived: Arrived, found_roles: dict[int, Role], heard_to: int) -> None:
        """Take a chunk as the worker before did, which may have had those at hand that come after it now.

        What it heard was in order of number, up to ``heard_to``, and nothing but ``late`` chunks was left out. What is
        not the next one is heard when all have come.
        """
        sequence, offset = arrived.chunk.sequence, arrived.inbound.position.offset
        assert self._end is not None
        if sequence >= self._end.sequence and offset not in self._late and not self._arrivals.has(sequence):
            self.newest, self.roles = arrived.inbound, found_roles
            self._arrivals.add(arrived)
            while (following := self._arrivals.next_before(min(heard_to, self._end.sequence + 1))) is not None:
                self._hear(following)
        if offset == self._again_to:
            self._hear_again_all()

    def _hear_again_all(self) -> None:
        """Nothing more comes again: hear the rest of what the worker before heard."""
        if self._heard_to is None:
            return
        may_jump = self._may_jump
        while (arrived := self._arrivals.next_before(self._heard_to.sequence)) is not None:
            self._hear(arrived)
        self._end, self._heard_to, self._may_jump = self._heard_to, None, may_jump

    def _drop(self, arrived: Arrived) -> None:
        self.dropped += 1
        chunk = arrived.chunk
        if not any(channel.holds(chunk.sequence) for channel in self._channels):  # else the first of them counts
            self._late.append(arrived.inbound.position.offset)
        _log.info("chunk.dropped", call_id=chunk.call_id, sequence=chunk.sequence, reason="repeated or late")

    def _hear_waiting(self, *, at_once: bool) -> None:
        while (arrived := self._arrivals.next_after(self._end, at_once=at_once)) is not None:
            if self._end is not None and is_older(arrived.start, self._end):
                self._drop(arrived)
            else:
                self._hear(arrived)

    def _hear(self, arrived: Arrived) -> None:
        inbound, chunk = arrived.inbound, arrived.chunk
        self._begin_at(chunk.raw, arrived.start)
        if chunk.raw.encoding is Encoding.L16 and self._byte_order is None:
            self._byte_order = clear_byte_order(inbound.body, chunk.raw.channels)
        samples = samples_of(inbound.body, chunk.raw, self._byte_order)
        found: list[Spoken] = []
        for channel in self._channels:
            piece = Piece(chunk.sequence, inbound.position.offset, chunk.offset_ms, 0, samples[channel.index])
            found += channel.feed(piece)
        self.waiting += once(found)
        self._end = Mark(sequence=chunk.sequence + 1, ms=arrived.end_ms)
        self._may_jump = False

    def _break_off(self) -> None:
        self.waiting += once(spoken for channel in self._channels for spoken in channel.finish())
        self.must_tell = True

    def _listen_from(self, raw: RawFormat, cuts: Iterable[ChannelCut]) -> None:
        self._channels = [
            LiveChannel(index, cut, raw.sample_rate_hz, self._rules, self._detectors) for index, cut in enumerate(cuts)
        ]

    def _begin_at(self, raw: RawFormat, start: Mark) -> None:
        """See whether audio is missing before this chunk; if so, the speech before it ends there."""
        if self._end is None:
            self._listen_from(raw, [ChannelCut(mark=start)] * raw.channels)
            # A call that is first heard in its middle; a sender may count its chunks from any number.
            since_ms = 0 if start.sequence else start.ms
        else:
            since_ms = self._end.ms
        if start.ms - since_ms <= JITTER_MS:
            return
        self._break_off()
        for channel in self._channels:
            channel.move(start)
            if not self._may_jump:
                self.waiting.append(Missing(channel.index, since_ms, start.ms))


async def listen(session: LiveSession, inbound: Inbound, chunk: AudioChunk) -> None:
    """Listen to a chunk; in a thread where it is so long that others would wait for it, or so much comes with it."""
    if len(inbound.body) + session.heard_with(inbound) > _LONG_CHUNK_S * bytes_a_second(chunk.raw):
        await asyncio.to_thread(session.take, inbound, chunk)
    else:
        session.take(inbound, chunk)


def _before_first(cuts: Sequence[ChannelCut], rate_hz: int) -> Mark:
    """Where the chunk with the first of the cuts begins: all before it was taken."""
    first = min((cut.mark for cut in cuts), key=lambda mark: (mark.sequence, mark.frames))
    return Mark(sequence=first.sequence, ms=first.ms - ms_of(first.frames, rate_hz))


def _shown(raw: RawFormat) -> str:
    return f"{raw.encoding} at {raw.sample_rate_hz} Hz with {raw.channels} channels"
