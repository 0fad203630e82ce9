"""Exports to files: killed wherever, the same export goes on, and no row is there twice or missing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mined_calls import TENANT, flow_state, inbound, insight, transcript

from pipeline.blobs.names import segment_of
from pipeline.errors import ConvmineError
from pipeline.export import outputs
from pipeline.export.columns import Row
from pipeline.export.files import VCON, Narrowed, Source, export_files, row_pages, vcon_pages
from pipeline.export.parquet import arrow
from pipeline.export.progress import Progress, ProgressFile
from pipeline.export.rows import RowPage, export_rows
from pipeline.export.target import Form, Target
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.question import Question
from pipeline.store.filters import of_tenant
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore

CALLS = ("one", "two", "three/../x", "four", "five")
FORMS: tuple[Form, ...] = ("csv", "jsonl", "parquet", "vcon")


class Killed(BaseException):
    """As a kill, nothing catches it."""


class Fuse:
    """Kills at the n-th step."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class Watched:
    """``Answers`` that may be killed before and after each answer."""

    def __init__(self, answers: StoredAnswers, fuse: Fuse) -> None:
        self._answers = answers
        self._fuse = fuse

    async def answer(self, question: Question) -> Any:
        self._fuse.step()
        found = await self._answers.answer(question)
        self._fuse.step()
        return found


@pytest.fixture(scope="module")
def stored() -> InMemoryStore:
    store = InMemoryStore()
    asyncio.run(_mine(store))
    return store


async def _mine(store: InMemoryStore) -> None:
    stage = build(store=store)
    for call in CALLS:
        mined = insight(call)
        for event in (transcript(call), mined, flow_state(mined)):
            await stage(inbound(event))


async def export(target: Target, store: InMemoryStore, fuse: Fuse | None = None) -> None:
    """As the command does it, in pages of two rows."""
    fuse = fuse or Fuse(0)
    answers = Watched(StoredAnswers(store, Asker(TENANT)), fuse)
    target.prepare()
    tables = (VCON,) if target.form == "vcon" else ("calls", "utterances", "suggestions")
    with ProgressFile(target.standing) as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "save", _fused(file.save, fuse))
        progress = file.read() or Progress(asked="this", began=datetime.now(UTC))
        sources = [
            Source(
                table,
                vcon_pages(answers, Narrowed()) if table == VCON else row_pages(answers, table, Narrowed(), 2),  # type: ignore[arg-type]  # named above
                partial(target.opened, table),
            )
            for table in tables
        ]
        await export_files(progress, file, sources, lambda *_: fuse.step())
        file.remove()


def _fused(save: Callable[[Progress], None], fuse: Fuse) -> Callable[[Progress], None]:
    def fused(progress: Progress) -> None:
        fuse.step()
        save(progress)
        fuse.step()

    return fused


def content(target: Target) -> dict[str, object]:
    """Every file; Parquet as its rows, as parts may be cut elsewhere."""
    if target.form != "parquet":
        return {path.name: path.read_bytes() for path in target.out.iterdir()}
    rows: dict[str, Any] = {}
    for path in sorted(target.out.iterdir()):
        table = path.name.partition("-")[0]
        rows[table] = [*rows.get(table, []), *arrow().parquet.read_table(path).to_pylist()]
    return rows


@pytest.mark.parametrize("form", FORMS)
async def test_an_export_that_was_killed_at_any_step_goes_on_to_the_same_files(
    form: Form, stored: InMemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_PART_ROWS", 4)
    whole = Target(form, tmp_path / "whole")
    await export(whole, stored)
    expected, step = content(whole), 0
    while True:
        step += 1
        target = Target(form, tmp_path / f"killed-{step}")
        try:
            await export(target, stored, Fuse(step))
        except Killed:
            await export(target, stored)
            assert content(target) == expected
            assert not target.standing.exists()
        else:
            break
    assert step > 10


async def test_every_row_of_the_store_is_in_the_file(stored: InMemoryStore, tmp_path: Path) -> None:
    target = Target("jsonl", tmp_path / "out")
    await export(target, stored)
    lines = (tmp_path / "out" / "utterances.jsonl").read_text().splitlines()
    found = {(row["call_id"], row["segment_id"]) for row in map(json.loads, lines)}
    assert len(lines) == len(found) == len(CALLS) * 4


async def test_a_vcon_is_a_file_a_call_whatever_the_call_is_called(stored: InMemoryStore, tmp_path: Path) -> None:
    target = Target("vcon", tmp_path / "out")
    await export(target, stored)
    found = {path.name: json.loads(path.read_text())["subject"] for path in (tmp_path / "out").iterdir()}
    assert found == {f"{segment_of(call)}.vcon.json": call for call in CALLS}


async def test_two_exports_to_one_place_exclude_each_other(tmp_path: Path) -> None:
    with ProgressFile(tmp_path / "out.export"), pytest.raises(ConvmineError, match="another export"):
        ProgressFile(tmp_path / "out.export")


def test_what_was_saved_is_read_even_where_it_became_shorter(tmp_path: Path) -> None:
    began = datetime(2026, 3, 2, tzinfo=UTC)
    with ProgressFile(tmp_path / "out.export") as file:
        file.save(Progress(asked="a" * 500, began=began))
        file.save(Progress(asked="b", began=began))
        assert file.read() == Progress(asked="b", began=began)


def test_a_time_ago_counts_from_the_beginning_of_an_export() -> None:
    asked = Narrowed((parse_condition("started>=7d"), parse_condition("role=agent")))
    pinned = asked.pinned(datetime(2026, 3, 8, tzinfo=UTC))
    assert [str(one) for one in pinned.where] == ["started>=2026-03-01T00:00:00+00:00", "role=agent"]


async def test_rows_are_read_page_by_page_and_no_further_than_they_are_taken(stored: InMemoryStore) -> None:
    pages: AsyncIterator[RowPage] = export_rows(stored, of_tenant(TENANT), "utterances", page=3)
    first = await anext(pages)
    rest: list[Row] = [
        row
        async for page in export_rows(stored, of_tenant(TENANT), "utterances", after=first.next)
        for row in page.rows
    ]
    assert len(first.rows) == 3
    assert len({*map(str, first.rows), *map(str, rest)}) == len(CALLS) * 4
