"""The part of a passage that answers, short enough to be read while somebody waits."""

from __future__ import annotations

import re
from typing import Final

from pipeline.extract.words import is_han
from pipeline.suggest.already_said import words_of

_MARK: Final = "…"
_ENDS: Final = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*|\n+")
# Lines of a list, a table, a heading or a quotation stay lines.
_WRAP: Final = re.compile(r"(?<=[^\n|])\n(?=[^\n\s*+|#>\d-])")


def excerpt(text: str, question: str, most: int) -> str:
    """The whole text, or those whole sentences in a row that hold most of the question's words; the first of equals.

    Args:
        text: of the passage; lines that are wrapped within a paragraph are joined.
        question: as it was asked.
        most: characters.
    """
    text = _WRAP.sub(lambda gap: "" if is_han(text[gap.start() - 1]) else " ", text.strip())
    if len(text) <= most:
        return text
    wanted, spans = words_of(question), _sentences(text)
    windows = [_window(spans, place, most - 2 * len(_MARK) - 2) for place in range(len(spans))]
    start, end = max(windows, key=lambda span: (len(wanted & words_of(text[slice(*span)])), -span[0]))
    before = f"{_MARK} " if start else ""
    if end - start > most - 2 * len(_MARK) - 2:
        return f"{before}{text[start : start + most - len(before) - 1].rstrip()}{_MARK}"
    return f"{before}{text[start:end].rstrip()}{f' {_MARK}' if end < len(text) else ''}"


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where each begins and ends."""
    found, start = [], 0
    for gap in _ENDS.finditer(text):
        if gap.start() > start:
            found.append((start, gap.start()))
        start = gap.end()
    return [*found, (start, len(text))] if start < len(text) else found


def _window(spans: list[tuple[int, int]], place: int, most: int) -> tuple[int, int]:
    """From this sentence on as many as fit; at least itself."""
    start, end = spans[place]
    for _, further in spans[place:]:
        if further - start > most:
            break
        end = further
    return start, end
