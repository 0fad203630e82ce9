"""A call removed from everything that an installation keeps, whichever way it keeps it; others stay."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mined_calls import TENANT, TURNS, flow_state, inbound, insight, suggestion, transcript
from store_places import Shelf

from pipeline.blobs.names import call_folder
from pipeline.blobs.opened import open_blobs
from pipeline.erasure.erased import Erased, customer_digest
from pipeline.erasure.opened import places_of
from pipeline.erasure.places import Place, erase
from pipeline.erasure.receipt import ErasedCall, Receipt
from pipeline.erasure.record import ErasureRecord
from pipeline.erasure.stored import StoredCalls
from pipeline.errors import Retryable
from pipeline.export.incremental import Analytics
from pipeline.labels.label import Label
from pipeline.llm.caches import open_cache
from pipeline.llm.ledgers import NoLedger
from pipeline.ports import KeptAnswer, VectorStore
from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import vault_of
from pipeline.settings import Settings
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.generations.applying import apply
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from pipeline.workbench.places import open_workbench
from schemas.wire import Role

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORD = "quetzalcoatl"
GONE, STAYS = Subject(TENANT, "call-gone"), Subject(TENANT, "call-stays")


class OtherEncoder(HashingEncoder):
    """By whose vectors collections have to be made anew."""

    name = "hashing-other"  # type: ignore[misc]  # final there, so that nobody changes it by mistake


async def mined(store: VectorStore, call_id: str, word: str = "") -> None:
    """A call in every collection that has calls, with a word said in it."""
    handle = build(store=store)
    found = insight(call_id)
    said = transcript(call_id, (*TURNS, (Role.CUSTOMER, f"my password is {word}")))
    for event in (said, found, flow_state(found), suggestion(call_id)):
        await handle(inbound(event))


async def test_a_call_goes_from_every_generation_and_others_stay(shelf: Shelf) -> None:
    store = shelf.store()
    await store.prepare()
    await mined(store, GONE.call_id, WORD)
    await mined(store, STAYS.call_id)
    await apply(shelf.installation(InThread(OtherEncoder())), re_embed=True)
    stored = StoredCalls(shelf.connection, shelf.prefix)
    before = await stored.points(GONE)
    assert {name.removeprefix(shelf.prefix) for name, points in before.items() if points} >= {
        *("calls-1", "calls-2", "utterances-1", "utterances-2", "results-1"),
    }
    kept = await stored.points(STAYS)
    assert await stored.remove(GONE) == before
    assert set((await stored.points(GONE)).values()) == {0}
    assert await stored.points(STAYS) == kept
    assert set((await stored.remove(GONE)).values()) == {0}, "again is harmless"


async def test_a_customers_calls_are_found(shelf: Shelf) -> None:
    store = shelf.store()
    await store.prepare()
    await mined(store, GONE.call_id)
    stored = StoredCalls(shelf.connection, shelf.prefix)
    assert await stored.of_customer(TENANT, "c-1") == [GONE.call_id]
    assert await stored.of_customer("other", "c-1") == []


async def test_the_record_tells_who_is_erased_and_since_when_and_has_no_customers_id(shelf: Shelf) -> None:
    record = ErasureRecord(shelf.connection, prefix=shelf.prefix)
    assert await record.since(TENANT, "a") is None
    assert await shelf.names() == [], "who only looks makes nothing"
    later = datetime(2026, 4, 1, tzinfo=UTC)
    await record.note(TENANT, "a", AT, "r-1")
    await record.note(TENANT, "a", later, "r-2")
    await record.note_customer(TENANT, customer_digest(TENANT, "c-9"), AT, "r-1")
    receipt = Receipt(
        receipt_id="6f5943a8-db22-4e93-82b2-6daa313941fe",
        tenant_id=TENANT,
        requested_by="ann",
        requested_at=AT,
        calls=(ErasedCall(call_id="a", was_stored=True),),
    )
    await record.keep(receipt)
    erased = Erased()
    await record.load(erased)
    assert erased.since(TENANT, "a") == AT
    assert list(erased.of(TENANT)) == ["a"]
    assert await record.receipts(TENANT) == [receipt]
    assert await record.receipts("other") == []
    moved = ErasureRecord(shelf.connection, prefix=f"{shelf.prefix}moved-")
    await record.copy_to(moved)
    assert await moved.since(TENANT, "a") == AT
    assert await moved.receipts(TENANT) == [receipt]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of one machine that keeps everything it can."""
    return Settings.model_validate(
        {
            "tenant": TENANT,
            "store": {"path": tmp_path / "qdrant", "embedder": "hashing"},
            "llm": {"cache_path": tmp_path / "answers.sqlite"},
            "workbench": {"path": tmp_path / "workbench.sqlite"},
            "privacy": {"vault_key": new_key(), "vault_path": tmp_path / "vault.sqlite"},
            "claims": {"root": tmp_path / "claims"},
            "analytics": {"path": tmp_path / "analytics"},
        }
    )


async def fill(settings: Settings, connection: Folder) -> None:
    """Something of both calls in every place."""
    store = QdrantStore(connection, InThread(HashingEncoder()))
    await store.prepare()
    await mined(store, GONE.call_id, WORD)
    await mined(store, STAYS.call_id)
    cache, bench, vault, blobs = (
        open_cache(settings),
        open_workbench(settings),
        vault_of(settings.privacy),
        open_blobs(settings.claims),
    )
    assert vault is not None
    for one in (GONE, STAYS):
        word = WORD if one == GONE else "parrot"
        await cache.put(f"key of {one}", KeptAnswer(word, "model", "stop"), subject=str(one))
        await bench.keep_outcome(f"key of {one}", word, subject=str(one))
        await bench.add_labels([label(one, word)])
        await vault.keep(one, [Found("phone", "s1", 0, 12, 0, word)])
        await blobs.put(f"{call_folder(one.tenant_id, one.call_id)}/{'0' * 64}.json", word.encode())
    for each in (cache, bench, vault):
        await each.close()
    await Analytics(store, NoLedger(), settings.analytics).refresh(TENANT)


def label(subject: Subject, word: str) -> Label:
    return Label.model_validate(
        {
            "tenant_id": subject.tenant_id,
            "call_id": subject.call_id,
            "scenario": "telecom",
            "language": "en",
            "field": "intents",
            "name": word,
            "verdict": "right",
            "by": "ann",
            "at": AT,
        }
    )


def files_with(folder: Path, *words: str) -> dict[str, list[str]]:
    """The files in which one of these stands, as it is."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if there := [word for word in words if word.encode() in data or word in str(path)]:
            found[str(path.relative_to(folder))] = there
    return found


async def test_nothing_of_a_call_stays_in_any_file_of_an_installation(settings: Settings, tmp_path: Path) -> None:
    connection = Folder(settings.store.path)
    await fill(settings, connection)
    before = files_with(tmp_path, WORD, GONE.call_id)
    assert {Path(name).parts[0] for name in before} >= {"qdrant", "claims"}
    async with places_of(settings, connection, "ann") as places:
        cleared = await erase(places, [GONE])
        again = await erase(places, [GONE])
    await connection.close()
    assert cleared.not_reached == ()
    removed = {one.place: one.removed for one in cleared.removed}
    assert removed["Qdrant collection utterances-1"] == len(TURNS) + 1
    counted = {name.split(" in ")[0].split(" /")[0]: count for name, count in removed.items()}
    of_files = ("response cache", "workbench", "vault", "claimed values", "Parquet copy")
    assert [counted[name] for name in of_files] == [1, 2, 1, 1, 1]
    assert {one.removed for one in again.removed} == {0}
    left = files_with(tmp_path, WORD, GONE.call_id)
    assert left.keys() <= {"vault.sqlite", "vault.sqlite-wal"}, "the vault records that it was erased"
    assert not any(WORD in words for words in left.values())
    assert files_with(tmp_path, STAYS.call_id).keys() >= {"qdrant/collection/calls-1/storage.sqlite"}


async def test_files_that_are_not_there_are_not_made(settings: Settings, tmp_path: Path) -> None:
    async with places_of(settings, None, "ann") as places:
        cleared = await erase(places, [GONE])
    assert cleared.not_reached == ()
    assert {one.removed for one in cleared.removed} == {0}
    assert files_with(tmp_path, "") == {}


async def test_a_vault_without_its_key_is_said_not_to_be_reached(settings: Settings) -> None:
    vault = vault_of(settings.privacy)
    assert vault is not None
    await vault.keep(GONE, [Found("phone", "s1", 0, 12, 0, WORD)])
    await vault.close()
    without = settings.model_copy(update={"privacy": settings.privacy.model_copy(update={"vault_key": None})})
    async with places_of(without, None, "ann") as places:
        (failed,) = (await erase(places, [GONE])).not_reached
    assert failed.place.startswith("vault")
    assert "CONVMINE_PRIVACY_VAULT_KEY" in failed.why


async def test_a_place_that_is_away_stops_no_other() -> None:
    async def away(_: Subject) -> Mapping[str, int]:
        await asyncio.sleep(0)
        raise Retryable("it is away", dependency="x", hint="start it")

    async def there(_: Subject) -> Mapping[str, int]:
        return {"there": 2}

    cleared = await erase([Place("away", away), Place("there", there)], [GONE, STAYS])
    assert [(one.place, one.why, one.hint) for one in cleared.not_reached] == [("away", "it is away", "start it")]
    assert [(one.place, one.removed) for one in cleared.removed] == [("there", 4)]
