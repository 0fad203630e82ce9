"""A collection that has payloads and no vectors: what a fleet keeps beside the calls, made at its first use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pipeline.errors import Config, Poison
from pipeline.ports import Where
from pipeline.settings import StoreSettings
from pipeline.store.connections import Conflict, Connection, Server
from pipeline.store.filters import to_filter

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, models

T = TypeVar("T")
Payload = Mapping[str, Any]
BareCall = Callable[["AsyncQdrantClient", str], Coroutine[Any, Any, T]]
"""A call to the client, for the collection of that name."""

_PAGE: Final = 1_000


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

    async def put(self, payloads: Mapping[str, Payload], *, over: Where | None = None) -> None:
        """Write points by their ids; where ``over`` is given, one that is there already only if it matches that."""
        from qdrant_client import models

        points = [models.PointStruct(id=id_, vector={}, payload=dict(one)) for id_, one in payloads.items()]
        for at in range(0, len(points), _PAGE):
            await self._upsert(points[at : at + _PAGE], None if over is None else to_filter(over))

    async def get(self, ids: Sequence[str]) -> dict[str, Payload]:
        """The points that are there, by id."""
        found: dict[str, Payload] = {}
        for at in range(0, len(ids), _PAGE):
            records = await self._retrieve(ids[at : at + _PAGE])
            found |= {str(record.id): record.payload or {} for record in records}
        return found

    async def all(self, where: Where) -> AsyncIterator[Payload]:
        """Every point that matches, in the order of ids."""
        condition, after = to_filter(where), None
        while True:
            records, after = await self._page(condition, after)
            for record in records:
                yield record.payload or {}
            if after is None:
                return

    async def count(self, where: Where) -> int:
        """How many points match."""
        condition = to_filter(where)
        return (await self.run(lambda client, name: client.count(name, condition, exact=True))).count

    async def delete(self, where: Where) -> None:
        """Delete what matches."""
        from qdrant_client import models

        selector = models.FilterSelector(filter=to_filter(where))
        await self.run(lambda client, name: client.delete(name, selector, wait=True))

    async def remove(self, where: Where) -> int:
        """Delete what matches, and say how many points that were."""
        count = await self.count(where)
        await self.delete(where)
        return count

    async def close(self) -> None:
        await self._connection.close()

    async def _upsert(self, points: list[models.PointStruct], over: models.Filter | None) -> None:
        await self.run(lambda client, name: client.upsert(name, points, update_filter=over, wait=True))

    async def _retrieve(self, ids: Sequence[str]) -> list[models.Record]:
        return await self.run(lambda client, name: client.retrieve(name, list(ids), with_payload=True))

    async def _page(self, condition: models.Filter, after: Any) -> tuple[list[models.Record], Any]:  # noqa: ANN401 - an id as the client gives it
        return await self.run(
            lambda client, name: client.scroll(name, condition, limit=_PAGE, offset=after, with_payload=True)
        )

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
    return Server(store.url, api_key=key, ca_file=store.ca_file, timeout_s=store.timeout_s)
