"""Pages of the knowledge base cut into passages along headings and paragraphs, and kept in the vector store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore, Where
from pipeline.scenarios.model import Scenario
from pipeline.store.collections import KNOWLEDGE
from schemas.suggestion import Passage

LONGEST_PASSAGE: Final = 800
"""Characters; a longer paragraph stays whole."""
TITLE_SEPARATOR: Final = " › "  # noqa: RUF001 - the mark that people know from paths of pages
ORIGIN: Final = "scenario"
_HEADING: Final = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE: Final = re.compile(r"^\s{0,3}(```|~~~)")


def cut(text: str, *, source: str, title: str) -> list[Passage]:
    """Cut Markdown into passages; each has the path of headings above it as its title (``title`` above the first).

    Paragraphs, lists, tables and fenced code stay whole; those under one heading are joined up to
    ``LONGEST_PASSAGE``. The id of a passage comes from its source, title and text.
    """
    passages: list[Passage] = []
    for path, paragraphs in _sections(text):
        heading = TITLE_SEPARATOR.join(path) or title
        for body in _joined(paragraphs):
            id_ = stable_id("passage", source, heading, body)
            passages.append(Passage(passage_id=id_, source=source, title=heading, text=body))
    return passages


async def load_knowledge(store: VectorStore, scenario: Scenario, tenant_id: str) -> int:
    """Bring the passages that ship with a scenario into the store, and take out those that it no longer has.

    Doing it again writes nothing. Passages that came another way (their ``origin`` says so) are left alone.

    Returns:
        how many passages the scenario has.

    Raises:
        Retryable: the store is away.
    """
    points = list(_points(scenario, tenant_id))
    ids = [point.id for point in points]
    there = {hit.id for hit in await store.get(KNOWLEDGE, ids)}
    if missing := [point for point in points if point.id not in there]:
        await store.put(KNOWLEDGE, missing)
    await store.remove(KNOWLEDGE, _brought_by(scenario.id, tenant_id), keep=ids)
    return len(points)


async def drop_knowledge(store: VectorStore, scenario_id: str, tenant_id: str) -> None:
    """Take out the passages that came with a scenario that is there no more.

    Raises:
        Retryable: the store is away.
    """
    await store.remove(KNOWLEDGE, _brought_by(scenario_id, tenant_id))


def _brought_by(scenario_id: str, tenant_id: str) -> Where:
    return Where(equal={"tenant_id": tenant_id, "scenario": scenario_id, "origin": ORIGIN})


def _points(scenario: Scenario, tenant_id: str) -> Iterator[Point]:
    for language, edition in scenario.editions.items():
        for document in edition.knowledge:
            source = f"{scenario.id}/{language}/{document.name}.md"
            for passage in cut(document.text, source=source, title=document.title):
                yield Point(
                    id=stable_id("passage-point", tenant_id, passage.passage_id),
                    text=f"{passage.title}\n{passage.text}",
                    payload={
                        **passage.model_dump(),
                        "tenant_id": tenant_id,
                        "scenario": scenario.id,
                        "language": language,
                        "origin": ORIGIN,
                    },
                )


def _sections(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Paragraphs by the path of headings above them."""
    path: dict[int, str] = {}
    paragraphs: list[str] = []
    for block in _blocks(text):
        if (heading := _HEADING.match(block)) is None:
            paragraphs.append(block)
            continue
        if paragraphs:
            yield tuple(path.values()), paragraphs
        level = len(heading[1])
        path = {above: name for above, name in path.items() if above < level} | {level: heading[2]}
        paragraphs = []
    if paragraphs:
        yield tuple(path.values()), paragraphs


def _blocks(text: str) -> Iterator[str]:
    """Headings and paragraphs; a fenced block is one, with the blank lines and hash marks in it."""
    lines: list[str] = []
    fence: str | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and fence in {None, mark[1]}:
            fence = mark[1] if fence is None else None
        ends = fence is None and mark is None and (not line.strip() or _HEADING.match(line) is not None)
        if not ends:
            lines.append(line.rstrip())
            continue
        if lines:
            yield "\n".join(lines)
        lines = []
        if line.strip():
            yield line
    if lines:
        yield "\n".join(lines)


def _joined(paragraphs: list[str]) -> Iterator[str]:
    body = ""
    for paragraph in paragraphs:
        if body and len(body) + len(paragraph) > LONGEST_PASSAGE:
            yield body
            body = ""
        body = f"{body}\n\n{paragraph}" if body else paragraph
    if body:
        yield body
