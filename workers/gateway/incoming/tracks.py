"""Where the audio of one sender belongs in a call."""

from __future__ import annotations

from workers.gateway.incoming.framing import LEAD_MS, QUIET_MS, Joiner


class Track:
    """Where the audio of one sender belongs in a call: one that only counts its bytes, or one that tells times.

    Args:
        joiner: of the call.
        channel: the one that it sends; None where its frames have all channels.
        at: the frame at which it begins.
    """

    def __init__(self, joiner: Joiner, channel: int | None, at: int) -> None:
        self._joiner = joiner
        self._channel = channel
        self._next = at
        self._anchor: int | None = None
        self._came_ms: float | None = None
        self._late_since_ms: float | None = None

    @property
    def next(self) -> int:
        """The frame at which the next bytes begin."""
        return self._next

    def move_to(self, at: int) -> None:
        """The next bytes begin here."""
        self._next = at

    def feed(self, audio: bytes, now_ms: float) -> int:
        """Put in what follows what came before; how many frames of it came too late.

        Raises:
            Poison: the bytes are no whole number of frames.
        """
        return self._write(audio, self._next, now_ms)

    def feed_at(self, audio: bytes, stamp_ms: int, now_ms: float) -> int:
        """Put in what its sender says began at ``stamp_ms`` of its clock, whatever that counts from.

        A clock that jumps ahead by more than the time that has passed, and ten seconds, is begun with anew.

        Raises:
            Poison: the bytes are no whole number of frames.
        """
        stamp = self._joiner.frames_of(stamp_ms)
        passed_ms = 0.0 if self._came_ms is None else now_ms - self._came_ms
        if self._anchor is None or stamp + self._anchor - self._next > self._joiner.frames_of(passed_ms + LEAD_MS):
            self._anchor = self._next - stamp
        return self._write(audio, stamp + self._anchor, now_ms)

    def _write(self, audio: bytes, at: int, now_ms: float) -> int:
        before = self._joiner.lead
        late = self._joiner.write(audio, at, now_ms, self._channel)
        size = self._joiner.frame_bytes if self._channel is None else self._joiner.sample_bytes
        frames = len(audio) // size
        self._came_ms = now_ms
        if late < frames or not frames:
            self._late_since_ms = None
        elif self._late_since_ms is None:
            self._late_since_ms = now_ms
        elif now_ms - self._late_since_ms >= QUIET_MS:
            # All of it came too late for long: its clock is slow, or went back. It goes on where the others are.
            self._late_since_ms = None
            if self._anchor is not None:
                self._anchor += before - at
            self._next = before
            return late
        self._next = max(self._next, at + frames) if self._anchor is not None else at + frames
        return late
