"""The store's record of erasures: which calls and customers, since when, and receipts; no word, no customer's id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from pipeline.erasure.erased import Erased
from pipeline.erasure.receipt import Receipt
from pipeline.ids import stable_id
from pipeline.ports import Where
from pipeline.store.bare_collection import BareCollection, Payload
from pipeline.store.connections import Connection

COLLECTION: Final = "erasures"
_INDEXES: Final = dict.fromkeys(("kind", "tenant_id", "call_id"), "keyword")


class ErasureRecord:
    """A collection without vectors beside those of the calls; ``kind`` tells what a point is.

    It is made when the first call is erased; who only reads makes none. The connection is its owner's to close.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the collection's name.
    """

    def __init__(self, connection: Connection, *, prefix: str = "") -> None:
        self._connection = connection
        self._name = prefix + COLLECTION
        self._collection = BareCollection(connection, self._name, _INDEXES)

    async def note(self, tenant_id: str, call_id: str, at: datetime, receipt_id: str) -> None:
        """That a call is erased; the first time that was asked for stays."""
        payload = {"kind": "call", "tenant_id": tenant_id, "call_id": call_id, "at": at.isoformat()}
        if await self.since(tenant_id, call_id) is None:
            await self._put({**payload, "receipt_id": receipt_id})

    async def note_customer(self, tenant_id: str, digest: str, at: datetime, receipt_id: str) -> None:
        """That the calls of a customer (``customer_digest``) which began before are erased."""
        of = {"kind": "customer", "tenant_id": tenant_id, "customer_sha256": digest}
        await self._put({**of, "at": at.isoformat(), "receipt_id": receipt_id})

    async def keep(self, receipt: Receipt) -> None:
        """Keep a receipt."""
        of = {"kind": "receipt", "tenant_id": receipt.tenant_id, "receipt_id": receipt.receipt_id}
        await self._put({**of, "at": receipt.requested_at.isoformat(), "content": receipt.model_dump_json()})

    async def since(self, tenant_id: str, call_id: str) -> datetime | None:
        """When it was first asked to erase this call; None where it was not."""
        if not await self._is_there():
            return None
        found = await self._collection.get([_call_id(tenant_id, call_id)])
        return next((datetime.fromisoformat(one["at"]) for one in found.values()), None)

    async def load(self, erased: Erased) -> None:
        """Tell of every call and customer that is on record, whosever they are."""
        async for one in self._all("call"):
            erased.add(one["tenant_id"], one["call_id"], datetime.fromisoformat(one["at"]))
        async for one in self._all("customer"):
            erased.add_customer(one["customer_sha256"], datetime.fromisoformat(one["at"]))

    async def receipts(self, tenant_id: str) -> list[Receipt]:
        """A tenant's receipts, newest first."""
        found = [Receipt.model_validate_json(one["content"]) async for one in self._all("receipt", tenant_id)]
        return sorted(found, key=lambda one: one.requested_at, reverse=True)

    async def copy_to(self, other: ErasureRecord) -> None:
        """Note all of this record in another, as where a store moves."""
        for kind in ("call", "customer", "receipt"):
            async for one in self._all(kind):
                await other._put(one)

    async def _is_there(self) -> bool:
        return await self._connection.run(lambda client: client.collection_exists(self._name))

    async def _put(self, payload: Payload) -> None:
        await self._collection.put({_id_of(payload): payload})

    async def _all(self, kind: str, tenant_id: str | None = None) -> AsyncIterator[Payload]:
        if not await self._is_there():
            return
        of = {"kind": kind} if tenant_id is None else {"kind": kind, "tenant_id": tenant_id}
        async for payload in self._collection.all(Where(equal=of)):
            yield payload


async def erased_on_record(connection: Connection, prefix: str) -> Erased:
    """What this store's record says."""
    erased = Erased()
    await ErasureRecord(connection, prefix=prefix).load(erased)
    return erased


def _id_of(payload: Payload) -> str:
    match payload["kind"]:
        case "call":
            return _call_id(payload["tenant_id"], payload["call_id"])
        case "customer":
            return stable_id("erased-customer", payload["customer_sha256"])
        case _:
            return str(payload["receipt_id"])


def _call_id(tenant_id: str, call_id: str) -> str:
    return stable_id("erased-call", tenant_id, call_id)
