"""What every ledger promises, in every place; then what is told apart by the place."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cache_places import Clock
from ledger_places import DAYS, PLACES, TODAY, MakeLedger, ledgers, purpose, usage

from pipeline.errors import Config, Retryable
from pipeline.llm.distinct import distinct, sketch_of
from pipeline.llm.ledger_qdrant import QdrantLedger
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.llm.ledgers import NoLedger, open_ledger
from pipeline.llm.usage import UsageLedger
from pipeline.settings import BudgetSettings, Settings, StoreSettings
from pipeline.store import bare_collection, sqlite_file
from pipeline.store.connections import Folder, Server

# One worker of several: adds 100 answers, one after the other, for the same purpose as the others.
WORKER = """
import asyncio, sys
from datetime import date
from pathlib import Path
from pipeline.llm.distinct import sketch_of
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.llm.usage import Purpose, Usage

async def main(path, name):
    ledger = SqliteLedger(Path(path), days=40_000)
    purpose = Purpose(date(2026, 9, 21), "acme", "telecom", "extract", "m1", "p1")
    sys.stdin.readline()
    for n in range(100):
        call = sketch_of([f"{name}-{n // 10}"])
        await ledger.add({purpose: Usage(requests=1, input_tokens=7, output_tokens=3, usd=0.5, calls=call)})
    await ledger.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=PLACES)
async def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[MakeLedger]:
    async with ledgers(request.param, tmp_path, clock, request) as made:
        yield made


@pytest.fixture
def ledger(make: MakeLedger) -> UsageLedger:
    return make()


def test_today_is_the_day_of_the_clock(clock: Clock) -> None:
    assert datetime.fromtimestamp(clock.s, UTC).date() == TODAY


async def test_what_is_added_is_read_as_it_was(ledger: UsageLedger) -> None:
    used = {purpose(): usage(calls=sketch_of(["acme:c1"])), purpose(prompt_version=""): usage(2, unpriced=2, usd=0.0)}
    await ledger.add(used)
    assert await ledger.read("acme", TODAY) == used


async def test_further_answers_are_added_to_the_sums(ledger: UsageLedger) -> None:
    await ledger.add({purpose(): usage(calls=sketch_of(["acme:c1"]))})
    await ledger.add({purpose(): usage(2, calls=sketch_of(["acme:c1", "acme:c2"])), purpose(stage="suggest"): usage(5)})
    read = await ledger.read("acme", TODAY)
    assert read[purpose()] == usage(3, calls=sketch_of(["acme:c1", "acme:c2"]))
    assert read[purpose(stage="suggest")] == usage(5)


async def test_several_workers_lose_nothing_of_each_other(make: MakeLedger) -> None:
    workers = [make(), make(), make()]
    adds = [
        workers[n % 3].add({purpose(): usage(calls=sketch_of([f"c{n}"])), purpose(model="m2"): usage()})
        for n in range(15)
    ]
    await asyncio.gather(*adds)
    for worker in workers:
        read = await worker.read("acme", TODAY)
        assert read[purpose(model="m2")] == usage(15)
        assert (read[purpose()].requests, distinct(read[purpose()].calls)) == (15, 15)


async def test_other_tenants_and_earlier_days_are_left_out(ledger: UsageLedger) -> None:
    yesterday = TODAY - timedelta(days=1)
    await ledger.add({purpose(day=yesterday): usage(1), purpose(): usage(2), purpose(tenant_id="umbrella"): usage(4)})
    assert await ledger.read("acme", TODAY) == {purpose(): usage(2)}
    assert await ledger.read("acme", date.min) == {purpose(): usage(2), purpose(day=yesterday): usage(1)}
    assert await ledger.read("nobody", date.min) == {}


async def test_what_a_tenant_used_before_a_day_is_removed_and_nothing_else(ledger: UsageLedger) -> None:
    yesterday = purpose(day=TODAY - timedelta(days=1))
    theirs = purpose(day=yesterday.day, tenant_id="umbrella")
    await ledger.add({yesterday: usage(1), purpose(): usage(2), theirs: usage(4)})
    await ledger.remove("acme", TODAY)
    assert await ledger.read("acme", date.min) == {purpose(): usage(2)}
    assert await ledger.read("umbrella", date.min) == {theirs: usage(4)}


@pytest.mark.parametrize("place", ["sqlite", "local"])
async def test_what_is_too_old_is_deleted_once_an_hour(place: str, tmp_path: Path, clock: Clock) -> None:
    connection = Folder(tmp_path / "q")
    ledger: UsageLedger = SqliteLedger(tmp_path / "u.sqlite", days=DAYS, now=clock)
    if place == "local":
        ledger = QdrantLedger(connection, days=DAYS, now=clock)
    old, oldest_kept = (TODAY - timedelta(days=days) for days in (DAYS + 1, DAYS))
    await ledger.add({purpose(): usage()})
    await ledger.add({purpose(day=old): usage(), purpose(day=oldest_kept): usage()})
    assert {one.day for one in await ledger.read("acme", date.min)} == {old, oldest_kept, TODAY}
    clock.s += 3_600
    await ledger.add({purpose(): usage()})
    assert {one.day for one in await ledger.read("acme", date.min)} == {oldest_kept, TODAY}
    await ledger.close()
    await connection.close()


def test_processes_that_begin_the_file_together_add_up(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in ("a", "b", "c")]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=60)
    assert [worker.returncode for worker in workers] == [0, 0, 0]

    async def read() -> tuple[int, int, int, float, int]:
        ledger = SqliteLedger(path, days=40_000)
        (found,) = (await ledger.read("acme", TODAY)).values()
        await ledger.close()
        return found.requests, found.input_tokens, found.output_tokens, found.usd, distinct(found.calls)

    assert asyncio.run(read()) == (300, 2_100, 900, 150.0, 30)
    assert oct(path.stat().st_mode & 0o777) == "0o600"


async def test_a_file_that_is_none_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    path.write_bytes(b"no database at all" * 100)
    ledger = SqliteLedger(path, days=DAYS)
    with pytest.raises(Retryable, match="not a database") as caught:
        await ledger.add({purpose(): usage()})
    assert "CONVMINE_BUDGET_LEDGER_PATH" in (caught.value.hint or "")
    path.unlink()
    await ledger.add({purpose(): usage()})
    assert await ledger.read("acme", TODAY) == {purpose(): usage()}
    await ledger.close()


async def test_a_write_that_failed_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_LOCKED_S", 0.05)
    one, other = (SqliteLedger(tmp_path / "u.sqlite", days=DAYS) for _ in range(2))
    await one.add({purpose(): usage()})
    with closing(sqlite3.connect(tmp_path / "u.sqlite", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Retryable, match="locked"):
            await other.add({purpose(): usage()})
    await other.add({purpose(): usage()})
    assert await one.read("acme", TODAY) == {purpose(): usage(2)}
    await one.close()
    await other.close()


async def test_rows_of_more_than_a_page_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare_collection, "_PAGE", 3)
    ledger = QdrantLedger(Folder(tmp_path), days=DAYS)
    used = {purpose(scenario=f"s{n}"): usage(n) for n in range(1, 9)}
    await ledger.add(used)
    assert await ledger.read("acme", TODAY) == used
    await ledger.close()


async def test_a_server_that_is_away_is_retryable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ledger = QdrantLedger(Server(f"http://127.0.0.1:{port}", timeout_s=2), days=DAYS)
    with pytest.raises(Retryable):
        await ledger.read("acme", TODAY)
    await ledger.close()


def test_the_settings_name_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    on_a_server = Settings(budget=BudgetSettings(ledger="qdrant"), store=StoreSettings(url="http://localhost:1"))
    assert isinstance(open_ledger(Settings(budget=BudgetSettings(ledger_path=path))), SqliteLedger)
    assert isinstance(open_ledger(on_a_server), QdrantLedger)
    assert isinstance(open_ledger(Settings(budget=BudgetSettings(ledger="off"))), NoLedger)
    assert not path.exists()


def test_a_ledger_on_a_server_needs_one() -> None:
    with pytest.raises(Config, match="none is set") as caught:
        open_ledger(Settings(budget=BudgetSettings(ledger="qdrant")))
    assert caught.value.setting == "CONVMINE_BUDGET_LEDGER"
