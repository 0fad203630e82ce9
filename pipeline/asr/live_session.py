"""What is in memory of one live call: the audio of each channel since its last cut, and what listens to it.

All of it follows from where the cuts are and from the chunks after them, so that a successor who is given those chunks
again has the same in memory, makes the same cuts, and makes them at the same chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.asr.live_audio import ByteOrder, check_body, clear_byte_order, samples_of
from pipeline.asr.live_channel import LiveChannel, Piece, Spoken, ms_of
from pipeline.asr.live_state import ChannelCut, LiveCall, Mark
from pipeline.asr.stage import roles
from pipeline.asr.streaming_vad import Detectors
from pipeline.asr.vad import Rules
from pipeline.errors import Poison
from pipeline.handling import Inbound
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.wire import Role

_log: Final = structlog.get_logger(__name__)

JITTER_MS: Final = 100
"""Chunks that begin so much before or after the end of the one before them still follow it without a gap."""


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
        self.newest: Inbound | None = None
        """The newest chunk that was taken."""
        self.at: int | None = None
        """The offset of the last event that was listened to."""
        self.roles: dict[int, Role] = {}
        self._rules = rules
        self._detectors = detectors
        self._raw: RawFormat | None = call.raw
        self._byte_order: ByteOrder | None = call.byte_order
        self._may_jump = call.may_jump
        self._channels: list[LiveChannel] = []
        self._end: Mark | None = None
        if call.raw is not None and call.cuts:
            self._end = _before_first(call.cuts, call.raw.sample_rate_hz)
            self._listen_from(call.raw, call.cuts)
        self._known = self._cuts

    @property
    def held_from(self) -> int | None:
        """The offset of the oldest chunk that is still needed; None when all audio is out."""
        return min((it.held_from for it in self._channels if it.held_from is not None), default=None)

    @property
    def has_moved(self) -> bool:
        """Whether there is something new to remember."""
        return self._known != self._cuts

    def remembered(self, call: LiveCall) -> LiveCall:
        """The call with the cuts as they are now."""
        self._known = self._cuts
        heard = {"raw": self._raw, "byte_order": self._byte_order, "cuts": self._cuts, "may_jump": self._may_jump}
        return call.model_copy(update=heard)

    def take(self, inbound: Inbound, chunk: AudioChunk) -> None:
        """Listen to a chunk; what it decides is then waiting. Blocks the thread it runs in.

        A chunk that was taken before, or is older than the newest one, is dropped.

        Raises:
            Poison: its audio cannot be read, or it does not fit to the chunks before; nothing has changed then.
        """
        roles_by_index = self._check(chunk, inbound.body)
        start = Mark(sequence=chunk.sequence, ms=chunk.offset_ms)
        if self._end is not None and _is_older(start, self._end):
            _log.info("chunk.dropped", call_id=chunk.call_id, sequence=chunk.sequence, reason="repeated or late")
            return
        self.newest, self.roles = inbound, roles_by_index
        self._begin_at(chunk.raw, start)
        if chunk.raw.encoding is Encoding.L16 and self._byte_order is None:
            self._byte_order = clear_byte_order(inbound.body, chunk.raw.channels)
        samples = samples_of(inbound.body, chunk.raw, self._byte_order)
        for channel in self._channels:
            piece = Piece(chunk.sequence, inbound.position.offset, chunk.offset_ms, 0, samples[channel.index])
            self.waiting += channel.feed(piece)
        end_ms = chunk.offset_ms + ms_of(samples.shape[1], chunk.raw.sample_rate_hz)
        self._end = Mark(sequence=chunk.sequence + 1, ms=end_ms)
        self._may_jump = False

    def finish(self) -> None:
        """Cut every channel at the end of its audio; what was said is then waiting. Blocks the thread it runs in."""
        for channel in self._channels:
            self.waiting += channel.finish()

    def turn_to(self, inbound: Inbound) -> bool:
        """Turn to an event; False where it is the one that was listened to last, tried again.

        What is waiting when another event comes was given up with the one before, which is a dead letter by now: nobody
        could recognise it, and it is missing.
        """
        if inbound.position.offset == self.at:
            return False
        self.waiting = [Missing(it.channel, it.start_ms, it.end_ms) for it in self.waiting]
        return True

    @property
    def _cuts(self) -> tuple[ChannelCut, ...]:
        return tuple(channel.cut for channel in self._channels)

    def _check(self, chunk: AudioChunk, body: bytes) -> dict[int, Role]:
        check_body(body, chunk.raw)
        if self._raw is not None and chunk.raw != self._raw:
            raise Poison(f"the chunk is {_shown(chunk.raw)}, the call began as {_shown(self._raw)}")
        found = roles(chunk.channels)
        if (odd := max(found)) >= chunk.raw.channels:
            raise Poison(f"the chunk names channel {odd}, its audio has {chunk.raw.channels} (the first is 0)")
        return found

    def _listen_from(self, raw: RawFormat, cuts: Iterable[ChannelCut]) -> None:
        self._raw = raw
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
        self.finish()
        for channel in self._channels:
            channel.move(start)
            if not self._may_jump:
                self.waiting.append(Missing(channel.index, since_ms, start.ms))


def _before_first(cuts: Sequence[ChannelCut], rate_hz: int) -> Mark:
    """Where the chunk with the first of the cuts begins: all before it was taken."""
    first = min((cut.mark for cut in cuts), key=lambda mark: (mark.sequence, mark.frames))
    return Mark(sequence=first.sequence, ms=first.ms - ms_of(first.frames, rate_hz))


def _is_older(start: Mark, end: Mark) -> bool:
    return start.sequence < end.sequence or start.ms < end.ms - JITTER_MS


def _shown(raw: RawFormat) -> str:
    return f"{raw.encoding} at {raw.sample_rate_hz} Hz with {raw.channels} channels"
