"""What every place of the workbench promises; then what is told apart by the place."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from workbench_places import NOON, PLACES, MakeWorkbench, backtest, label, workbenches

from pipeline.errors import Config, Retryable
from pipeline.settings import Settings, StoreSettings, WorkbenchSettings
from pipeline.store import bare_collection
from pipeline.store.connections import Folder, Server
from pipeline.workbench.place import Workbench
from pipeline.workbench.place_qdrant import QdrantWorkbench
from pipeline.workbench.place_sqlite import SqliteWorkbench
from pipeline.workbench.places import open_workbench

SECOND = timedelta(seconds=1)


def read_all(folder: Path) -> tuple[bytes, set[int]]:
    """All that stands in the files of a folder, and their modes."""
    files = list(folder.iterdir())
    return b"".join(file.read_bytes() for file in files), {file.stat().st_mode & 0o777 for file in files}


@pytest.fixture(params=PLACES)
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeWorkbench]:
    async with workbenches(request.param, tmp_path, request) as made:
        yield made


@pytest.fixture
def workbench(make: MakeWorkbench) -> Workbench:
    return make()


async def test_labels_are_read_as_they_were_in_order_of_time(workbench: Workbench) -> None:
    early, late = label(at=NOON - SECOND, verdict="wrong"), label(value="été 夏", segment_id=None)
    assert await workbench.labels("acme") == ()
    assert await workbench.add_labels([]) == await workbench.take_back([]) == 0
    assert await workbench.add_labels([late, early]) == 2
    assert await workbench.labels("acme") == (early, late)


async def test_another_person_s_workbench_sees_them_at_once(make: MakeWorkbench) -> None:
    one, other = make(), make()
    await one.add_labels([label()])
    assert await other.labels("acme") == (label(),)


async def test_what_is_there_to_the_second_is_not_added_again(workbench: Workbench) -> None:
    assert await workbench.add_labels([label(), label()]) == 1
    same_second = label(at=NOON.replace(microsecond=0), quote="other words", prompt_version="extract.v3")
    assert await workbench.add_labels([same_second, label(at=NOON + SECOND)]) == 1
    assert await workbench.labels("acme") == (label(), label(at=NOON + SECOND))


@pytest.mark.parametrize(
    "changed",
    [
        {"tenant_id": "umbrella"},
        {"call_id": "c2"},
        {"field": "topics"},
        {"name": "refund"},
        {"segment_id": None},
        {"segment_id": ""},
        {"value": ""},
        {"by": "bob"},
        {"verdict": "wrong"},
    ],
)
async def test_a_word_on_something_else_is_another_word(changed: dict[str, str | None], workbench: Workbench) -> None:
    await workbench.add_labels([label()])
    assert await workbench.add_labels([label(**changed)]) == 1


async def test_labels_are_asked_for_by_tenant_call_and_person(workbench: Workbench) -> None:
    ours = [label(), label(by="bob"), label(call_id="c2")]
    await workbench.add_labels([*ours, label(tenant_id="umbrella")])
    assert set(await workbench.labels("acme")) == set(ours)
    assert await workbench.labels("acme", call_id="c1", by="bob") == (label(by="bob"),)
    assert await workbench.labels("acme", call_id="c2") == (label(call_id="c2"),)
    assert set(await workbench.labels("acme", by="ann")) == {label(), label(call_id="c2")}
    assert await workbench.labels("acme", by="carol") == ()


async def test_a_slip_is_taken_back_and_nothing_else(workbench: Workbench) -> None:
    await workbench.add_labels([label(), label(verdict="wrong")])
    assert await workbench.take_back([label(), label(by="bob")]) == 1
    assert await workbench.labels("acme") == (label(verdict="wrong"),)
    assert await workbench.take_back([label()]) == 0


async def test_outcomes_are_found_by_key_and_the_later_one_counts(workbench: Workbench) -> None:
    assert await workbench.outcomes([]) == {}
    await workbench.keep_outcome("k1", "first", subject="acme:c1")
    await workbench.keep_outcome("k1", "été 夏", subject="acme:c1")
    await workbench.keep_outcome("k2", "two", subject="acme:c2")
    assert await workbench.outcomes(["k1", "k2", "k3"]) == {"k1": "été 夏", "k2": "two"}


async def test_backtests_of_a_prompt_come_newest_first(workbench: Workbench) -> None:
    old, new = backtest(finished_at=NOON - SECOND), backtest(backtest_id="b2")
    elsewhere = [backtest(backtest_id=f"x-{n}", **{n: "x"}) for n in ("scenario", "language", "prompt")]
    for one in (old, new, *elsewhere):
        await workbench.add_backtest("acme", one)
    await workbench.add_backtest("umbrella", backtest(material="umbrella's"))
    assert await workbench.backtests("acme", "telecom", "en", "extract") == (new, old)
    assert await workbench.backtests("nobody", "telecom", "en", "extract") == ()


async def test_a_call_is_erased_with_its_labels_and_results(workbench: Workbench) -> None:
    spared = [label(call_id="c2"), label(tenant_id="umbrella")]
    await workbench.add_labels([label(), label(by="bob"), *spared])
    await workbench.keep_outcome("k1", "words", subject="acme:c1")
    await workbench.keep_outcome("k2", "words", subject="acme:c2")
    await workbench.add_backtest("acme", backtest())
    assert await workbench.erase("acme:c1") == 3
    assert await workbench.erase("acme:c1") == 0
    assert (await workbench.labels("acme"), await workbench.labels("umbrella")) == ((spared[0],), (spared[1],))
    assert await workbench.outcomes(["k1", "k2"]) == {"k2": "words"}
    assert await workbench.backtests("acme", "telecom", "en", "extract") == (backtest(),)


async def test_what_is_erased_stands_in_no_file_any_more(tmp_path: Path) -> None:
    workbench = SqliteWorkbench(tmp_path / "w.sqlite")
    await workbench.add_labels([label(quote="my secret words"), label(call_id="c2", quote="other words")])
    await workbench.keep_outcome("k1", "my secret words", subject="acme:c1")
    await workbench.erase("acme:c1")
    held, modes = read_all(tmp_path)
    assert b"my secret words" not in held
    assert b"other words" in held
    assert modes == {0o600}
    await workbench.close()


async def test_labels_of_more_than_a_page_are_all_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare_collection, "_PAGE", 3)
    workbench = QdrantWorkbench(Folder(tmp_path))
    many = [label(call_id=f"c{n}") for n in range(8)]
    assert await workbench.add_labels(many) == 8
    assert await workbench.add_labels(many) == 0
    assert set(await workbench.labels("acme")) == set(many)
    await workbench.close()


async def test_a_file_that_is_none_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    path.write_bytes(b"no database at all" * 100)
    workbench = SqliteWorkbench(path)
    with pytest.raises(Retryable, match="not a database") as caught:
        await workbench.labels("acme")
    assert "CONVMINE_WORKBENCH_PATH" in (caught.value.hint or "")
    await workbench.close()


async def test_a_server_that_is_away_is_retryable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workbench = QdrantWorkbench(Server(f"http://127.0.0.1:{port}", timeout_s=2))
    with pytest.raises(Retryable):
        await workbench.labels("acme")
    await workbench.close()


def test_the_settings_name_the_place(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    on_a_server = Settings(workbench=WorkbenchSettings(place="qdrant"), store=StoreSettings(url="http://localhost:1"))
    assert isinstance(open_workbench(Settings(workbench=WorkbenchSettings(path=path))), SqliteWorkbench)
    assert isinstance(open_workbench(on_a_server), QdrantWorkbench)
    assert not path.exists()


def test_a_place_on_a_server_needs_one() -> None:
    with pytest.raises(Config, match="none is set") as caught:
        open_workbench(Settings(workbench=WorkbenchSettings(place="qdrant")))
    assert caught.value.setting == "CONVMINE_WORKBENCH_PLACE"
