"""The chunks of a live call in their order: one that has overtaken others waits for them for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.asr.live_state import Mark
from pipeline.handling import Inbound
from schemas.audio import AudioChunk

JITTER_MS: Final = 100
"""Chunks that begin so much before or after the end of the one before them still follow it without a gap."""
LATE_MS: Final = 400
"""A chunk that is missing, by number and by time, is waited for until so much audio has come that follows it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A chunk, and when its audio ends in the call."""

    inbound: Inbound
    chunk: AudioChunk
    end_ms: int

    @property
    def start(self) -> Mark:
        return Mark(sequence=self.chunk.sequence, ms=self.chunk.offset_ms)


class Arrivals:
    """Chunks that wait for those before them."""

    def __init__(self) -> None:
        self._waiting: dict[int, Arrived] = {}

    @property
    def held_from(self) -> int | None:
        """The oldest offset of those that wait."""
        return min((it.inbound.position.offset for it in self._waiting.values()), default=None)

    @property
    def size(self) -> int:
        """The bytes of audio of those that wait."""
        return sum(len(it.inbound.body) for it in self._waiting.values())

    def has(self, sequence: int) -> bool:
        return sequence in self._waiting

    def add(self, arrived: Arrived) -> None:
        self._waiting[arrived.chunk.sequence] = arrived

    def next_before(self, sequence: int) -> Arrived | None:
        """Take out the first one, if its number is lower than this."""
        first = min(self._waiting, default=sequence)
        return self._waiting.pop(first) if first < sequence else None

    def next_after(self, end: Mark | None, *, at_once: bool) -> Arrived | None:
        """Take out the first one if it may be heard: nothing is missing before it, or was not waited for in vain.

        Args:
            end: where the audio ends that was heard; None before the first.
            at_once: wait for nothing.
        """
        if not self._waiting:
            return None
        first = self._waiting[min(self._waiting)]
        newest_ms = max(it.end_ms for it in self._waiting.values())
        if at_once or not is_missing_before(first.start, end) or newest_ms - first.start.ms >= LATE_MS:
            return self._waiting.pop(first.chunk.sequence)
        return None


def is_older(start: Mark, end: Mark) -> bool:
    """Whether a chunk was heard before, or comes too late."""
    return start.sequence < end.sequence or start.ms < end.ms - JITTER_MS


def is_missing_before(start: Mark, end: Mark | None) -> bool:
    """Whether a chunk is missing before this one that may still come."""
    return end is not None and start.sequence > end.sequence and start.ms > end.ms + JITTER_MS
