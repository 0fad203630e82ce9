"""From the bytes of a document to its headings and paragraphs, by its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from pipeline.errors import Poison
from pipeline.knowledge.page import MOST_BYTES, Page
from pipeline.knowledge.reading_csv import read_csv
from pipeline.knowledge.reading_docx import read_docx
from pipeline.knowledge.reading_html import read_html
from pipeline.knowledge.reading_pdf import read_pdf
from pipeline.knowledge.reading_text import read_markdown, read_plain

READERS: Final[Mapping[str, Callable[[bytes], Page]]] = MappingProxyType(
    {
        **dict.fromkeys((".md", ".markdown"), read_markdown),
        ".txt": read_plain,
        **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
        ".pdf": read_pdf,
        ".docx": read_docx,
        **dict.fromkeys((".csv", ".tsv"), read_csv),
    }
)
"""Readers by the ending of a name."""
APART: Final = frozenset({".html", ".htm", ".xhtml", ".pdf", ".docx"})
"""Formats whose readers are large programs, which a file can keep busy or fill the memory of."""
_STARTS: Final = ((b"%PDF", ".pdf"), (b"PK\x03\x04", ".docx"))
_HTML_STARTS: Final = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body", b"<!--")


def ending_of(name: str, data: bytes) -> str:
    """Whose reader reads it: by the ending of its name, else (as of a web page) by how it starts."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in READERS:
        return ending
    start = data[:1_000].lstrip().lower()
    found = next((ending for mark, ending in _STARTS if data.startswith(mark)), None)
    return found or (".html" if start.startswith(_HTML_STARTS) else ".txt")


def read(ending: str, data: bytes) -> Page:
    """The document.

    Raises:
        Config: the package that reads this format is not installed.
        Poison: it cannot be read, is empty, or is too large.
    """
    if len(data) > MOST_BYTES:
        raise Poison(f"it has {len(data):,} bytes, and {MOST_BYTES:,} are the most")
    page = READERS[ending](data)
    if not any(isinstance(block, str) and block.strip() for block in page.blocks):
        raise Poison("there is no text in it")
    return page
