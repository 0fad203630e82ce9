"""A collection that has payloads and no vectors: what a fleet keeps beside the calls, made at its first use."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import Config, Poison
from pipeline.settings import StoreSettings
from pipeline.store.connections import Conflict, Connection, Server

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, models

T = TypeVar("T")
BareCall = Callable[["AsyncQdrantClient", str], Coroutine[Any, Any, T]]
"""A call to the client, for the collection of that name."""


class BareCollection:
    """Runs calls on a collection that is made, and made again if somebody has deleted it.

    Args:
        connection: how Qdrant is reached.
        name: of the collection, with its prefix.
        indexes: the fields that are searched, with the name of their type in Qdrant.
    """

    def __init__(self, connection: Connection, name: str, indexes: Mapping[str, str]) -> None:
        self._name = name
        self._connection = connection
        self._indexes = indexes
        self._prepared = False

    async def run(self, call: BareCall[T]) -> T:
        """The answer of one call to the client.

        Raises:
            Retryable: the server is away or hindered.
            Poison: it refuses the request.
        """
        if not self._prepared:
            await self._prepare()
            self._prepared = True
        try:
            return await self._connection.run(lambda client: call(client, self._name))
        except Poison:  # as when somebody has deleted the collection: the next use makes it again
            self._prepared = False
            raise

    async def close(self) -> None:
        await self._connection.close()

    async def _prepare(self) -> None:
        from qdrant_client import models

        if not await self._connection.run(lambda client: client.collection_exists(self._name)):
            with suppress(Conflict):  # another worker was quicker
                await self._connection.run(lambda client: client.create_collection(self._name, vectors_config={}))
        if not self._connection.has_indexes:
            return
        info = await self._connection.run(lambda client: client.get_collection(self._name))
        for field, kind in self._indexes.items():
            if field not in info.payload_schema:
                await self._index(field, models.PayloadSchemaType(kind))

    async def _index(self, field: str, schema: models.PayloadSchemaType) -> None:
        await self._connection.run(lambda client: client.create_payload_index(self._name, field, schema, wait=True))


def server_for(setting: str, store: StoreSettings) -> Server:
    """The Qdrant server on which something is to be kept, as a setting has it.

    Raises:
        Config: no server is set.
    """
    if store.url is None:
        raise Config(
            setting,
            "what is kept in 'qdrant' is on a Qdrant server, and none is set",
            hint=f"set QDRANT_URL, or {setting}=sqlite for the workers of one machine",
        )
    key = store.api_key.get_secret_value() if store.api_key else None
    return Server(store.url, api_key=key, timeout_s=store.timeout_s)
