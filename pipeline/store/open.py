"""The store that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.ports import VectorStore
from pipeline.settings import Settings


def open_store(settings: Settings) -> VectorStore:
    """The store of these settings; nothing is connected before its first use, and the caller closes it.

    Raises:
        Config: the embedder that is set is not installed.
    """
    from pipeline.store.connections import Folder, Server
    from pipeline.store.embedders import EmbedderOptions, make_embedder
    from pipeline.store.qdrant import QdrantStore

    store, llm = settings.store, settings.llm
    embedder = make_embedder(
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
    key = store.api_key.get_secret_value() if store.api_key else None
    connection = Server(store.url, api_key=key, timeout_s=store.timeout_s) if store.url else Folder(store.path)
    return QdrantStore(connection, embedder, prefix=store.prefix)


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[VectorStore]:
    """The store of these settings, prepared, and closed at the end.

    Raises:
        Retryable: Qdrant is away, or another process has its folder open.
        Config: a setting is wrong, or the collections were made with another embedder.
    """
    store = open_store(settings)
    try:
        await store.prepare()
        yield store
    finally:
        await store.close()
