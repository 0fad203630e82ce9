"""A flow as text that other tools draw: Mermaid and Graphviz's dot. No label can end its quotes."""

from __future__ import annotations

import re
from typing import Final

from pipeline.flow.drawing import Arrow, Box, Picture

_PLAIN: Final = re.compile(r"[\w .,:/%()·-]")


def mermaid(picture: Picture) -> str:
    """A flowchart from left to right. Edges that are not kept are dotted, thick ones are half of what follows."""
    lines = ["flowchart LR"]
    for number, box in enumerate(picture.boxes):
        text = "<br/>".join(_entities(line) for line in (box.label, *box.lines))
        opening, closing = ("([", "])") if box.is_mark else ("[", "]")
        lines.append(f'  n{number}{opening}"{text}"{closing}')
    lines += [
        f'  n{arrow.source} {_mermaid_line(arrow)}|"{_entities(arrow.words)}"| n{arrow.target}'
        for arrow in picture.arrows
    ]
    return "\n".join([*lines, ""])


def dot(picture: Picture) -> str:
    """A directed graph from left to right; edges that are not kept are dashed."""
    lines = [
        "digraph flow {",
        "  rankdir=LR;",
        f"  label={_quoted(picture.title)};",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    lines += [f"  n{number} [{_dot_box(box)}];" for number, box in enumerate(picture.boxes)]
    lines += [f"  n{arrow.source} -> n{arrow.target} [{_dot_arrow(arrow)}];" for arrow in picture.arrows]
    return "\n".join([*lines, "}", ""])


def _mermaid_line(arrow: Arrow) -> str:
    if not arrow.kept:
        return "-.->"
    return "==>" if arrow.share >= 0.5 else "-->"  # noqa: PLR2004 - a half


def _entities(text: str) -> str:
    """Mermaid's own way to write a character by its number; whatever could be syntax or HTML is written so."""
    return "".join(one if _PLAIN.fullmatch(one) else f"#{ord(one)};" for one in text)


def _dot_box(box: Box) -> str:
    text = "\\n".join(_escaped(line) for line in (box.label, *box.lines))
    shape = ", shape=ellipse" if box.is_mark else ""
    return f'label="{text}", tooltip={_quoted(box.about)}{shape}'


def _dot_arrow(arrow: Arrow) -> str:
    style = "" if arrow.kept else ", style=dashed"
    width = 1 + 4 * arrow.share
    return f"label={_quoted(arrow.words)}, tooltip={_quoted(arrow.about)}, penwidth={width:.1f}{style}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """For a string of dot, on one line; a backslash would begin an escape of dot's own, as that for a name."""
    return re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace('"', '\\"')
