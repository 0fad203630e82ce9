"""Which stretches of a recording of any length hold speech: a piece at a time is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from pipeline.asr.vad import (
    FRAME,
    RATE_HZ,
    BlockDetector,
    Levels,
    Mask,
    Probabilities,
    Rules,
    Span,
    frames_of,
    gate,
    spans_of,
)
from pipeline.ports import Diariser, Samples, SpeakerTurn

PORTION_FRAMES: Final = 4_096
"""The detector is given so many frames (131 s) at most at once: 8 MB."""
_DIARISED: Final = 600 * RATE_HZ
"""A diariser is given so many samples (10 minutes, 38 MB) at most at once; only the borders of turns count."""
_CRUMB: Final = RATE_HZ // 10
_WHOLE_MS: Final = RATE_HZ // 1_000
_NONE: Final[Samples] = np.empty(0, dtype=np.float32)


class Recorded(Protocol):
    """A decoded recording at 16 kHz, in memory or on disk."""

    @property
    def channels(self) -> int: ...

    @property
    def frames(self) -> int: ...

    def piece(self, channel: int, start: int, end: int) -> Samples: ...

    def levels(self, channel: int) -> Levels: ...


def speech_of(audio: Recorded, channel: int, rules: Rules) -> tuple[Span, ...]:
    """The spans of speech on one channel, whose samples are heard piece by piece; blocks the thread it runs in."""
    levels = audio.levels(channel)
    return spans_of(_probabilities(audio, channel, gate(levels)), levels, audio.frames, rules)


async def parted(audio: Recorded, channel: int, spans: Sequence[Span], diariser: Diariser) -> tuple[Span, ...]:
    """The spans of one channel, cut where another speaker begins.

    Raises:
        Retryable: the diariser is away.
        Poison: it refuses this audio.
    """
    found: list[Span] = []
    for group in _within(spans, _DIARISED):
        start, end = group[0].start, group[-1].end
        turns = await diariser.turns(audio.piece(channel, start, end), RATE_HZ)
        borders = [start + border for border in borders_of(turns)]
        found += (piece for span in group for piece in cut_at(span, borders))
    return tuple(found)


def borders_of(turns: Sequence[SpeakerTurn]) -> list[int]:
    """The samples at which another speaker begins: in the middle between two turns."""
    return [(one.end_ms + two.start_ms) * _WHOLE_MS // 2 for one, two in pairwise(turns) if one.speaker != two.speaker]


def cut_at(span: Span, borders: Iterable[int]) -> list[Span]:
    """The span, cut at those borders that leave no piece shorter than 100 ms."""
    pieces, start = [], span.start
    for border in borders:
        if start + _CRUMB <= border <= span.end - _CRUMB:
            pieces.append(Span(start, border))
            start = border
    return [*pieces, Span(start, span.end)]


def _within(spans: Sequence[Span], longest: int) -> Iterator[list[Span]]:
    """The spans in groups that reach over at most so many samples each."""
    group: list[Span] = []
    for span in spans:
        if group and span.end - group[0].start > longest:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _probabilities(audio: Recorded, channel: int, asked: Mask) -> Probabilities:
    detector = BlockDetector()
    found: Probabilities = np.zeros(len(asked), dtype=np.float32)
    for start in range(0, len(asked), PORTION_FRAMES):
        block = asked[start : start + PORTION_FRAMES]
        end = start + len(block)
        frames = frames_of(
            audio.piece(channel, start * FRAME, min(end * FRAME, audio.frames)) if block.any() else _NONE
        )
        found[start:end] = detector.hear(frames, block)
    return found
