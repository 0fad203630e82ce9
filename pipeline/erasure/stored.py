"""What Qdrant has of calls, in every generation of every collection, also those that are kept for a roll-back."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.ports import Where
from pipeline.privacy.vault import Subject
from pipeline.store.collections import CALLS, COLLECTIONS
from pipeline.store.connections import Connection
from pipeline.store.filters import to_filter
from pipeline.store.generations.names import Catalogue, catalogue
from pipeline.store.points import LIVE, of_call
from pipeline.store.sqlite_file import empty_log

if TYPE_CHECKING:
    from qdrant_client import models

_OF_CALLS: Final = tuple(one.name for one in COLLECTIONS if "call_id" in one.fields)
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class StoredCalls:
    """The points of calls.

    ``folder`` is that of local mode: there SQLite keeps what was deleted until its files are written anew.
    """

    connection: Connection
    prefix: str = ""
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return "Qdrant" if self.folder is None else f"Qdrant in {self.folder}"

    async def points(self, subject: Subject) -> dict[str, int]:
        """How many points each collection has of a call, by its name in Qdrant."""
        condition = to_filter(of_call(subject.tenant_id, subject.call_id))
        return {name: await self._count(name, condition) for name in await self._physical()}

    async def remove(self, subject: Subject) -> dict[str, int]:
        """Delete the points of a call; how many there were, by the collection's name in Qdrant."""
        found = await self.points(subject)
        for name in [name for name, points in found.items() if points]:
            await self._delete(name, to_filter(of_call(subject.tenant_id, subject.call_id)))
            await self.write_anew(name)
        return found

    async def is_live(self, subject: Subject) -> bool:
        """Whether the call goes on, as far as the store knows."""
        of = of_call(subject.tenant_id, subject.call_id)
        condition = to_filter(Where(equal={**of.equal, LIVE: True}))
        return any([await self._count(name, condition) for name in await self._physical((CALLS,))])

    async def of_customer(self, tenant_id: str, customer_id: str) -> list[str]:
        """The ids of a customer's calls, in order."""
        condition = to_filter(Where(equal={"tenant_id": tenant_id, "customer_id": customer_id}))
        found = set[str]()
        for name in await self._physical():
            after: Any = None  # an id as the client gives it
            while True:
                records, after = await self._page(name, condition, after)
                found |= {str(one.payload["call_id"]) for one in records if one.payload}
                if after is None:
                    break
        return sorted(found)

    async def _physical(self, collections: tuple[str, ...] = _OF_CALLS) -> list[str]:
        """The collections as Qdrant has them."""
        known: Catalogue = await catalogue(self.connection)
        generations = [known.of(self.prefix + name) for name in collections]
        return sorted({name for one in generations for name in (one.current, *one.numbered.values()) if name})

    async def _count(self, name: str, condition: models.Filter) -> int:
        return (await self.connection.run(lambda client: client.count(name, condition, exact=True))).count

    async def _delete(self, name: str, condition: models.Filter) -> None:
        from qdrant_client import models

        selector = models.FilterSelector(filter=condition)
        await self.connection.run(lambda client: client.delete(name, selector, wait=True))

    async def _page(self, name: str, condition: models.Filter, after: Any) -> tuple[list[models.Record], Any]:  # noqa: ANN401 - see of_customer
        return await self.connection.run(
            lambda client: client.scroll(name, condition, limit=_PAGE, offset=after, with_payload=["call_id"])
        )

    async def write_anew(self, name: str) -> None:
        """Let nothing that was deleted from this collection stand in the files of local mode any more."""
        if self.folder is None:
            return
        uri = (self.folder.absolute() / "collection" / name / "storage.sqlite").as_uri()

        async def vacuum(_client: object) -> None:  # in the client's own thread, so that nothing is written meanwhile
            with closing(sqlite3.connect(f"{uri}?mode=rw", uri=True)) as database:
                database.execute("VACUUM")
                empty_log(database)

        await self.connection.run(vacuum)


def in_words(found: Mapping[str, int]) -> dict[str, int]:
    """The counts by what a receipt calls the place."""
    return {f"Qdrant collection {name}": points for name, points in found.items()}
