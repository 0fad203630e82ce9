"""The store that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pipeline.ports import Embedder, VectorStore
from pipeline.settings import Settings, StoreSettings

if TYPE_CHECKING:
    from pipeline.store.connections import Connection
    from pipeline.store.generations.physical import Layout


def open_store(
    settings: Settings, connection: Connection | None = None, embedder: Embedder | None = None
) -> VectorStore:
    """The store of these settings; nothing is connected before its first use, and the caller closes it.

    It closes the ``connection`` and the ``embedder`` with it, where they are given, as others use them, too.

    Raises:
        Config: the embedder that is set is not installed.
    """
    from pipeline.store.qdrant import QdrantStore

    store = settings.store
    return QdrantStore(
        connection or connection_of(store),
        embedder or embedder_of(settings),
        prefix=store.prefix,
        layout=layout_of(store),
    )


def connection_of(store: StoreSettings) -> Connection:
    """How these settings reach Qdrant: the server that they name, else the folder of local mode."""
    from pipeline.store.connections import Folder

    return Folder(store.path) if store.url is None else server_at(store.url, store)


def server_at(url: str, store: StoreSettings) -> Connection:
    """A server, with the key and the patience of these settings."""
    from pipeline.store.connections import Server

    key = store.api_key.get_secret_value() if store.api_key else None
    return Server(url, api_key=key, ca_file=store.ca_file, timeout_s=store.timeout_s)


def layout_of(store: StoreSettings) -> Layout:
    """Where a server is to keep things."""
    from pipeline.store.generations.physical import Layout

    return Layout(quantise=store.quantise, on_disk_payload=store.on_disk_payload)


def embedder_of(settings: Settings) -> Embedder:
    """The embedder of these settings.

    Raises:
        Config: it is not installed.
    """
    from pipeline.store.embedding.options import EmbedderOptions
    from pipeline.store.embedding.registry import make_embedder

    store, llm = settings.store, settings.llm
    return make_embedder(
        store.embedder,
        EmbedderOptions(
            model=store.embedder_model,
            base_url=llm.base_url,
            api_key=llm.api_key.get_secret_value() if llm.api_key else None,
            timeout_s=store.timeout_s,
            headers=llm.header_values,
            query=llm.query_values,
        ),
    )


@asynccontextmanager
async def store_of(
    settings: Settings, connection: Connection | None = None, embedder: Embedder | None = None
) -> AsyncIterator[VectorStore]:
    """The store of these settings, prepared, and closed at the end.

    Raises:
        Retryable: Qdrant is away, or another process has its folder open.
        Config: a setting is wrong, or the collections were made with another embedder.
    """
    store = open_store(settings, connection, embedder)
    try:
        await store.prepare()
        yield store
    finally:
        await store.close()
