"""An export to files: table after table, page after page, from where the last one was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from pipeline.export.columns import Row
from pipeline.export.outputs import Output
from pipeline.export.progress import Progress, ProgressFile, Standing
from pipeline.export.rows import RowPage
from pipeline.questions.answering import Answers
from pipeline.questions.condition import Condition, parse_since
from pipeline.questions.fields import Of, OutcomeSource, field_named
from pipeline.questions.question import ReadTranscript, Rows, ShowCall
from pipeline.store.known import Unknown
from pipeline.transcripts.formats import as_vcon

VCON: Final = "vcon"
_CALLS_OF_A_PAGE: Final = 100
_AT_ONCE: Final = 8
Pages = Callable[[str | None], AsyncIterator[RowPage]]
"""The pages of a table from a mark on."""
Follow = Callable[[str, int, RowPage], None]
"""Told of each page: the table, how many of its rows are written, and the page."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which rows are exported."""

    where: tuple[Condition, ...] = ()
    outcomes: OutcomeSource = "inferred"

    def pinned(self, began: datetime) -> Narrowed:
        """The same, with times ago counted from that moment, so that all pages of an export mean the same ones."""
        return Narrowed(tuple(_pinned(one, began) for one in self.where), self.outcomes)


@dataclass(frozen=True, slots=True)
class Source:
    """A table, where its pages come from, and what they become: an output that goes on from a place."""

    table: str
    pages: Pages
    open_output: Callable[[int], Output]


def row_pages(answers: Answers, of: Of, asked: Narrowed, page: int) -> Pages:
    """The rows of a table with a collection behind it, from whoever answers."""

    async def pages(after: str | None) -> AsyncIterator[RowPage]:
        while True:
            found = await answers.answer(
                Rows(of=of, where=asked.where, outcomes=asked.outcomes, limit=page, after=after)
            )
            assert isinstance(found, RowPage)
            yield found
            if (after := found.next) is None:
                return

    return pages


async def export_files(
    progress: Progress, file: ProgressFile, sources: Sequence[Source], follow: Follow
) -> Mapping[str, int]:
    """Write what is missing of each table; how many rows each has at the end.

    What was done is saved after each page, so the same export, killed wherever, goes on there: no row is written twice
    or left out.

    Raises:
        ConvmineError: what the store or the gateway raises; what was written stays, to go on from.
        OSError: the files cannot be written; likewise.
    """
    file.save(progress)
    for source in sources:
        progress = await _table(progress, file, source, follow)
    return {source.table: progress.at(source.table).rows for source in sources}


async def _table(progress: Progress, file: ProgressFile, source: Source, follow: Follow) -> Progress:
    standing = progress.at(source.table)
    with closing(source.open_output(standing.place)) as output:
        rows = standing.rows
        if not standing.ended:
            async for page in source.pages(standing.after):
                await asyncio.to_thread(output.write, page.rows)
                rows += len(page.rows)
                last = page.next is None
                if (place := await asyncio.to_thread(partial(output.kept, last=last))) is not None:
                    standing = Standing(after=page.next, rows=rows, place=place, ended=last)
                    progress = progress.with_table(source.table, standing)
                    file.save(progress)
                follow(source.table, rows, page)
        output.finish()
    return progress


def vcon_pages(answers: Answers, asked: Narrowed) -> Pages:
    """The calls that match, each as its id and the text of its vCon."""
    calls = row_pages(answers, "calls", asked, _CALLS_OF_A_PAGE)

    async def one(call_id: str) -> Row | None:
        try:
            words, mined = [await answers.answer(kind(call=call_id)) for kind in (ReadTranscript, ShowCall)]
            return call_id, as_vcon(words, mined)
        except Unknown:  # erased since the page was read
            return None

    async def pages(after: str | None) -> AsyncIterator[RowPage]:
        async for page in calls(after):
            ids = [str(row[0]) for row in page.rows]
            found: list[Row] = []
            for at in range(0, len(ids), _AT_ONCE):
                read = await asyncio.gather(*map(one, ids[at : at + _AT_ONCE]))
                found += [row for row in read if row is not None]
            yield RowPage(("call_id", VCON), tuple(found), page.next, page.emptied_by)

    return pages


def _pinned(condition: Condition, began: datetime) -> Condition:
    if field_named(condition.field).type != "time":
        return condition
    return condition.model_copy(
        update={"values": tuple(parse_since(value, began).isoformat() for value in condition.values)}
    )
