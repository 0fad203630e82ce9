"""Where a stream can go on: how far every partition had been read, as a text that is the id of an event.

A mark means the same to every gateway of an installation, and after a restart, as it holds nothing but offsets. It has
a byte for its version, then, for each topic of ``STREAMED``, the number of its partitions and the next offset of each,
as LEB128 in base64url: about 70 characters for three topics of six partitions.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.stages import SUGGESTIONS, flow, transcripts
from schemas.wire import Lane
from workers.edge import Partition

STREAMED: Final = (SUGGESTIONS, transcripts(Lane.LIVE), flow(Lane.LIVE))
"""The topics that streams are made of, in the order of marks."""
BEGINNING: Final = "start"
"""In place of a mark: go on from the earliest that is still kept."""
_VERSION: Final = 1
_LONGEST: Final = 16_000
"""Characters of a mark: those of a thousand partitions with offsets of ten digits each are shorter."""
_MOST_PARTITIONS: Final = 100_000
_BITS: Final = 63
"""Of an offset of Kafka."""


class Reached:
    """The next offset of every partition, and the mark of it, which costs little each time that one of them moves."""

    def __init__(self) -> None:
        self.next: dict[Partition, int] = {}
        self._parts: dict[Partition, bytes] = {}
        self._order: list[Partition | bytes] = []
        self._arrange()

    def advance(self, place: Partition, offset: int) -> None:
        """Everything before ``offset`` has been read; it never goes back."""
        if offset <= self.next.get(place, -1):
            return
        if place not in self.next:
            self.next[place] = offset
            self._arrange()
        self.next[place] = offset
        self._parts[place] = _varint(offset)

    def mark(self) -> bytes:
        """The mark of now."""
        parts = self._parts
        body = b"".join([part if isinstance(part, bytes) else parts[part] for part in self._order])
        return urlsafe_b64encode(bytes([_VERSION]) + body).rstrip(b"=")

    def _arrange(self) -> None:
        """Partitions that are not known, though later ones are, count as not read."""
        self._order = []
        for topic in STREAMED:
            count = 1 + max((number for name, number in self.next if name == topic), default=-1)
            self._order.append(_varint(count))
            for number in range(count):
                self._parts.setdefault((topic, number), _varint(0))
                self._order.append((topic, number))


def mark_of(reached: Mapping[Partition, int]) -> bytes:
    """The mark of these offsets."""
    whole = Reached()
    for place, offset in reached.items():
        whole.advance(place, offset)
    return whole.mark()


def read_mark(text: str) -> dict[Partition, int] | None:
    """The next offset of each partition that a mark knows; None where the text is no mark."""
    if len(text) > _LONGEST:
        return None
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        if not raw or raw[0] != _VERSION:
            return None
        return _offsets(_varints(raw[1:]))
    except (UnicodeEncodeError, binascii.Error, ValueError, StopIteration):
        return None


def _offsets(numbers: Iterator[int]) -> dict[Partition, int]:
    found: dict[Partition, int] = {}
    for topic in STREAMED:
        count = next(numbers)
        if count > _MOST_PARTITIONS:
            raise ValueError("no topic has so many partitions")
        for number in range(count):
            found[topic, number] = next(numbers)
    if next(numbers, None) is not None:
        raise ValueError("there is more than a mark has")
    return found


def _varint(number: int) -> bytes:
    """LEB128: seven bits a byte, the lowest first, the highest bit says that there are more."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > _BITS + 7:
            raise ValueError("no offset is so large")
        if byte < 0x80:  # noqa: PLR2004 - likewise
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number is cut off")
