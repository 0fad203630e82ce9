"""Sums by what they are of, as arrays: some labels in a row are one number, and thousands are added in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

BITS: Final = 15
"""Of a label's number: four labels in a row fit into 64 bits."""
MOST_LABELS: Final = 2**BITS
LAST: Final = MOST_LABELS - 1
"""The bits of a code in which the last of its labels stands."""

Codes = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float64]


class Table:
    """Sums by code, in the order of codes; each row has as many sums as ``width``, whole ones exact up to 2 ** 53.

    A code is the numbers of some labels in a row, the last one in the lowest bits.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.codes: Codes = np.zeros(0, np.int64)
        self.sums: Sums = np.zeros((0, width))

    def add(self, codes: Codes, sums: Sums) -> None:
        """Add to the sums; a code may come again and again."""
        known, places = np.unique(np.concatenate((self.codes, codes)), return_inverse=True)
        added = np.concatenate((self.sums, sums))
        self.sums = np.stack([np.bincount(places, added[:, at], len(known)) for at in range(self.width)], axis=1)
        self.codes = known

    def scale(self, factor: float, digits: int) -> None:
        """Bring sums to another unit, rounded to so many places; a row whose first sum has none left is gone."""
        self.sums = np.round(self.sums * factor, digits)
        self.keep(self.sums[:, 0] > 0)

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Let go of all other rows."""
        self.codes, self.sums = self.codes[which], self.sums[which]

    def renumber(self, numbers: Codes, length: int) -> None:
        """Give the labels other numbers, in codes of so many labels."""
        codes = np.zeros_like(self.codes)
        for at in reversed(range(length)):
            codes = codes << BITS | numbers[self.codes >> at * BITS & LAST]
        order = np.argsort(codes)
        self.codes, self.sums = codes[order], self.sums[order]

    def rows(self) -> Iterator[tuple[int, slice]]:
        """Each code without its last label, once, and where those that begin with it stand."""
        contexts, starts = np.unique(self.codes >> BITS, return_index=True)
        ends = [*starts[1:].tolist(), len(self.codes)]
        yield from zip(contexts.tolist(), map(slice, starts.tolist(), ends), strict=True)


def code_of(numbers: Sequence[int]) -> int:
    """The code of some labels, oldest first."""
    code = 0
    for number in numbers:
        code = code << BITS | number
    return code


def numbers_of(code: int, length: int) -> tuple[int, ...]:
    """The labels of a code of so many."""
    return tuple(code >> at * BITS & LAST for at in reversed(range(length)))


def lighten(tables: Sequence[Table], most: int, left: float) -> None:
    """Where tables have more than ``most`` rows together, leave that part of them which has the largest first sums.

    Of equal ones those that come first.
    """
    sums = np.concatenate([table.sums[:, 0] for table in tables])
    if len(sums) <= most:
        return
    kept = np.zeros(len(sums), np.bool_)
    kept[np.argsort(-sums, kind="stable")[: int(most * left)]] = True
    ends = np.cumsum([len(table.codes) for table in tables])
    for table, which in zip(tables, np.split(kept, ends[:-1]), strict=True):
        table.keep(which)
