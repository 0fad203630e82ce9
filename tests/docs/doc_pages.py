"""The documentation as tests read it: pages, and the blocks of code on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
_FENCE: Final = re.compile(
    r"(?P<comment><!--[^>]*-->\n+)?^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a page; ``comment`` is the HTML comment right before it."""

    language: str
    code: str
    comment: str = ""


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of these languages, or all, in the order of the page."""
    found = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        indent = match["indent"]
        code = "".join(line.removeprefix(indent) for line in match["code"].splitlines(keepends=True))
        comment = (match["comment"] or "").strip().removeprefix("<!--").removesuffix("-->").strip()
        found.append(Block(match["language"], code, comment))
    return [block for block in found if not languages or block.language in languages]


def example(page: str, language: str) -> str:
    """The one example of a page of how-tos: its first block of this language."""
    return blocks(DOCS / "how-to" / page, language)[0].code
