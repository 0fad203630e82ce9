from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from mined_store import Convmine

from pipeline.ids import stable_id
from pipeline.ports import Point
from pipeline.store.collections import COLLECTIONS, KNOWLEDGE
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore


@pytest.fixture
def server(stand_in_url: str) -> Iterator[str]:
    """A server without collections of no prefix, before and afterwards."""
    yield stand_in_url
    for collection in COLLECTIONS:
        httpx.delete(f"{stand_in_url}/collections/{collection.name}-1")


def test_what_local_mode_holds_is_on_the_server_after_one_command_and_twice_is_no_more(
    analyst: Convmine, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = analyst("search", "too expensive", "--json").stdout, analyst("calls", "list", "--json").stdout
    moved = analyst("store", "move", "--to", server, "--json")
    assert moved.code == 0, moved.stderr
    points = {one["collection"]: (one["points"], one["new"]) for one in json.loads(moved.stdout)["collections"]}
    assert points["calls"] == (2, 2)
    again = analyst("store", "move", "--to", server)
    _, _, next_step = again.stdout.strip().rpartition("export ")
    assert next_step == f"QDRANT_URL={server}"
    monkeypatch.setenv("QDRANT_URL", server)
    there = analyst("search", "too expensive", "--json").stdout, analyst("calls", "list", "--json").stdout
    assert there[1] == here[1]
    assert {hit["text"] for hit in json.loads(there[0])["items"]} == {
        hit["text"] for hit in json.loads(here[0])["items"]
    }
    assert json.loads(there[0])["items"]


def test_a_server_with_another_embedders_points_is_refused(
    convmine: Convmine, stand_in_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_STORE_PREFIX", f"other-{uuid4().hex[:8]}-")
    convmine("store", "apply")
    monkeypatch.setenv("QDRANT_URL", stand_in_url)
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "wordllama")
    convmine("store", "apply")
    refused = convmine("store", "move", "--to", stand_in_url)
    assert refused.code == 1
    assert "on the server 'other-" in refused.stderr


def test_a_folder_without_a_store_is_said_and_none_is_made(convmine: Convmine, tmp_path: Path) -> None:
    refused = convmine("store", "move", "--to", "http://127.0.0.1:1")
    assert (refused.code, refused.stdout) == (1, "")
    assert "CONVMINE_STORE_PATH" in refused.stderr
    assert not (tmp_path / "qdrant").exists()


async def test_local_mode_says_when_it_has_become_slow_and_how_to_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.store.qdrant.LOCAL_IS_FUN", 2)
    store = QdrantStore(Folder(tmp_path), InThread(HashingEncoder()))
    await store.prepare()
    await store.put(KNOWLEDGE, [Point(stable_id("test", str(n)), "text", {"text": "text"}) for n in range(3)])
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        await store.prepare()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("knowledge-1 has 3 points, and local mode is slow past 2: convmine store move --to http")
    await store.close()
