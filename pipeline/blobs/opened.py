"""The store of claimed values that the settings name, and which store redeems a URI."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pipeline.blobs.folder import BlobFolder
from pipeline.errors import Poison
from pipeline.ports import BlobStore
from pipeline.privacy.sealing import Seal
from pipeline.settings import ClaimSettings


def open_blobs(settings: ClaimSettings) -> BlobStore:
    """Writes to the folder of the settings; redeems what a store of its scheme allows."""
    return BlobsByScheme({"file": BlobFolder(settings.root)}, writes="file")


class SealedBlobs:
    """A ``BlobStore`` that encrypts what is put into another; what lies there in the clear it reads as well.

    Raises:
        Config: what is read was sealed with a key that is not there.
    """

    def __init__(self, store: BlobStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    async def put(self, name: str, data: bytes) -> str:
        return await self._store.put(name, await asyncio.to_thread(self._seal.seal, data))

    async def get(self, uri: str) -> bytes:
        return await asyncio.to_thread(self._seal.open, await self._store.get(uri))

    async def remove(self, prefix: str) -> int:
        return await self._store.remove(prefix)

    async def expire(self, older_than_s: float) -> int:
        return await self._store.expire(older_than_s)


class BlobsByScheme:
    """A ``BlobStore`` of several: it writes to the one of the scheme ``writes``, and reads from each."""

    def __init__(self, stores: Mapping[str, BlobStore], *, writes: str) -> None:
        self._stores = stores
        self._writes = stores[writes]

    async def put(self, name: str, data: bytes) -> str:
        return await self._writes.put(name, data)

    async def get(self, uri: str) -> bytes:
        store = self._stores.get(uri.partition(":")[0].lower())
        if store is None:
            known = ", ".join(f"{scheme}://" for scheme in self._stores)
            raise Poison(f"{uri[:300]!r} cannot be redeemed: claimed values lie at {known}")
        return await store.get(uri)

    async def remove(self, prefix: str) -> int:
        return sum([await store.remove(prefix) for store in self._stores.values()])

    async def expire(self, older_than_s: float) -> int:
        return sum([await store.expire(older_than_s) for store in self._stores.values()])
