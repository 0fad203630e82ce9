"""What the first bytes of an audio file say: which kind it is, and how long it should be.

Sources: RIFF, RF64 (EBU 3306), Wave64 (Sony), AIFF (Apple), AU (Sun), CAF (Apple), ISO/IEC 14496-12 boxes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

_WAVE64: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_WAVE64_DATA: Final = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_FLAT: Final = (b"fLaC", b"OggS", b"ID3", b".snd", b"dns.", b"caff", _WAVE64)
_OF_KIND: Final = {
    b"RIFF": (b"WAVE",),
    b"RIFX": (b"WAVE",),
    b"RF64": (b"WAVE",),
    b"FORM": (b"AIFF", b"AIFC"),
}
_UNSAID: Final = 0x7FFFF000
"""From this 32-bit size on, and for 0, the writer did not know how long the audio would become."""
_UNSAID_64: Final = 1 << 62
_ELSEWHERE: Final = 0xFFFFFFFF
"""In RF64: the size stands in the chunk ds64."""
_MOST_CHUNKS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The bytes of a file of a known size, by their place."""

    file: IO[bytes]
    size: int

    def read(self, at: int, length: int) -> bytes | None:
        """So many bytes from a place on; None where the file ends before, of which no file system is asked."""
        if at + length > self.size:
            return None
        self.file.seek(at)
        data = self.file.read(length)
        return data if len(data) == length else None


_Chunks = Callable[[_Bytes], Iterator[_Chunk]]


def is_audio_file(start: bytes) -> bool:
    """Whether a file that starts so is one of the kinds that libsndfile is trusted with.

    It reads two dozen more, which no telephone system writes and any of which an attacker could.
    """
    if start.startswith(_FLAT):
        return True
    if start[:4] in _OF_KIND:
        return start[8:12] in _OF_KIND[start[:4]]
    return _is_mpeg_frame(start)


def missing_bytes(file: IO[bytes], size: int) -> int:
    """How many bytes of sound a file of ``size`` bytes lacks by its own header; 0 where the header does not say.

    More than a few are missing where a file was cut off while it was copied, or where its header lies.
    """
    file.seek(0)
    start = file.read(16)
    chunks, of_sound = _kind_of(start)
    found = 0
    for count, chunk in enumerate(chunks(_Bytes(file, size))):
        if count >= _MOST_CHUNKS:
            break
        if chunk.name in of_sound:
            found = max(found, chunk.start + chunk.size - size)
    return found


def _kind_of(start: bytes) -> tuple[_Chunks, frozenset[bytes]]:
    """How to walk through the chunks of such a file, and which of them hold sound."""
    if start == _WAVE64:
        return _wave64, frozenset({_WAVE64_DATA})
    if start[4:8] == b"ftyp":
        return _boxes, frozenset({b"mdat", b"moov"})
    known: dict[bytes, _Chunks] = {
        **dict.fromkeys((b"RIFF", b"RIFX", b"RF64"), _riff),
        b"FORM": _aiff,
        b"caff": _caf,
        b".snd": _au,
    }
    return known.get(start[:4], _none), frozenset({b"data", b"SSND"})


def _none(_file: _Bytes) -> Iterator[_Chunk]:
    return iter(())


def _riff(file: _Bytes) -> Iterator[_Chunk]:
    order = ">" if file.read(0, 4) == b"RIFX" else "<"
    at, long_size = 12, 0
    while (head := file.read(at, 8)) is not None:
        name, size = struct.unpack(f"{order}4sI", head)
        if name == b"ds64" and (sizes := file.read(at + 8, 16)) is not None:
            long_size = struct.unpack("<8xQ", sizes)[0]
        if name == b"data" and size == _ELSEWHERE and long_size:
            yield _Chunk(name, at + 8, long_size)
            return
        if _is_unsaid(size):
            return
        yield _Chunk(name, at + 8, size)
        at += 8 + size + size % 2


def _wave64(file: _Bytes) -> Iterator[_Chunk]:
    at = 40
    while (head := file.read(at, 24)) is not None:
        name, size = struct.unpack("<16sQ", head)
        length = size - len(head)  # its size counts the head, too
        if length <= 0 or size >= _UNSAID_64:
            return
        yield _Chunk(name, at + len(head), length)
        at += size + -size % 8


def _aiff(file: _Bytes) -> Iterator[_Chunk]:
    at = 12
    while (head := file.read(at, 8)) is not None:
        name, size = struct.unpack(">4sI", head)
        if _is_unsaid(size):
            return
        yield _Chunk(name, at + 8, size)
        at += 8 + size + size % 2


def _caf(file: _Bytes) -> Iterator[_Chunk]:
    at = 8
    while (head := file.read(at, 12)) is not None:
        name, size = struct.unpack(">4sq", head)
        if size < 0:
            return
        yield _Chunk(name, at + 12, size)
        at += 12 + size


def _au(file: _Bytes) -> Iterator[_Chunk]:
    if (head := file.read(4, 8)) is not None:
        start, size = struct.unpack(">II", head)
        if not _is_unsaid(size):
            yield _Chunk(b"data", start, size)


def _boxes(file: _Bytes) -> Iterator[_Chunk]:
    at = 0
    while (head := file.read(at, 8)) is not None:
        size, name = struct.unpack(">I4s", head)
        length = 8
        if size == 1 and (long := file.read(at + 8, 8)) is not None:
            size, length = struct.unpack(">Q", long)[0], 16
        if size < length:  # 0 is: to the end of the file
            return
        yield _Chunk(name, at + length, size - length)
        at += size


def _is_unsaid(size: int) -> bool:
    return size == 0 or size >= _UNSAID


def _is_mpeg_frame(start: bytes) -> bool:
    """Whether it starts with a frame header of MPEG audio (ISO/IEC 11172-3, 2.4.1.3), layer I to III."""
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - eleven bits of one
        return False
    version, layer, bitrate, rate = start[1] >> 3 & 3, start[1] >> 1 & 3, start[2] >> 4, start[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 0xF and rate != 3  # noqa: PLR2004 - reserved values
