"""The Parquet files of a tenant follow the store: what changes, what comes late, what goes, and kills in between."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mined_calls import (
    TENANT,
    TURNS,
    WORRIED,
    feedback,
    flow_state,
    inbound,
    insight,
    outcome,
    suggestion,
    transcript,
)

from pipeline.errors import Retryable
from pipeline.export import incremental
from pipeline.export.batches import rewritten
from pipeline.export.exclusive import exclusive
from pipeline.export.incremental import Analytics
from pipeline.export.manifest import HELD, Manifest, TenantFolder
from pipeline.export.parquet import arrow
from pipeline.export.rewriting import forget
from pipeline.export.tables import STORED
from pipeline.handling import Handler
from pipeline.ports import Where
from pipeline.settings import AnalyticsSettings
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.points import of_call
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from pipeline.testing import InMemoryLedger
from schemas.suggestion import FeedbackKind
from schemas.wire import CallEvent

Tables = dict[str, list[dict[str, Any]]]


@dataclass
class Desk:
    """A store, the stage that writes it, and the files that follow it."""

    store: QdrantStore
    stage: Handler
    analytics: Analytics
    path: Path

    async def mine(self, *events: CallEvent, tenant: str = TENANT) -> None:
        for event in events:
            await self.stage(inbound(event, tenant=tenant))

    async def call(self, call_id: str, *, tenant: str = TENANT) -> None:
        mined = insight(call_id)
        await self.mine(transcript(call_id), mined, flow_state(mined), suggestion(call_id), tenant=tenant)

    def looking_at_nothing_by_time(self) -> Analytics:
        """Exports whose mark lies far ahead, so that no stamp of the store tells them of a change."""
        settings = AnalyticsSettings(path=self.path, overlap_s=0)
        return Analytics(self.store, InMemoryLedger(), settings, now=lambda: 4_000_000_000)

    def folder(self, tenant: str = TENANT) -> TenantFolder:
        return TenantFolder(self.path, tenant)

    def tables(self, tenant: str = TENANT) -> Tables:
        """The rows that count, by brute force: of each call those of the newest batch that holds it."""
        folder = self.folder(tenant)
        manifest = folder.read()
        assert manifest is not None
        newest = {call: batch for batch in manifest.batches for call in _rows(folder.file(batch, HELD), "call_id")}
        return {
            table.name: [
                row
                for batch in manifest.batches
                for row in arrow().parquet.read_table(folder.file(batch, table.name)).to_pylist()
                if newest[row["call_id"]] == batch
            ]
            for table in STORED
        }


def _rows(path: Path, column: str) -> list[Any]:
    return list(arrow().parquet.read_table(path).column(column).to_pylist())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = QdrantStore(Folder(tmp_path / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    settings = AnalyticsSettings(path=tmp_path / "analytics")
    yield Desk(store, build(store=store), Analytics(store, InMemoryLedger(), settings), settings.path)
    await store.close()


def calls_in(tables: Tables, table: str) -> list[str]:
    return sorted(row["call_id"] for row in tables[table])


async def test_what_changes_late_is_there_once_and_as_it_is_now(desk: Desk) -> None:
    await desk.call("one")
    await desk.call("two")
    await desk.analytics.refresh(TENANT)
    second = insight("one", (WORRIED,), revision=2)
    await desk.mine(
        transcript("one", TURNS[:2], revision=2),
        second,
        flow_state(second),
        suggestion("one", revision=2),
        outcome("two"),
        feedback("two", FeedbackKind.ACCEPTED),
    )
    await desk.analytics.refresh(TENANT)
    tables = desk.tables()
    assert calls_in(tables, "calls") == ["one", "two"]
    assert calls_in(tables, "utterances") == ["one"] * 2 + ["two"] * 4
    assert calls_in(tables, "intents") == ["one"] + ["two"] * 2
    assert calls_in(tables, "suggestions") == ["one", "two"]
    by_call = {row["call_id"]: row for row in tables["calls"]}
    assert by_call["one"]["revision"] == 2
    assert (by_call["two"]["outcome_inferred_result"], by_call["two"]["outcome_observed_result"]) == ("lost", "won")
    assert {row["call_id"]: row["feedback"] for row in tables["suggestions"]} == {"one": None, "two": "accepted"}


async def test_only_calls_that_were_written_since_are_written_again(desk: Desk) -> None:
    ahead = desk.looking_at_nothing_by_time()
    await desk.call("one")
    assert (await ahead.refresh(TENANT)).calls == 1
    await desk.call("two")  # found by its number of rows alone: the mark lies far ahead
    assert (await ahead.refresh(TENANT)).calls == 1
    assert (await ahead.refresh(TENANT)).calls == 0
    assert calls_in(desk.tables(), "calls") == ["one", "two"]


async def test_an_erased_call_is_gone_from_every_file(desk: Desk) -> None:
    for call in ("one", "two"):
        await desk.call(call)
    await desk.analytics.refresh(TENANT)
    for table in STORED:
        await desk.store.remove(table.name, of_call(TENANT, "one"))
    done = await desk.analytics.refresh(TENANT)
    assert done.gone == 1
    assert b"one" not in held_anywhere(desk)
    assert calls_in(desk.tables(), "utterances") == ["two"] * 4


async def test_utterances_that_were_taken_away_leave_no_rows(desk: Desk) -> None:
    ahead = desk.looking_at_nothing_by_time()
    await desk.call("one")
    await ahead.refresh(TENANT)
    await desk.store.remove("utterances", Where(equal={"tenant_id": TENANT, "segment_id": "s0"}))
    await ahead.refresh(TENANT)
    assert sorted(row["segment_id"] for row in desk.tables()["utterances"]) == ["s1", "s2", "s3"]


async def test_forgetting_writes_the_files_anew_without_the_call(desk: Desk) -> None:
    for call in ("one", "two"):
        await desk.call(call)
        await desk.analytics.refresh(TENANT)
    done = await forget(desk.path, TENANT, ["one", "nobody"])
    assert done.calls == 1
    assert b"one" not in held_anywhere(desk)
    assert calls_in(desk.tables(), "calls") == ["two"]
    assert (await forget(desk.path, "other", ["one"])).calls == 0


async def test_tenants_lie_in_folders_of_their_own_whatever_they_are_called(desk: Desk) -> None:
    for tenant in (TENANT, ".."):
        await desk.call("one", tenant=tenant)
        await desk.analytics.refresh(tenant)
    assert desk.folder("..").path.parent == desk.path
    assert len(desk.tables("..")["calls"]) == len(desk.tables()["calls"]) == 1
    assert desk.folder().path.stat().st_mode & 0o077 == 0


async def test_an_export_that_was_killed_leaves_what_was_there_and_the_next_one_does_it_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.call("one")
    await desk.analytics.refresh(TENANT)
    before = desk.tables()
    await desk.call("two")

    def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(incremental, "_write_costs", killed)
        with pytest.raises(asyncio.CancelledError):
            await desk.analytics.refresh(TENANT)
    assert desk.tables() == before
    await desk.analytics.refresh(TENANT)
    assert calls_in(desk.tables(), "calls") == ["one", "two"]
    manifest = desk.folder().read()
    assert manifest is not None
    named = {"manifest.json", "lock", manifest.costs, *(batch.folder for batch in manifest.batches)}
    assert {entry.name for entry in desk.folder().path.iterdir()} == named


async def test_many_small_exports_become_few_batches_with_the_same_rows(desk: Desk) -> None:
    for number in range(18):
        await desk.call(f"call-{number % 3}")
        await desk.analytics.refresh(TENANT)
    manifest = desk.folder().read()
    assert manifest is not None
    assert len(manifest.batches) <= 16
    assert calls_in(desk.tables(), "calls") == sorted(f"call-{number}" for number in range(3))
    assert len(desk.tables()["utterances"]) == 3 * len(TURNS)


async def test_files_with_other_columns_are_made_anew(desk: Desk) -> None:
    await desk.call("one")
    await desk.analytics.refresh(TENANT)
    folder = desk.folder()
    manifest = folder.read()
    assert manifest is not None
    folder.commit(Manifest(**{**manifest.model_dump(), "shape": "older"}))
    assert folder.read() is None
    await desk.analytics.refresh(TENANT)
    assert calls_in(desk.tables(), "calls") == ["one"]


async def test_two_exports_exclude_each_other_and_one_that_has_died_does_not(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holding = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom pipeline.export.exclusive import exclusive\n"
        "async def hold():\n    async with exclusive(Path(sys.argv[1]), wait_s=0):\n"
        "        print('held', flush=True)\n        await asyncio.sleep(60)\nasyncio.run(hold())"
    )
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", holding, str(lock), stdout=pipe)
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    with pytest.raises(Retryable, match=str(other.pid)):
        async with exclusive(lock, wait_s=0):
            pass
    other.kill()
    await other.wait()
    async with exclusive(lock, wait_s=5):
        assert lock.read_text() == f"{os.getpid()}\n"


async def test_a_batch_written_anew_keeps_its_rows(desk: Desk) -> None:
    await desk.call("one")
    await desk.analytics.refresh(TENANT)
    manifest = desk.folder().read()
    assert manifest is not None
    again = rewritten(desk.folder(), manifest.batches, lambda *_: True)
    assert again.rows == manifest.batches[0].rows
    for table in STORED:
        first, second = (desk.folder().file(batch, table.name) for batch in (manifest.batches[0], again))
        assert arrow().parquet.read_table(first).equals(arrow().parquet.read_table(second))


def held_anywhere(desk: Desk) -> bytes:
    """All ids of calls that stand in any file of the folder, named by the manifest or not."""
    found: Sequence[str] = [call for path in desk.folder().path.glob("*/*.parquet") for call in _rows(path, "call_id")]
    return "\n".join(found).encode()
