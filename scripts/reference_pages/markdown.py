"""Pieces of Markdown that all pages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MADE: Final = "<!-- made by scripts/reference from {source}; do not edit -->"
"""Stands below the title of each page."""


def listed(names: Sequence[str]) -> str:
    """Names as code, on one line."""
    return ", ".join(f"`{name}`" for name in names)


def prose(text: str) -> str:
    """A docstring on one line, its code marked as Markdown does."""
    return " ".join(text.split()).replace("``", "`")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar in a cell is written so that it ends none."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def page(parts: Sequence[str]) -> str:
    """The parts one below the other; empty ones are left out."""
    return "\n\n".join(filter(None, parts)) + "\n"
