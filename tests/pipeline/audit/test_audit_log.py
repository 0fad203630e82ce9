"""What every audit log promises, in every place; then what is told apart by the place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from audit_places import DAYS, NOON, PLACES, MakeLog, entry, logs

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog, Wanted
from pipeline.audit.log_qdrant import QdrantAuditLog
from pipeline.audit.log_sqlite import SqliteAuditLog
from pipeline.audit.logs import NoLog, open_log
from pipeline.errors import Config, Retryable
from pipeline.settings import AuditSettings, Settings
from pipeline.store.connections import Folder
from pipeline.store.marks import NoMark

ALL = Wanted("acme")


@pytest.fixture(params=PLACES)
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeLog]:
    async with logs(request.param, tmp_path, request) as made:
        yield made


@pytest.fixture
def log(make: MakeLog) -> AuditLog:
    return make()


async def test_what_one_process_records_another_reads_as_it_was_the_newest_first(make: MakeLog) -> None:
    log, other = make(), make()
    early, late = entry(at=NOON - timedelta(hours=1)), entry(result="refused", reason="Unknown", calls=())
    for one in (late, early):
        await log.record(one)
    page = await other.read(ALL)
    assert (page.items, page.next) == ((late, early), None)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (Wanted("umbrella"), {"tenant_id": "umbrella"}),
        (Wanted("acme", who="bob"), {"who": "bob"}),
        (Wanted("acme", call="call-2"), {"calls": ("call-9", "call-2")}),
        (Wanted("acme", customer="c-2"), {"customers": ("c-2",)}),
        (Wanted("acme", action="erase"), {"action": "erase"}),
        (Wanted("acme", since=NOON + timedelta(seconds=1)), {"at": NOON + timedelta(seconds=1)}),
        (Wanted("acme", who="bob", action="sql"), {"who": "bob", "action": "sql"}),
    ],
)
async def test_what_is_wanted_is_read_and_nothing_else(log: AuditLog, wanted: Wanted, other: dict[str, object]) -> None:
    await log.record(entry())
    await log.record(found := entry(**other))
    assert (await log.read(wanted)).items == (found,)


async def test_pages_have_each_entry_once_even_those_of_one_instant_and_while_others_come(log: AuditLog) -> None:
    times = [NOON, NOON, NOON, NOON - timedelta(seconds=5), NOON, NOON - timedelta(seconds=5), NOON]
    recorded = [entry(at=at) for at in times]
    for one in recorded:
        await log.record(one)
    seen: list[Entry] = []
    after = None
    for _ in times:
        page = await log.read(ALL, limit=2, after=after)
        seen += page.items
        if (after := page.next) is None:
            break
        await log.record(entry(at=NOON + timedelta(hours=1)))
    assert [one.at for one in seen] == sorted(times, reverse=True)
    assert {one.entry_id for one in seen} == {one.entry_id for one in recorded}


async def test_a_call_is_found_by_its_whole_id_whatever_stands_in_it(log: AuditLog) -> None:
    ids = ("call-1", "call-11", "all-1", 'c"all-1', "c\\", "電話-1", "a,b")
    for id_ in ids:
        await log.record(entry(calls=(id_,)))
    for id_ in ids:
        assert [one.calls for one in (await log.read(Wanted("acme", call=id_))).items] == [(id_,)]


@pytest.mark.parametrize("mark", ["there", "1", "[]", "[NaN]", "[1e999]", '["1"]'])
async def test_a_mark_that_is_none_is_refused(log: AuditLog, mark: str) -> None:
    with pytest.raises(NoMark, match="no mark"):
        await log.read(ALL, after=mark)


async def test_the_old_of_one_tenant_go_and_what_is_left_is_told(log: AuditLog) -> None:
    old, older = (entry(at=NOON - timedelta(days=days)) for days in (2, 3))
    theirs = entry(tenant_id="umbrella", at=older.at)
    for one in (old, older, theirs, kept := entry()):
        await log.record(one)
    limit = NOON - timedelta(days=1)
    told = await log.before("acme", limit)
    assert (told.count, told.oldest) == (2, older.at)
    assert await log.remove("acme", limit) == 2
    assert (await log.before("acme", limit)).count == await log.remove("acme", limit) == 0
    assert (await log.read(ALL)).items == (kept,)
    assert (await log.read(Wanted("acme", call="call-1"))).items == (kept,)
    assert (await log.read(Wanted("umbrella"))).items == (theirs,)
    assert await log.tenants() == ("acme", "umbrella")


@pytest.mark.parametrize("place", ["sqlite", "local"])
async def test_what_is_older_than_its_days_goes_by_itself(place: str, tmp_path: Path) -> None:
    times, connection = [NOON], Folder(tmp_path / "q")

    def now() -> float:
        return times[-1].timestamp()

    log: AuditLog = SqliteAuditLog(tmp_path / "a.sqlite", days=DAYS, now=now)
    if place == "local":
        log = QdrantAuditLog(connection, days=DAYS, now=now)
    await log.record(entry())
    times.append(NOON + timedelta(days=DAYS + 1))
    await log.record(new := entry(at=times[-1]))
    assert (await log.read(ALL)).items == (new,)
    await log.close()
    await connection.close()


async def test_a_file_that_cannot_be_written_is_said_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").mkdir()
    log = SqliteAuditLog(tmp_path / "a.sqlite", days=DAYS)
    with pytest.raises(Retryable, match="audit log") as raised:
        await log.record(entry())
    assert "CONVMINE_AUDIT_PATH" in (raised.value.hint or "")
    await log.close()


async def test_the_settings_name_the_place() -> None:
    assert isinstance(open_log(Settings(audit=AuditSettings(place="off"))), NoLog)
    with pytest.raises(Config, match="CONVMINE_AUDIT_PLACE"):
        open_log(Settings(audit=AuditSettings(place="qdrant")))
