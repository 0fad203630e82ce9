"""From the segments of a transcript to subtitles: short enough to be read, each with the time that it is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from schemas.transcript import Segment
from schemas.wire import Role

_COLUMNS: Final = 42
"""Width of a line, where a Chinese character takes two columns; usual in broadcasting, as are two lines."""
_LINES: Final = 2
_READ_PER_S: Final = 20.0
"""Columns that a person reads in a second: how long a message is shown that took no time."""
_SHORTEST_MS: Final = 200
"""A cue is shown at least so long; players drop cues without a length."""

_STEERING: Final = dict.fromkeys((*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), " ")


@dataclass(frozen=True, slots=True)
class Cue:
    """Some words of one speaker, in lines, shown from ``start_ms`` up to ``end_ms``, which always lies after it."""

    start_ms: int
    end_ms: int
    speaker: str
    lines: tuple[str, ...]


def printable(text: str) -> str:
    """Text from a call without the control characters that could end a line or turn it around."""
    return text.translate(_STEERING)


def speaker_of(segment: Segment) -> str:
    """Who speaks, as people are told: the role, or the number of the channel where that is not known."""
    return f"Speaker {segment.channel + 1}" if segment.role is Role.UNKNOWN else segment.role.capitalize()


def cues(segments: Sequence[Segment]) -> list[Cue]:
    """Cues in order of start; two that are spoken at the same time overlap."""
    found = [cue for segment in segments for cue in _of_segment(segment)]
    return sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms))


def one_by_one(overlapping: Sequence[Cue]) -> list[Cue]:
    """The same cues, none shown before the one before it has gone: it goes early, or the next comes a little late."""
    shown: list[Cue] = []
    free_ms = 0
    for cue, following in pairwise([*overlapping, None]):
        assert cue is not None
        start = max(cue.start_ms, free_ms)
        end = cue.end_ms if following is None else min(cue.end_ms, following.start_ms)
        free_ms = max(end, start + _SHORTEST_MS)
        shown.append(replace(cue, start_ms=start, end_ms=free_ms))
    return shown


def _of_segment(segment: Segment) -> Iterator[Cue]:
    """A segment that is too long for one cue becomes several; each begins with its first word."""
    lines = _wrapped(segment.text)
    pieces = [lines[first : first + _LINES] for first in range(0, len(lines), _LINES)]
    length = max(1, sum(_columns(line) for line in lines))
    end_ms = segment.end_ms
    if end_ms == segment.start_ms:
        end_ms += round(1_000 * length / _READ_PER_S)
    starts: list[int] = []
    columns = words = 0
    timed = len(segment.words) == sum(len(line.split()) for line in lines)
    for piece in pieces:
        share = segment.start_ms + (end_ms - segment.start_ms) * columns // length
        at = segment.words[words].start_ms if timed else share
        starts.append(max(starts[-1] if starts else segment.start_ms, at))
        columns += sum(map(_columns, piece))
        words += sum(len(line.split()) for line in piece)
    for piece, start, end in zip(pieces, starts, [*starts[1:], end_ms][: len(pieces)], strict=True):
        yield Cue(start, max(end, start + _SHORTEST_MS), speaker_of(segment), tuple(piece))


def _wrapped(text: str) -> list[str]:
    """Lines no wider than a line may be; broken between words, or at any character in what has no spaces."""
    lines = [""]
    for word in printable(text).split():
        joined = f"{lines[-1]} {word}".lstrip()
        if _columns(joined) <= _COLUMNS:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if _columns(lines[-1] + character) > _COLUMNS:
                lines.append("")
            lines[-1] += character
    return [line for line in lines if line]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
