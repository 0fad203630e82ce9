"""PDF: the text of its pages. It knows no headings, so that a page is paragraphs under the title of the document."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipeline.errors import Poison
from pipeline.knowledge.cutting import Block, Heading
from pipeline.knowledge.page import MOST_CHARACTERS, Page, not_installed

if TYPE_CHECKING:
    from pypdf import PdfReader

_MOST_PAGES: Final = 2_000
_HYPHEN: Final = re.compile(r"(?<=[a-z])-\n(?=[a-z])")


def read_pdf(data: bytes) -> Page:
    """The text of each page under a heading with its number, so that a passage says where it stands.

    Raises:
        Config: pypdf is not installed.
        Poison: it is no PDF or a broken one, is encrypted, has too many pages, too much text, or none, as a scan has.
    """
    try:
        import pypdf
        from pypdf.errors import PyPdfError
    except ModuleNotFoundError as error:
        raise not_installed("pypdf", "PDF") from error
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it tells of every oddity of a file
    if not data.lstrip()[:5].startswith(b"%PDF"):
        raise Poison("it is no PDF")
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise Poison("it is encrypted: save it without a password first")
        if len(reader.pages) > _MOST_PAGES:
            raise Poison(f"it has {len(reader.pages):,} pages, and {_MOST_PAGES:,} are the most")
        title = str((reader.metadata and reader.metadata.title) or "").strip()
        blocks = (*([Heading(1, title)] if title else ()), *_blocks(reader))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise Poison(f"it is a broken PDF: {error}") from error
    if not any(isinstance(block, str) for block in blocks):
        raise Poison("there is no text in it: a scan has to go through text recognition first")
    return Page(title, blocks)


def _blocks(reader: PdfReader) -> Iterator[Block]:
    characters = 0
    for number, page in enumerate(reader.pages, 1):
        text = _HYPHEN.sub("", page.extract_text() or "")
        characters += len(text)
        if characters > MOST_CHARACTERS:
            raise Poison(f"it has more than {MOST_CHARACTERS:,} characters of text")
        paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
        if paragraphs:
            yield Heading(2, f"p. {number}")
            yield from ("\n".join(line.rstrip() for line in part.split("\n")) for part in paragraphs)
