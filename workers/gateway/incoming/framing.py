"""Frames of one or more tracks, of any size, joined into chunks of 200 ms with all channels of the call.

Nothing here reads a clock or talks to anybody: who calls says what time it is, in milliseconds that never go back.
Places in a call are counted in frames (one sample of each channel) from its start, so that nothing is ever rounded
twice.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.errors import Poison
from schemas.audio import Encoding, RawFormat
from workers.entry import CHUNK_MS

WAIT_MS: Final = 400
"""A track is waited for so long when another has gone on; then it is silent there. As long as ``asr`` waits for a chunk
that is missing (``pipeline.asr.live_order.LATE_MS``): twice a chunk, and more than the jitter of a good line.
"""
QUIET_MS: Final = 2_000
"""A track of which nothing came for so long is not waited for; one that came too late for so long begins anew."""
LEAD_MS: Final = 10_000
"""A track may be so far ahead of what has been given out; its sender is then read no further. It bounds the memory of a
call: 640 kB of two channels at 16 kHz.
"""
_SILENCE: Final = {Encoding.L16: b"\x00\x00", Encoding.PCMU: b"\xff", Encoding.PCMA: b"\xd5"}
"""A sample of silence (ITU-T G.711 for the two that are coded)."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A chunk: when it begins in the call, and its bytes, all channels interleaved."""

    offset_ms: int
    audio: bytes


class Joiner:
    """The audio of one call between its frames and its chunks.

    Args:
        raw: how the chunks are written; frames of one track are written the same with one channel.
        at_ms: where the first chunk begins.
    """

    def __init__(self, raw: RawFormat, at_ms: int = 0) -> None:
        self.raw = raw
        self.late_frames = 0
        """Frames that came too late to be put in their place, and are not in any chunk."""
        self._silence = _SILENCE[raw.encoding]
        self._sample = len(self._silence)
        self._per_ms = raw.sample_rate_hz // 1_000
        self._chunk = CHUNK_MS * self._per_ms
        self._first = at_ms * self._per_ms
        self._base: int
        self._lead: int
        self._boundary: int
        self._is_whole: bool
        self._came_ms: list[float | None] = [None] * raw.channels
        self._passed: deque[tuple[int, float]] = deque()
        self._out: list[Joined] = []
        self._begin(self._first, is_whole=False)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame of all channels."""
        return self._sample * self.raw.channels

    @property
    def sample_bytes(self) -> int:
        """Bytes of one frame of one track."""
        return self._sample

    @property
    def is_new(self) -> bool:
        """Whether nothing has been written."""
        return self._lead == self._first

    @property
    def base(self) -> int:
        """The first frame that has not been given out; what was before it cannot be changed any more."""
        return self._base

    @property
    def lead(self) -> int:
        """The frame behind the last one that is known of any track."""
        return self._lead

    @property
    def end_ms(self) -> int:
        """The same in milliseconds of the call."""
        return self._lead // self._per_ms

    @property
    def is_full(self) -> bool:
        """Whether so much waits for a slower track that no more should be read."""
        return self._lead - self._base > LEAD_MS * self._per_ms

    def ms_of(self, frames: int) -> int:
        """How many whole milliseconds so many frames are."""
        return frames // self._per_ms

    def frames_of(self, ms: float) -> int:
        """How many frames so many milliseconds are."""
        return round(ms * self._per_ms)

    def write(self, audio: bytes, at: int, now_ms: float, channel: int | None = None) -> int:
        """Put frames in their place from frame ``at`` on: of all channels, or of one; how many of them came too late.

        Where nothing was sent for longer than a chunk, what waits is given out, and nothing stands in the gap.

        Raises:
            Poison: the bytes are no whole number of frames; nothing has changed then.
        """
        size = self._sample if channel is not None else self.frame_bytes
        frames, rest = divmod(len(audio), size)
        if rest:
            raise Poison(f"{len(audio)} bytes are no whole number of frames: one of {self.raw.encoding} has {size}")
        if at - self._lead > self._chunk or (channel is None) != self._is_whole:
            self.flush()
            self._begin(max(at, self._lead), is_whole=channel is None)
        late = self._base - at
        if late > 0:
            late = min(frames, late)
            self.late_frames += late
            audio = audio[late * size :]
        else:
            late = 0
        end = at + frames
        one = channel or 0
        if late < frames:
            self._put(one, audio, at + late)
            self._extend(one, at + late, end)
        self._came_ms[one] = now_ms
        if end > self._lead:
            self._lead = end
            while self._boundary <= end:
                self._passed.append((self._boundary, now_ms))
                self._boundary += self._chunk
        return late

    def expect(self, channel: int, now_ms: float) -> None:
        """From now on this track is waited for, as one that has just sent something."""
        self._came_ms[channel] = now_ms

    def take(self, now_ms: float) -> list[Joined]:
        """The chunks that are whole, and those that have waited for long enough."""
        while self._passed:
            end, passed_ms = self._passed[0]
            if now_ms - passed_ms < WAIT_MS and self._slowest(now_ms) < end:
                break
            self._passed.popleft()
            self._give(end)
        found, self._out = self._out, []
        return found

    def due_ms(self) -> float | None:
        """When ``take`` has something in any case; None where nothing waits."""
        return self._passed[0][1] + WAIT_MS if self._passed else None

    def flush(self) -> None:
        """Have ``take`` give out all there is, the last chunk as short as it may be."""
        self._passed.clear()
        while self._base < self._lead:
            self._give(min(self._lead, self._base + self._chunk))
        self._boundary = self._base + self._chunk

    def _begin(self, at: int, *, is_whole: bool) -> None:
        """Nothing waits: from this frame on, either frames of all channels come or those of tracks."""
        parts = 1 if is_whole else self.raw.channels
        self._is_whole = is_whole
        self._base = self._lead = at
        self._boundary = at + self._chunk
        self._silent = self._silence * (self.raw.channels if is_whole else 1)
        self._parts = [bytearray() for _ in range(parts)]
        self._heads = [at] * parts
        self._ahead: list[list[tuple[int, int]]] = [[] for _ in range(parts)]

    def _slowest(self, now_ms: float) -> int:
        """The first frame that is missing of a track that is waited for."""
        heads = [
            head
            for head, came_ms in zip(self._heads, self._came_ms, strict=False)
            if came_ms is not None and now_ms - came_ms < QUIET_MS
        ]
        return min(heads, default=self._lead)

    def _put(self, part: int, audio: bytes, start: int) -> None:
        known, place = self._parts[part], (start - self._base) * len(self._silent)
        if place > len(known):
            known += self._silent * ((place - len(known)) // len(self._silent))
        if place == len(known):
            known += audio
        else:
            known[place : place + len(audio)] = audio

    def _extend(self, channel: int, start: int, end: int) -> None:
        """A track is known up to its first hole; what lies behind that is noted until it is filled or given up."""
        head, ahead = self._heads[channel], self._ahead[channel]
        if start > head:
            insort(ahead, (start, end))
            return
        head = max(head, end)
        while ahead and ahead[0][0] <= head:
            head = max(head, ahead.pop(0)[1])
        self._heads[channel] = head

    def _give(self, end: int) -> None:
        frames = end - self._base
        pieces = [self._taken(part, frames) for part in self._parts]
        audio = bytes(pieces[0])
        if len(pieces) > 1:
            kind = np.uint16 if self._sample == 2 else np.uint8  # noqa: PLR2004 - bytes of a sample
            audio = np.column_stack([np.frombuffer(piece, kind) for piece in pieces]).tobytes()
        self._out.append(Joined(self._base // self._per_ms, audio))
        self._base = end
        for part, head in enumerate(self._heads):
            if head < end:
                self._heads[part] = end
                self._extend(part, end, end)

    def _taken(self, part: bytearray, frames: int) -> bytearray:
        """Take out the first frames, with silence for those that never came."""
        size = frames * len(self._silent)
        piece = part[:size]
        del part[:size]
        return piece + self._silent * ((size - len(piece)) // len(self._silent))
