"""A conversation in chunks: cut at turn borders, each as long as there is room, with some turns of the one before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.extract.words import clause_ends
from schemas.transcript import Segment

# The turns before may take this part of a chunk at most, so that what all chunks take together stays linear.
_OVERLAP_PART: Final = 4
# A turn that fits into no chunk is cut into pieces of this part of one, so that chunks may overlap inside it, too.
_PIECE_PART: Final = 8
# Where a piece is looked for, in letters a token; longer ones are of spaces.
_LETTERS_A_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """A segment, or a piece of a long one, as a prompt shows it: ``segment.text[start:end]`` under this name."""

    name: str
    segment: Segment
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.segment.text[self.start : self.end]


Chunk = tuple[Turn, ...]
Cost = Callable[[str], int]
"""Tokens that a turn with this text takes in a prompt, its line included."""


def turns_of(segments: Iterable[Segment]) -> Chunk:
    """All of them whole, named in order: ``s1``, ``s2`` and so on."""
    return tuple(Turn(f"s{number}", one, 0, len(one.text)) for number, one in enumerate(segments, 1))


def chunked(turns: Sequence[Turn], cost: Cost, *, room: int, overlap: int) -> list[Chunk]:
    """Chunks in order that hold every turn, each within the room as far as single letters can be cut.

    Each but the first begins with as many as ``overlap`` turns of the one before, as long as they take no more than a
    quarter of the room. A turn that is longer than a chunk is cut where a clause ends, else between words, else
    between letters; pieces of one turn that stand in the same chunk are one turn there.

    Args:
        turns: in order.
        cost: what a turn takes.
        room: tokens that a chunk may take.
        overlap: turns (of a long one: pieces) that are shown again.
    """
    pieces = [piece for turn in turns for piece in _pieces(turn, cost, room)]
    costs = [cost(piece.text) for piece in pieces]
    chunks: list[Chunk] = []
    end = 0
    while end < len(pieces):
        first = _shown_again(costs, end, room, overlap) if chunks else 0
        used = sum(costs[first:end])
        new = end
        while end < len(pieces) and (end == new or used + costs[end] <= room):
            used, end = used + costs[end], end + 1
        chunks.append(tuple(_joined(pieces[first:end])))
    return chunks


def _shown_again(costs: Sequence[int], end: int, room: int, overlap: int) -> int:
    """The place of the first piece before ``end`` that the next chunk begins with."""
    free = min(room // _OVERLAP_PART, room - costs[end])
    first = end
    while first and end - first < overlap and costs[first - 1] <= free:
        first -= 1
        free -= costs[first]
    return first


def _pieces(turn: Turn, cost: Cost, room: int) -> Iterator[Turn]:
    if cost(turn.text) <= room:
        yield turn
        return
    start = turn.start
    while start < turn.end:
        end = _cut(turn, start, cost, room // _PIECE_PART)
        yield replace(turn, start=start, end=end)
        start = end


def _cut(turn: Turn, start: int, cost: Cost, room: int) -> int:
    """Where the piece that begins at ``start`` ends: as far as there is room, and then back to the last good place."""
    text = turn.segment.text
    limit = min(turn.end, start + _LETTERS_A_TOKEN * max(1, room))
    fitting = bisect_right(range(start + 1, limit + 1), room, key=lambda end: cost(text[start:end]))
    end = start + max(1, fitting)
    if end == turn.end:
        return end
    clauses = clause_ends(text[start:end])
    if clauses:
        return start + clauses[-1] + 1
    space = text.rfind(" ", start, end)
    return space + 1 if space >= start else end


def _joined(pieces: Iterable[Turn]) -> Iterator[Turn]:
    """Pieces of one turn that follow each other as one."""
    last: Turn | None = None
    for piece in pieces:
        if last is not None and (last.name, last.end) == (piece.name, piece.start):
            last = replace(last, end=piece.end)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last
