from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import Config, Poison, Retryable
from pipeline.ids import stable_id
from pipeline.ports import Point, Vectors, Where
from pipeline.store.collections import KNOWLEDGE, UTTERANCES
from pipeline.store.connections import Folder, Server
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore

MakeStore = Callable[..., QdrantStore]


class _Renamed(InThread):
    name = "another"


class _Flat:
    """Only words can find under it: every text has the same vector."""

    name = "flat"
    dimension = 4

    async def embed(self, texts: list[str]) -> Vectors:
        return np.full((len(texts), 4), 0.5, dtype=np.float32)

    async def close(self) -> None:
        """Nothing is open."""


def text_point(name: str, text: str) -> Point:
    return Point(stable_id("test", name), text, {"tenant_id": "t", "text": text})


async def test_preparing_twice_changes_nothing(make_store: MakeStore) -> None:
    first = make_store()
    await first.prepare()
    await first.put(UTTERANCES, [text_point("a", "hello")])
    await first.prepare()
    await first.close()
    again = make_store()
    await again.prepare()
    assert await again.count(UTTERANCES, Where()) == 1


async def test_collections_of_another_embedder_are_refused_by_name(make_store: MakeStore) -> None:
    first = make_store()
    await first.prepare()
    await first.close()
    other = make_store(_Renamed(HashingEncoder()))
    with pytest.raises(Config, match=r"CONVMINE_STORE_EMBEDDER.*hashing-v1 \(384.*another \(384") as caught:
        await other.prepare()
    hint = caught.value.hint or ""
    assert hint.startswith("convmine store apply --re-embed ")
    assert hint.endswith(" CONVMINE_STORE_EMBEDDER=hashing")


async def test_words_are_found_even_where_meaning_cannot_tell(make_store: MakeStore) -> None:
    store = make_store(_Flat())
    await store.prepare()
    texts = {name: f"{name} is what we talk about" for name in ("roaming", "contract", "price")}
    await store.put(UTTERANCES, [text_point(name, text) for name, text in texts.items()])
    for name, text in texts.items():
        hits = await store.search(UTTERANCES, name, Where(), 3)
        assert hits[0].payload["text"] == text


async def test_chinese_words_are_found(qdrant: QdrantStore) -> None:
    await qdrant.put(UTTERANCES, [text_point("1", "我想取消合同"), text_point("2", "国际漫游怎么收费")])
    hits = await qdrant.search(UTTERANCES, "漫游", Where(), 2)
    assert hits[0].payload["text"] == "国际漫游怎么收费"


async def test_empty_texts_are_stored_and_an_empty_question_is_answered(qdrant: QdrantStore) -> None:
    await qdrant.put(UTTERANCES, [text_point("1", "")])
    assert len(await qdrant.search(UTTERANCES, "", Where(), 5)) == 1


async def test_more_points_than_a_batch_are_all_written(qdrant: QdrantStore) -> None:
    await qdrant.put(KNOWLEDGE, [text_point(str(number), f"text {number}") for number in range(300)])
    assert await qdrant.count(KNOWLEDGE, Where()) == 300


async def test_an_id_that_is_no_uuid_is_poison(qdrant: QdrantStore) -> None:
    with pytest.raises(Poison):
        await qdrant.put(UTTERANCES, [Point("no uuid", "text", {})])


async def test_writers_side_by_side_lose_nothing(qdrant: QdrantStore) -> None:
    batches = [[text_point(f"{writer}-{n}", "text") for n in range(5)] for writer in range(8)]
    await asyncio.gather(*(qdrant.put(UTTERANCES, batch) for batch in batches))
    assert await qdrant.count(UTTERANCES, Where()) == 40


async def test_stages_of_one_process_that_prepare_together_do_not_collide(make_store: MakeStore) -> None:
    store = make_store()
    await asyncio.gather(*(store.prepare() for _ in range(4)))
    assert await store.count(UTTERANCES, Where()) == 0


async def test_workers_that_start_together_prepare_the_same_collections(stand_in_url: str) -> None:
    stores = [QdrantStore(Server(stand_in_url), InThread(HashingEncoder()), prefix="together-") for _ in range(4)]
    await asyncio.gather(*(store.prepare() for store in stores))
    assert await stores[0].count(UTTERANCES, Where()) == 0
    for store in stores:
        await store.close()


async def test_local_mode_prepares_without_a_warning(tmp_path: Path) -> None:
    store = QdrantStore(Folder(tmp_path), InThread(HashingEncoder()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await store.prepare()
    await store.close()


@pytest.fixture
def held_folder(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A store that another process has open until it reads a line."""
    holder = "import sys, qdrant_client; c = qdrant_client.QdrantClient(path=sys.argv[1]); print(flush=True); input()"
    command = [sys.executable, "-c", holder, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield tmp_path, process
        process.kill()


async def test_a_folder_in_use_by_another_process_says_so(
    held_folder: tuple[Path, subprocess.Popen[bytes]],
) -> None:
    path, holder = held_folder
    store = QdrantStore(Folder(path), InThread(HashingEncoder()))
    with pytest.raises(Retryable, match="in use by another process") as caught:
        await store.prepare()
    assert "QDRANT_URL" in (caught.value.hint or "")
    await store.close()
    holder.communicate(b"\n")
    again = QdrantStore(Folder(path), InThread(HashingEncoder()))
    await again.prepare()
    await again.close()


async def test_a_folder_that_cannot_be_made_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = QdrantStore(Folder(tmp_path / "file" / "qdrant"), InThread(HashingEncoder()))
    with pytest.raises(Config, match="CONVMINE_STORE_PATH"):
        await store.prepare()
    await store.close()
