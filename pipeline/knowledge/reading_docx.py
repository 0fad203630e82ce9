"""DOCX: headings by their styles, paragraphs, lists and tables."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import Poison
from pipeline.knowledge.cutting import Block, Heading
from pipeline.knowledge.page import MOST_CHARACTERS, Page, not_installed

if TYPE_CHECKING:
    from docx.document import Document

_MOST_UNPACKED: Final = 150_000_000
"""Bytes of all its parts together, as they are declared; no more than declared is ever unpacked."""
_MOST_PARTS: Final = 5_000
_HEADING: Final = re.compile(r"(?:heading|标题)\s*(\d)", re.IGNORECASE)


def read_docx(data: bytes) -> Page:
    """The text of a Word document in the order of its parts, without headers, footers and comments.

    Raises:
        Config: python-docx is not installed.
        Poison: it is no DOCX, a broken one, unpacks to too much, or has too much text.
    """
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ModuleNotFoundError as error:
        raise not_installed("python-docx", "DOCX") from error
    _check_size(data)
    try:
        document = docx.Document(io.BytesIO(data))
        blocks = tuple(_blocks(document))
        title = document.core_properties.title.strip()
    except Poison:
        raise
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
        raise Poison(f"it is no DOCX, or a broken one: {type(error).__name__}") from error
    first = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return Page(title or first, blocks)


def _check_size(data: bytes) -> None:
    """Before anything is unpacked."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Poison("it is no DOCX: its parts cannot be listed") from error
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MOST_UNPACKED or len(parts) > _MOST_PARTS:
        raise Poison(f"it would unpack to {unpacked:,} bytes in {len(parts):,} parts, which is too much")


def _blocks(document: Document) -> Iterator[Block]:
    from docx.table import Table

    items: list[str] = []
    characters = 0
    for part in document.iter_inner_content():
        block, is_item = (_table(part), False) if isinstance(part, Table) else _paragraph(part)
        characters += len(block if isinstance(block, str) else block.text)
        if characters > MOST_CHARACTERS:
            raise Poison(f"it has more than {MOST_CHARACTERS:,} characters of text")
        if is_item:
            items.append(str(block))
            continue
        if items:
            yield "\n".join(items)
            items = []
        if block:
            yield block
    if items:
        yield "\n".join(items)


def _paragraph(paragraph: Any) -> tuple[Block, bool]:  # noqa: ANN401 - python-docx's own, imported when used
    """A heading or a paragraph, and whether it is an item of a list."""
    text = paragraph.text.strip()
    style = str(paragraph.style.name or "") if paragraph.style is not None else ""
    if text and (level := _HEADING.search(style)):
        return Heading(min(6, max(1, int(level[1]))), " ".join(text.split())), False
    if text and style == "Title":
        return Heading(1, " ".join(text.split())), False
    is_item = bool(text) and ("List" in style or (paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None))  # noqa: SLF001 - it has no other way to ask
    return (f"- {text}" if is_item else text), is_item


def _table(table: Any) -> str:  # noqa: ANN401 - likewise
    rows = []
    for row in table.rows:
        cells = [" ".join(cell.text.split()).replace("|", "/") for cell in row.cells]
        if any(cells):
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
