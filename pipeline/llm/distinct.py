"""How many different calls there were, in a few bytes that tell nobody which ones, and that can be put together.

HyperLogLog with linear counting for few (Flajolet, Fusy, Gandouet, Meunier 2007): 4,096 registers, so that the count is
within 1.6 % (one standard error), and within one of the truth for some dozens.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import blake2b
from math import log
from typing import Final

_BITS: Final = 12
_REGISTERS: Final = 1 << _BITS
_RANK_BITS: Final = 64 - _BITS
_ALPHA: Final = 0.7213 / (1 + 1.079 / _REGISTERS)
_FEW: Final = 2.5 * _REGISTERS


def sketch_of(names: Iterable[str]) -> bytes:
    """A sketch of these names, packed; of the same ones, in whatever order and number, it is the same."""
    registers = bytearray(_REGISTERS)
    for name in names:
        value = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
        place, rest = value >> _RANK_BITS, value & ((1 << _RANK_BITS) - 1)
        registers[place] = max(registers[place], _RANK_BITS - rest.bit_length() + 1)
    return zlib.compress(bytes(registers), 1)


def merged(*sketches: bytes) -> bytes:
    """The sketch of all that are in one of these; an empty one, or none, is of nobody."""
    told = {sketch for sketch in sketches if sketch}
    if len(told) <= 1:
        return next(iter(told), b"")
    return zlib.compress(bytes(map(max, *map(zlib.decompress, told))), 1)


def distinct(sketch: bytes) -> int:
    """How many different names are in it, about."""
    if not sketch:
        return 0
    registers = zlib.decompress(sketch)
    estimate = _ALPHA * _REGISTERS**2 / sum(2.0**-rank for rank in registers)
    if estimate <= _FEW and (empty := registers.count(0)):
        estimate = _REGISTERS * log(_REGISTERS / empty)
    return round(estimate)
