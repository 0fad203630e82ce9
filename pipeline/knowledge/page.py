"""A document as it was read, whatever its format: its title, and its headings and paragraphs in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.errors import Config
from pipeline.knowledge.cutting import Block

MOST_BYTES: Final = 25_000_000
"""Of a file or a web page; a handbook with pictures has some 10 MB."""
MOST_CHARACTERS: Final = 5_000_000
"""Of the text of one document: some 2,000 pages."""
EXTRA: Final = "pip install 'convmine[knowledge]'"


@dataclass(frozen=True, slots=True)
class Page:
    """Headings and paragraphs; ``title`` is what the document calls itself, empty where it does not say.

    ``notes`` are what a person should know of how it was read.
    """

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()


def not_installed(package: str, what: str) -> Config:
    """What to say where the package that reads a format is missing."""
    return Config("convmine[knowledge]", f"reading {what} needs {package}, which is not installed", hint=EXTRA)
