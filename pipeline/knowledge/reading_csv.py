"""Tables of questions and answers, or of titles and texts: a row is a heading and what stands under it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from pipeline.errors import Poison
from pipeline.knowledge.cutting import Block, Heading
from pipeline.knowledge.page import Page
from pipeline.knowledge.reading_text import decoded

_MOST_ROWS: Final = 50_000
_ABOVE: Final = ("question", "title", "q", "heading", "topic", "name", "问题", "标题", "提问", "问")
_BELOW: Final = ("answer", "text", "a", "body", "content", "description", "reply", "答案", "回答", "内容", "正文", "答")
"""Names of columns, as far as they are known: the first one that is there counts."""


def read_csv(data: bytes) -> Page:
    """A CSV or TSV file with a header; which columns were taken is noted. Cells are text: no formula is worked out.

    Raises:
        Poison: it is no text, has no header with two columns, or too many rows.
    """
    text = decoded(data)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise Poison(f"it is no CSV: {error}") from error
    if len(rows) > _MOST_ROWS:
        raise Poison(f"it has {len(rows):,} rows, and {_MOST_ROWS:,} are the most")
    header = [cell.strip() for cell in rows[0]] if rows else []
    above, below, guessed = _columns(header)
    blocks: list[Block] = []
    for row in rows[1:]:
        cells = [*row, *[""] * (len(header) - len(row))]
        if body := cells[below].strip():
            heading = " ".join(cells[above].split())
            blocks += [Heading(1, heading), body] if heading else [body]
    note = f"columns: {header[above]!r} as heading, {header[below]!r} as text{' (guessed)' if guessed else ''}"
    return Page("", tuple(blocks), (note,))


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _columns(header: Sequence[str]) -> tuple[int, int, bool]:
    """Where the heading and the text stand, and whether that is a guess: the first two columns."""
    folded = [name.casefold() for name in header]
    above = next((folded.index(name) for name in _ABOVE if name in folded), None)
    below = next((folded.index(name) for name in _BELOW if name in folded), None)
    if above is not None and below is not None:
        return above, below, False
    if len(header) < 2:  # noqa: PLR2004 - a heading and a text
        raise Poison("it has no header with the columns question and answer, or title and text")
    rest = [place for place in range(len(header)) if place not in {above, below}]
    above = rest.pop(0) if above is None else above
    return above, rest[0] if below is None else below, True
