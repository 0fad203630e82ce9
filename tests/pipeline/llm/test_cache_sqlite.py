from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from cache_places import DAY_S, DAYS, Clock, answer
from structlog.testing import capture_logs

from pipeline.errors import Retryable
from pipeline.llm import cache_sqlite
from pipeline.llm.cache_sqlite import SqliteResponseCache
from pipeline.store import sqlite_file
from pipeline.store.sqlite_file import begin

# One worker of several: keeps 200 answers of its own under keys that the others have too, and says which were kept.
WORKER = """
import asyncio, json, sys
from pathlib import Path
from pipeline.llm.cache_sqlite import SqliteResponseCache
from pipeline.ports import KeptAnswer

async def main(path, name):
    cache = SqliteResponseCache(Path(path), days=30)
    sys.stdin.readline()
    kept = {}
    for n in range(200):
        kept[n] = (await cache.put(f"k{n}", KeptAnswer(f"{name} {n}", "m", "stop"), subject="t:c")).text
    print(json.dumps(kept))
    await cache.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cache(path: Path, clock: Clock) -> AsyncIterator[SqliteResponseCache]:
    made = SqliteResponseCache(path, days=DAYS, now=clock)
    yield made
    await made.close()


@pytest.fixture
async def other(path: Path, clock: Clock) -> AsyncIterator[SqliteResponseCache]:
    made = SqliteResponseCache(path, days=DAYS, now=clock)
    yield made
    await made.close()


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        return [key for (key,) in database.execute("SELECT key FROM answers ORDER BY key")]


def aside(path: Path) -> Path:
    return path.with_name("answers.sqlite.broken")


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def spoil(path: Path) -> None:
    """Overwrite all but the first of the header, as a bad disk may do."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (path.stat().st_size - 100))


def replace_with_a_new_file(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    begin(path, cache_sqlite._TABLE)  # noqa: SLF001 - as another process does it


def bytes_of_all(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def write_until_the_disk_is_full(path: Path) -> str:
    """What a worker says for whom no file may grow beyond 60 kB."""
    limit = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    )
    code = limit + WORKER.replace('f"{name} {n}"', 'f"{name} {n}" * 1_000')
    command = [sys.executable, "-c", code, str(path), "a"]
    return subprocess.run(command, input="go\n", capture_output=True, text=True, check=False).stderr


def test_processes_that_begin_the_file_together_agree_on_every_answer(path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    kept = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(kept[0]) == 200
    assert kept[0] == kept[1] == kept[2]


async def test_nobody_else_can_read_the_file_and_its_log(cache: SqliteResponseCache, path: Path) -> None:
    await cache.put("k", answer(), subject="t1:c1")
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    assert modes == {"answers.sqlite": "0o600", "answers.sqlite-wal": "0o600", "answers.sqlite-shm": "0o600"}


async def test_what_is_too_old_is_deleted_at_first_and_then_once_an_hour(
    cache: SqliteResponseCache, other: SqliteResponseCache, path: Path, clock: Clock
) -> None:
    await cache.put("k1", answer(), subject="t1:c1")
    clock.s += 1_800
    await cache.put("k2", answer(), subject="t1:c1")
    clock.s += DAYS * DAY_S - 1_800
    await cache.get("k1")
    assert rows(path) == ["k1", "k2"]
    clock.s += 1
    await other.get("k1")
    assert rows(path) == ["k2"]
    clock.s += 1_800
    await cache.get("k2")
    assert rows(path) == ["k2"]
    clock.s += 1_800
    await cache.get("k2")
    assert rows(path) == []


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 8_000])
async def test_a_file_that_is_broken_is_moved_aside_and_a_new_one_begun(
    cache: SqliteResponseCache, path: Path, content: bytes
) -> None:
    write(path, content)
    assert await cache.get("k") is None
    await cache.put("k", answer(), subject="t1:c1")
    assert await cache.get("k") == answer()
    assert aside(path).read_bytes() == content


async def test_a_file_that_breaks_while_workers_have_it_open_is_moved_aside_by_the_first_that_sees_it(
    cache: SqliteResponseCache, other: SqliteResponseCache, path: Path
) -> None:
    await cache.put("k1", answer("x" * 50_000), subject="t1:c1")
    await other.get("k1")
    spoil(path)
    with capture_logs() as logs:
        await cache.put("new", answer(), subject="t1:c1")
        await cache.put("newer", answer(), subject="t1:c1")
        assert [await other.get(key) for key in ("new", "newer", "k1")] == [answer(), answer(), None]
    assert [entry["moved"] for entry in logs] == [str(aside(path))]


async def test_a_file_that_another_worker_has_just_replaced_stays_where_it_is(path: Path, clock: Clock) -> None:
    def in_between() -> float:
        """Another worker comes when this one has looked at the file and not read it yet."""
        if armed:
            armed.clear()
            replace_with_a_new_file(path)
        return clock()

    armed: list[bool] = []
    cache = SqliteResponseCache(path, days=DAYS, now=in_between)
    await cache.put("k", answer("x" * 50_000), subject="t1:c1")
    spoil(path)
    armed.append(True)
    await cache.put("new", answer(), subject="t1:c1")
    assert not aside(path).exists()
    assert rows(path) == ["new"]
    await cache.close()


async def test_what_was_moved_aside_goes_with_the_first_erasure(cache: SqliteResponseCache, path: Path) -> None:
    write(path, b"nobody can tell whose words these are" * 100)
    await cache.get("k")
    assert aside(path).exists()
    await cache.remove("t1:c1")
    assert not aside(path).exists()


async def test_what_was_moved_aside_is_deleted_when_it_is_too_old(
    cache: SqliteResponseCache, path: Path, clock: Clock
) -> None:
    aside(path).touch()
    os.utime(aside(path), (clock.s, clock.s))
    await cache.get("k")
    assert aside(path).exists()
    clock.s += DAYS * DAY_S + 1
    await cache.get("k")
    assert not aside(path).exists()


async def test_a_file_that_is_deleted_while_it_is_open_is_begun_anew(
    cache: SqliteResponseCache, other: SqliteResponseCache, path: Path
) -> None:
    await cache.put("k1", answer(), subject="t1:c1")
    for file in path.parent.iterdir():
        file.unlink()
    assert await cache.get("k1") is None
    await cache.put("k2", answer(), subject="t1:c1")
    assert await other.get("k2") == answer()


@pytest.mark.parametrize(
    "written", ["", "{}", '{"text": "x"', '{"text": 1, "model": "m", "finish_reason": "stop"}', None]
)
async def test_what_is_no_answer_counts_as_none_and_is_replaced(
    cache: SqliteResponseCache, path: Path, written: str | None
) -> None:
    await cache.put("k", answer(), subject="t1:c1")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET answer = ?", (written if written is not None else b"\xff",))
    assert await cache.get("k") is None
    assert await cache.put("k", answer("again"), subject="t1:c1") == answer("again")
    assert await cache.get("k") == answer("again")


async def test_a_file_that_stays_locked_is_retryable_and_works_afterwards(
    cache: SqliteResponseCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_LOCKED_S", 0.05)
    await cache.put("k1", answer(), subject="t1:c1")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Retryable, match="locked") as caught:
        await cache.put("k2", answer(), subject="t1:c1")
    assert "CONVMINE_LLM_CACHE=off" in (caught.value.hint or "")
    assert await cache.get("k1") == answer()
    holder.execute("ROLLBACK")
    holder.close()
    await cache.put("k2", answer(), subject="t1:c1")
    assert await cache.get("k2") == answer()


async def test_the_words_of_a_call_that_was_removed_are_in_no_file(
    cache: SqliteResponseCache, other: SqliteResponseCache, path: Path
) -> None:
    await cache.put("k1", answer("what nobody may read any more " * 300), subject="t1:c1")
    await cache.put("k2", answer("what stays"), subject="t1:c2")
    await other.get("k1")
    await other.remove("t1:c1")
    everything = bytes_of_all(path.parent)
    assert b"nobody may read" not in everything
    assert b"what stays" in everything


async def test_an_erasure_that_leaves_words_in_the_log_is_not_called_done(
    cache: SqliteResponseCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_LOCKED_S", 0.05)
    await cache.put("k", answer("what nobody may read any more"), subject="t1:c1")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM answers").fetchall()
        with pytest.raises(Retryable, match="is still there"):
            await cache.remove("t1:c1")
    await cache.remove("t1:c1")
    assert b"nobody may read" not in bytes_of_all(path.parent)


async def test_a_full_disk_is_retryable_and_takes_nothing_away(
    cache: SqliteResponseCache, path: Path, clock: Clock
) -> None:
    clock.s = time.time()  # the other process's clock
    await cache.put("k1", answer(), subject="t1:c1")
    assert "Retryable: the answers in" in write_until_the_disk_is_full(path)
    assert await cache.get("k1") == answer()
