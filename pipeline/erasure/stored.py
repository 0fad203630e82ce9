"""What Qdrant has of calls, in every generation of every collection, also those that are kept for a roll-back."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.ports import Where
from pipeline.privacy.vault import Subject
from pipeline.store.collections import CALLS, COLLECTIONS
from pipeline.store.connections import Connection
from pipeline.store.filters import to_filter
from pipeline.store.generations.place import Place, every_generation
from pipeline.store.points import LIVE, of_call
from pipeline.store.sqlite_file import empty_log

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
        return {place.name: await place.count(condition) for place in await self._places()}

    async def remove(self, subject: Subject) -> dict[str, int]:
        """Delete the points of a call; how many there were, by the collection's name in Qdrant."""
        found = await self.points(subject)
        for name in [name for name, points in found.items() if points]:
            condition = to_filter(of_call(subject.tenant_id, subject.call_id))
            await Place(self.connection, name).delete_matching(condition)
            await self.write_anew(name)
        return found

    async def is_live(self, subject: Subject) -> bool:
        """Whether the call goes on, as far as the store knows."""
        of = of_call(subject.tenant_id, subject.call_id)
        condition = to_filter(Where(equal={**of.equal, LIVE: True}))
        return any([await place.count(condition) for place in await self._places((CALLS,))])

    async def of_customer(self, tenant_id: str, customer_id: str) -> list[str]:
        """The ids of a customer's calls, in order."""
        condition = to_filter(Where(equal={"tenant_id": tenant_id, "customer_id": customer_id}))
        found = set[str]()
        for place in await self._places():
            async for records in place.pages(condition, _PAGE, ["call_id"]):
                found |= {str(one.payload["call_id"]) for one in records if one.payload}
        return sorted(found)

    async def _places(self, collections: tuple[str, ...] = _OF_CALLS) -> list[Place]:
        return await every_generation(self.connection, [self.prefix + name for name in collections])

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
