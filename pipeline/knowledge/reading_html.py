"""HTML: what a person sees of it. Scripts, styles and what is hidden are left out, and so is what frames the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import Poison
from pipeline.knowledge.cutting import Block, Heading
from pipeline.knowledge.page import MOST_CHARACTERS, Page, not_installed

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_UNSEEN: Final = (
    *(
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "canvas",
        "form",
        "button",
    ),
    *("select", "input", "textarea", "dialog", "head", "link", "meta", "audio", "video"),
)
_FRAME: Final = ("nav", "header", "footer", "aside")
_HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|!|$)|font-size\s*:\s*0[a-z%]*\s*(?:;|!|$)",
    re.IGNORECASE,
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LISTS: Final = frozenset({"ul", "ol", "dl"})
_BLOCKS: Final = frozenset(
    {
        *(
            "p",
            "div",
            "section",
            "article",
            "main",
            "blockquote",
            "figure",
            "figcaption",
            "address",
            "details",
            "summary",
        ),
        *("body", "html", "table", "pre", "hr", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead"),
        *_HEADINGS,
        *_LISTS,
    }
)
_DEEPEST: Final = 200
"""Elements within elements; a page of ours has 30, and one of 100,000 is made to break readers."""


def read_html(data: bytes) -> Page:
    """The text that a browser would show in the page's main part, with its headings, lists and tables.

    Raises:
        Config: beautifulsoup4 is not installed.
        Poison: it is too long, or nested too deeply.
    """
    try:
        from bs4 import BeautifulSoup
    except ModuleNotFoundError as error:
        raise not_installed("beautifulsoup4", "HTML") from error
    soup = BeautifulSoup(_decoded(data), "html.parser")
    _check_depth(soup)
    title = _line(soup.title) if soup.title else ""
    _take_out(soup)
    root = soup.find("main") or soup.find("article") or soup.body or soup
    blocks = tuple(_blocks(root))
    if sum(len(block) if isinstance(block, str) else len(block.text) for block in blocks) > MOST_CHARACTERS:
        raise Poison(f"it has more than {MOST_CHARACTERS:,} characters of text")
    first = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return Page(title or first, blocks)


def _decoded(data: bytes) -> str | bytes:
    """As UTF-8 where it is; else as the page says itself, or its letters look like."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data


def _check_depth(soup: BeautifulSoup) -> None:
    waiting: list[tuple[Any, int]] = [(soup, 0)]
    while waiting:
        element, depth = waiting.pop()
        if depth > _DEEPEST:
            raise Poison(f"its elements are nested more than {_DEEPEST} deep")
        waiting += [(child, depth + 1) for child in getattr(element, "children", ())]


def _take_out(soup: BeautifulSoup) -> None:
    from bs4 import Comment

    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    framed = [] if soup.find("main") or soup.find("article") else list(_FRAME)
    for tag in soup.find_all([*_UNSEEN, *framed]):
        if not tag.decomposed:
            tag.decompose()
    for tag in soup.find_all(_is_hidden):
        if not tag.decomposed:
            tag.decompose()


def _is_hidden(tag: Tag) -> bool:
    style, hidden = str(tag.get("style") or ""), str(tag.get("aria-hidden") or "")
    return tag.has_attr("hidden") or hidden.lower() == "true" or _HIDDEN.search(style) is not None


def _blocks(element: Tag) -> Iterator[Block]:
    """The blocks of an element; what stands in it beside blocks is a paragraph of its own."""
    loose: list[str] = []
    for child in element.children:
        name = getattr(child, "name", None)
        if name not in _BLOCKS and not _holds_blocks(child):
            loose.append("\n" if name == "br" else _text(child))
            continue
        yield from _paragraph(loose)
        loose = []
        yield from _block(child, name)
    yield from _paragraph(loose)


def _block(tag: Any, name: str | None) -> Iterator[Block]:  # noqa: ANN401 - a Tag; bs4's children are elements of all kinds
    if name in _HEADINGS:
        if line := _line(tag):
            yield Heading(_HEADINGS[name], line)
    elif name in _LISTS:
        yield from _joined(_items(tag))
    elif name == "table":
        yield from _joined(_rows(tag))
    elif name == "pre":
        yield from _joined(iter(tag.get_text().strip("\n").split("\n")))
    else:
        yield from _blocks(tag)


def _items(tag: Any, indent: str = "") -> Iterator[str]:  # noqa: ANN401 - likewise
    """A line an item, a list within it two letters further in."""
    numbered = tag.name == "ol"
    for number, item in enumerate(tag.find_all(["li", "dt", "dd"], recursive=False), 1):
        own = " ".join(
            " ".join(_text(child).split()) for child in item.children if getattr(child, "name", None) not in _LISTS
        ).strip()
        if own:
            yield f"{indent}{f'{number}.' if numbered else '-'} {own}"
        for inner in item.find_all(list(_LISTS), recursive=False):
            yield from _items(inner, indent + "  ")


def _rows(table: Any) -> Iterator[str]:  # noqa: ANN401 - likewise
    for row in table.find_all("tr"):
        if row.find_parent("table") is table:
            cells = [_line(cell).replace("|", "/") for cell in row.find_all(["td", "th"], recursive=False)]
            if any(cells):
                yield f"| {' | '.join(cells)} |"


def _paragraph(loose: list[str]) -> Iterator[str]:
    lines = (" ".join(line.split()) for line in "".join(loose).split("\n"))
    return _joined(line for line in lines if line)


def _joined(lines: Iterator[str]) -> Iterator[str]:
    if text := "\n".join(line for line in lines if line.strip()):
        yield text


def _holds_blocks(child: Any) -> bool:  # noqa: ANN401 - likewise
    return getattr(child, "name", None) is not None and child.find(list(_BLOCKS)) is not None


def _text(child: Any) -> str:  # noqa: ANN401 - likewise
    """Its text with the line breaks of the source as spaces."""
    text = child.get_text(" ") if getattr(child, "name", None) else str(child)
    return re.sub(r"\s+", " ", text)


def _line(tag: Any) -> str:  # noqa: ANN401 - likewise
    return " ".join(tag.get_text(" ").split())
