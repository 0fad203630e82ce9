"""Whole rows of a flat table, page by page."""

from __future__ import annotations

from dataclasses import replace

from pipeline.export.rows import RowPage, read_page
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Rows


async def rows(asking: Asking, question: Rows) -> RowPage:
    """A page of rows, in the order of ids.

    Raises:
        NoField: a condition cannot be asked.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls for one export.
    """
    narrowings = await narrowed(asking, question.of, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    page = await read_page(asking.store, where, question.of, after=question.after, limit=question.limit)
    if page.rows or question.after is not None:
        return page
    return replace(page, emptied_by=await emptied_by(asking, question.of, narrowings))
