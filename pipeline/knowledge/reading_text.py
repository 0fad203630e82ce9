"""Markdown and plain text."""

from __future__ import annotations

from typing import Final

from pipeline.errors import Poison
from pipeline.knowledge.cutting import Heading, markdown_blocks
from pipeline.knowledge.page import Page

_CONTROL_SHARE: Final = 0.01
"""Share of control characters above which something is no text."""


def decoded(data: bytes) -> str:
    """Text of UTF-8, of UTF-16 with its mark, or of GB 18030, as older Chinese files are; lines end as on Unix.

    Raises:
        Poison: it is none of them, or no text.
    """
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = sum(1 for letter in text if (letter < " " and letter not in "\t\n\r\f") or "\x7f" <= letter <= "\x9f")
        if odd > _CONTROL_SHARE * len(text):
            break
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    raise Poison("it is no text in UTF-8, UTF-16 or GB 18030")


def read_markdown(data: bytes) -> Page:
    """Markdown; its title is the first heading of the highest level that it has.

    Raises:
        Poison: it is no text.
    """
    blocks = tuple(markdown_blocks(decoded(data)))
    headings = [block for block in blocks if isinstance(block, Heading)]
    return Page(min(headings, key=lambda one: one.level).text if headings else "", blocks)


def read_plain(data: bytes) -> Page:
    """Plain text: paragraphs with blank lines between them, and no headings.

    Raises:
        Poison: it is no text.
    """
    paragraphs = ("\n".join(line.rstrip() for line in part.strip("\n").split("\n")) for part in _parts(decoded(data)))
    return Page("", tuple(part for part in paragraphs if part.strip()))


def _parts(text: str) -> list[str]:
    parts = [""]
    for line in text.split("\n"):
        if line.strip():
            parts[-1] += f"{line}\n"
        elif parts[-1]:
            parts.append("")
    return parts
