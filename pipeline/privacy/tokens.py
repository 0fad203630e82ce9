"""Text of one speaker as tokens that know where they stand: numbers, words, marks, and the pauses between segments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.transcript import Segment

PAUSE_MS: Final = 10_000
"""A number goes on in the speaker's next segment if that begins within this time."""
_SOFT: Final = frozenset(".,;!?()+~…·•、。")
# Words first, as most tokens are some; no two of the first three begin with the same character.
_TOKEN: Final = re.compile(
    r"(?P<word>[A-Za-zÀ-ɏ\uff21-\uff3a\uff41-\uff5a]+(?:['\u2019][A-Za-z]+)?)"
    r"|(?P<letter>[^\W\d_])"
    r"|(?P<stop>"
    r"(?<!\d)(?:(?:19|20)\d\d([-/.])\d{1,2}\4\d{1,2}|\d{1,2}([-/.])\d{1,2}\5(?:19|20)\d\d)(?![-/.]?\d)"  # a date
    r"|(?<!\d)\d{1,2}[:\uff1a]\d{2}(?!\d)"  # a time of day
    r"|(?<![\d.])\d{1,9}\.\d{1,2}(?![\d.]*\d))"  # a decimal number
    r"|(?P<number>(?<!\d)\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
    r"|(?P<mark>\S)"
)
_LETTERS: Final = frozenset({"word", "letter"})


class Kind(Enum):
    """What a token can be to a number that is being read; the text of letters and marks is lower case and ``plain``."""

    NUMBER = auto()
    """Written digits; ``text`` holds them as ASCII digits only."""
    WORD = auto()
    """A Latin word, or one letter of another script."""
    SOFT = auto()
    """A mark that may stand inside a number."""
    STOP = auto()
    """A mark, date, time or decimal number: no number goes on across it."""
    PAUSE = auto()
    """The same speaker goes on in the next segment."""


class Token(NamedTuple):
    """Characters ``start`` to ``end`` of the segment with this index; ``glued`` to the token before it, or not.

    A tuple, as a long text has very many, and no other value is made as quickly.
    """

    kind: Kind
    text: str
    segment: int
    start: int
    end: int
    glued: bool = False


_token: Final = tuple.__new__
"""A token of all its values at once; to name them takes longer than to find one."""


def streams(segments: Sequence[Segment]) -> list[list[Token]]:
    """The tokens of each speaker (channel and role) in order of time, cut where the speaker pauses for long."""
    found: list[list[Token]] = []
    open_streams: dict[tuple[int, str], tuple[list[Token], int]] = {}
    for index in in_time(segments):
        segment = segments[index]
        speaker = (segment.channel, segment.role)
        stream, end_ms = open_streams.get(speaker, ([], 0))
        if stream and segment.start_ms - end_ms <= PAUSE_MS:
            stream.append(Token(Kind.PAUSE, "", index, 0, 0))
        else:
            stream = []
            found.append(stream)
        stream.extend(tokens_of(segment.text, index))
        open_streams[speaker] = (stream, max(end_ms, segment.end_ms))
    return found


def in_time(segments: Sequence[Segment]) -> list[int]:
    """The indices of the segments in the order in which they begin."""
    return sorted(range(len(segments)), key=lambda index: (segments[index].start_ms, index))


def tokens_of(text: str, segment: int = 0) -> Iterator[Token]:
    """Cut one text into tokens; white space is no token."""
    last_end = -1
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        group = match.lastgroup
        kind, said = _word(match[0]) if group in _LETTERS else _read(group, match[0])
        yield _token(Token, (kind, said, segment, start, end, start == last_end))
        last_end = end


def _read(group: str | None, text: str) -> tuple[Kind, str]:
    if group == "stop":
        return Kind.STOP, text
    return (Kind.NUMBER, ascii_digits(text)) if group == "number" else _mark(text)


def ascii_digits(text: str) -> str:
    """The digits in a text, whatever their script, as 0 to 9."""
    if text.isascii() and text.isdecimal():
        return text
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


@lru_cache(maxsize=512)
def _mark(text: str) -> tuple[Kind, str]:
    mark = "-" if unicodedata.category(text) == "Pd" else plain(text)
    return (Kind.SOFT if mark == "-" or mark in _SOFT else Kind.STOP), mark


@lru_cache(maxsize=8_192)
def _word(text: str) -> tuple[Kind, str]:
    return Kind.WORD, plain(text).lower()


def plain(text: str) -> str:
    """Full-width letters and marks as the ordinary ones, where that takes no more characters."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKC", text)
    return folded if len(folded) == len(text) else text
