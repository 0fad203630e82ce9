"""Text cut into passages along headings and paragraphs, and not through them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.ids import stable_id
from schemas.suggestion import Passage

LONGEST_PASSAGE: Final = 800
"""Characters; a longer paragraph stays whole, up to ``LONGEST_PARAGRAPH``."""
LONGEST_PARAGRAPH: Final = 6_000
"""Characters, some 100 rows of a table. A longer one is cut between its lines, or where it has none, its sentences: a
suggestion could not show it, and a page without a blank line is no paragraph."""
TITLE_SEPARATOR: Final = " › "  # noqa: RUF001 - the mark that people know from paths of pages
_HEADING: Final = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE: Final = re.compile(r"^\s{0,3}(```|~~~)")
_PIECES: Final = re.compile(r"[^\n]*\n|[^\n]+$")
_SENTENCES: Final = re.compile(r".+?(?:[.!?]\s+|[\u3002\uff01\uff1f]|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document; level 1 is the highest."""

    level: int
    text: str


Block = Heading | str
"""A heading, or the text of a paragraph, a list, a table or fenced code, which stays whole."""


def cut(text: str, *, source: str, title: str) -> list[Passage]:
    """Cut Markdown into passages; each has the path of headings above it as its title (``title`` above the first).

    Paragraphs, lists, tables and fenced code stay whole; those under one heading are joined up to
    ``LONGEST_PASSAGE``. The id of a passage comes from its source, title and text.
    """
    return cut_blocks(markdown_blocks(text), source=source, title=title)


def cut_blocks(blocks: Iterable[Block], *, source: str, title: str) -> list[Passage]:
    """The same, of a document in any format that was read into blocks."""
    passages: list[Passage] = []
    for path, paragraphs in _sections(blocks):
        heading = TITLE_SEPARATOR.join(path) or title
        for body in _joined(paragraphs):
            id_ = stable_id("passage", source, heading, body)
            passages.append(Passage(passage_id=id_, source=source, title=heading, text=body))
    return passages


def markdown_blocks(text: str) -> Iterator[Block]:
    """Headings and paragraphs; a fenced block is one, with the blank lines and hash marks in it."""
    lines: list[str] = []
    fence: str | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and fence in {None, mark[1]}:
            fence = mark[1] if fence is None else None
        heading = _HEADING.match(line) if fence is None and mark is None else None
        ends = fence is None and mark is None and (not line.strip() or heading is not None)
        if not ends:
            lines.append(line.rstrip())
            continue
        if lines:
            yield "\n".join(lines)
        lines = []
        if heading is not None:
            yield Heading(len(heading[1]), heading[2])
    if lines:
        yield "\n".join(lines)


def _sections(blocks: Iterable[Block]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Paragraphs by the path of headings above them."""
    path: dict[int, str] = {}
    paragraphs: list[str] = []
    for block in blocks:
        if isinstance(block, str):
            paragraphs.extend(_bounded(block))
            continue
        if paragraphs:
            yield tuple(path.values()), paragraphs
        path = {above: name for above, name in path.items() if above < block.level} | {block.level: block.text}
        paragraphs = []
    if paragraphs:
        yield tuple(path.values()), paragraphs


def _bounded(paragraph: str) -> Iterator[str]:
    """The paragraph; one that is too long in parts of whole lines, else whole sentences, else so many letters."""
    if len(paragraph) <= LONGEST_PARAGRAPH:
        yield paragraph
        return
    part = ""
    for piece in _fitting(paragraph):
        if part and len(part) + len(piece) > LONGEST_PARAGRAPH:
            yield part.rstrip()
            part = ""
        part += piece
    if part.strip():
        yield part.rstrip()


def _fitting(text: str) -> Iterator[str]:
    for line in _PIECES.findall(text):
        for sentence in [line] if len(line) <= LONGEST_PARAGRAPH else _SENTENCES.findall(line):
            for start in range(0, len(sentence), LONGEST_PARAGRAPH):
                yield sentence[start : start + LONGEST_PARAGRAPH]


def _joined(paragraphs: list[str]) -> Iterator[str]:
    body = ""
    for paragraph in paragraphs:
        if body and len(body) + len(paragraph) > LONGEST_PASSAGE:
            yield body
            body = ""
        body = f"{body}\n\n{paragraph}" if body else paragraph
    if body:
        yield body
