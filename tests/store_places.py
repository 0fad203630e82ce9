"""The store in every place it can be: in memory, in a folder, behind the stand-in, on a server (``QDRANT_URL``)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from pipeline.ports import Embedder, VectorStore
from pipeline.store.connections import Connection, Folder, Server
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.generations.applying import Installation
from pipeline.store.generations.names import catalogue
from pipeline.store.generations.physical import Layout
from pipeline.store.qdrant import QdrantStore
from pipeline.testing import InMemoryStore

STAND_IN = Path(__file__).with_name("qdrant_stand_in.py")
PLACES = ["local", "stand-in", *(["server"] if os.environ.get("QDRANT_URL") else [])]

MakeStore = Callable[..., QdrantStore]


@pytest.fixture(scope="session")
def stand_in_url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(STAND_IN), "--port", str(port)]
    with subprocess.Popen(command) as process:
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(params=PLACES)
async def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeStore]:
    """Makes stores over the same collections of Qdrant, which are removed afterwards."""
    async with _scratch(partial(connection_to, request.param, tmp_path, request)) as make:
        yield make


@pytest.fixture
async def qdrant(make_store: MakeStore) -> QdrantStore:
    store = make_store()
    await store.prepare()
    return store


@pytest.fixture(params=["memory", *PLACES])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    """Each implementation of the port."""
    if request.param == "memory":
        yield InMemoryStore()
        return
    async with _scratch(partial(connection_to, request.param, tmp_path, request)) as make:
        held = make()
        await held.prepare()
        yield held


@dataclass(frozen=True, slots=True)
class Shelf:
    """A place for stores in Qdrant: they share its connection, as local mode has but one."""

    connection: Connection
    prefix: str

    def store(self, embedder: Embedder | None = None) -> QdrantStore:
        return QdrantStore(self.connection, embedder or InThread(HashingEncoder()), prefix=self.prefix)

    def installation(self, embedder: Embedder | None = None, layout: Layout | None = None) -> Installation:
        return Installation(self.connection, embedder or InThread(HashingEncoder()), self.prefix, layout or Layout())

    async def names(self) -> list[str]:
        """The collections that there are, without their prefix."""
        found = await catalogue(self.connection)
        return sorted(name.removeprefix(self.prefix) for name in found.names if name.startswith(self.prefix))


@pytest.fixture(params=PLACES)
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    connection, prefix = connection_to(request.param, tmp_path, request), _new_prefix()
    yield Shelf(connection, prefix)
    await _remove_collections(connection, prefix)


def connection_to(place: str, folder: Path, request: pytest.FixtureRequest) -> Connection:
    """Qdrant in one of ``PLACES``."""
    if place == "local":
        return Folder(folder / "qdrant")
    if place == "stand-in":
        return Server(request.getfixturevalue("stand_in_url"))
    return Server(os.environ["QDRANT_URL"], api_key=os.environ.get("QDRANT_API_KEY"))


@asynccontextmanager
async def _scratch(connect: Callable[[], Connection]) -> AsyncIterator[MakeStore]:
    prefix = _new_prefix()
    made: list[QdrantStore] = []

    def make(embedder: Embedder | None = None) -> QdrantStore:
        made.append(QdrantStore(connect(), embedder or InThread(HashingEncoder()), prefix=prefix))
        return made[-1]

    yield make
    for store in made:
        await store.close()
    await _remove_collections(connect(), prefix)


def _new_prefix() -> str:
    return f"test-{uuid.uuid4().hex[:12]}-"


async def _remove_collections(connection: Connection, prefix: str) -> None:
    async def remove(name: str) -> None:
        await connection.run(lambda client: client.delete_collection(name))

    for name in (await catalogue(connection)).names:
        if name.startswith(prefix):
            await remove(name)
    await connection.close()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        assert process.poll() is None, "the stand-in stopped"
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the stand-in did not answer within a minute")
