"""One collection in Qdrant as it is made and kept: its vectors, the stamp of its embedder, indexes and settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.store.collections import Collection, FieldKind
from pipeline.store.connections import Conflict, Connection
from pipeline.store.structs import DENSE, WORDS

if TYPE_CHECKING:
    from qdrant_client import models

_STAMP: Final = "convmine_embedder"
_ORIGIN: Final = "convmine_origin"
_QUANTILE: Final = 0.99
"""Share of the values that keep their place between others in eight bits; Qdrant's documentation recommends it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which embedder made the vectors of a collection."""

    name: str
    dimension: int

    @classmethod
    def of(cls, info: models.CollectionInfo) -> Self | None:
        """What a collection says; None where it says nothing."""
        stamp = (info.config.metadata or {}).get(_STAMP)
        return None if stamp is None else cls(stamp["name"], stamp["dimension"])

    def __str__(self) -> str:
        return f"{self.name} ({self.dimension} dimensions)"


@dataclass(frozen=True, slots=True)
class Origin:
    """From which collection a generation is made; all that was written there before ``since`` has been taken over.

    ``swapped`` is when it became the current one, 0 while it is being built. Both in seconds since 1970.
    """

    collection: str
    since: int
    swapped: int = 0

    @classmethod
    def of(cls, info: models.CollectionInfo) -> Self | None:
        """What a collection says; None where it was not made from another."""
        origin = (info.config.metadata or {}).get(_ORIGIN)
        return None if origin is None else cls(**origin)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a server keeps where: int8 copies of the dense vectors in memory, payloads on disk."""

    quantise: bool = False
    on_disk_payload: bool = True

    @classmethod
    def of(cls, info: models.CollectionInfo) -> Self:
        """As a collection has it."""
        vectors = info.config.params.vectors
        dense = vectors.get(DENSE) if isinstance(vectors, Mapping) else None
        quantised = dense is not None and dense.quantization_config is not None
        return cls(quantised, info.config.params.on_disk_payload is not False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a collection is made of."""

    collection: Collection
    stamp: Stamp
    layout: Layout


async def create(
    connection: Connection, name: str, plan: Plan, origin: Origin | None = None, notes: Mapping[str, Any] | None = None
) -> None:
    """Make it, with further notes if there are any, unless another process has been quicker."""
    from qdrant_client import models

    collection, stamp, layout = plan.collection, plan.stamp, plan.layout
    dense, words = {}, None
    if collection.searched:
        quantised = _int8() if layout.quantise else None
        distance = models.Distance.COSINE
        dense = {
            DENSE: models.VectorParams(
                size=stamp.dimension, distance=distance, quantization_config=quantised, on_disk=layout.quantise
            )
        }
        words = {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)}
    metadata: dict[str, Any] = {**(notes or {}), **({_STAMP: asdict(stamp)} if collection.searched else {})}
    if origin is not None:
        metadata[_ORIGIN] = asdict(origin)
    with suppress(Conflict):
        await connection.run(
            lambda client: client.create_collection(
                name,
                vectors_config=dense,
                sparse_vectors_config=words,
                on_disk_payload=layout.on_disk_payload,
                metadata=metadata,
            )
        )


async def note_origin(connection: Connection, name: str, origin: Origin) -> None:
    """Write down how far a generation has come."""
    await note(connection, name, {_ORIGIN: asdict(origin)})


async def note(connection: Connection, name: str, metadata: Mapping[str, Any]) -> None:
    """Write something down on a collection, beside what stands there."""
    await connection.run(lambda client: client.update_collection(name, metadata=dict(metadata)))


async def info_of(connection: Connection, name: str) -> models.CollectionInfo:
    """What Qdrant says of a collection."""
    return await connection.run(lambda client: client.get_collection(name))


async def add_indexes(
    connection: Connection, name: str, collection: Collection, info: models.CollectionInfo
) -> tuple[str, ...]:
    """Make the payload indexes that are missing or of another kind; the fields that got one."""
    if not connection.has_indexes:
        return ()
    missing = {field: kind for field, kind in collection.fields.items() if not _has_index(info, field, kind)}
    await asyncio.gather(*(_index(connection, name, field, kind) for field, kind in missing.items()))
    return tuple(missing)


async def lay_out(
    connection: Connection, name: str, collection: Collection, info: models.CollectionInfo, wanted: Layout
) -> tuple[str, ...]:
    """Change what differs from the settings; what was changed, in words."""
    if not connection.has_indexes:
        return ()
    has, changed = Layout.of(info), []
    if collection.searched and has.quantise != wanted.quantise:
        await _quantise(connection, name, quantise=wanted.quantise)
        changed.append(f"quantisation {'on' if wanted.quantise else 'off'}")
    if has.on_disk_payload != wanted.on_disk_payload:
        await _move_payload(connection, name, on_disk=wanted.on_disk_payload)
        changed.append(f"payloads {'on disk' if wanted.on_disk_payload else 'in memory'}")
    return tuple(changed)


def _has_index(info: models.CollectionInfo, field: str, kind: FieldKind) -> bool:
    found = info.payload_schema.get(field)
    if found is None:
        return False
    if kind == "tenant":
        return found.data_type.value == "keyword" and bool(getattr(found.params, "is_tenant", None))
    return found.data_type.value == kind


async def _index(connection: Connection, name: str, field: str, kind: FieldKind) -> None:
    from qdrant_client import models

    schema: models.PayloadSchemaType | models.KeywordIndexParams
    if kind == "tenant":
        schema = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    else:
        schema = models.PayloadSchemaType(kind)
    await connection.run(lambda client: client.create_payload_index(name, field, field_schema=schema, wait=True))


async def _quantise(connection: Connection, name: str, *, quantise: bool) -> None:
    """The vectors themselves go to disk where small copies of them are in memory."""
    from qdrant_client import models

    config = _int8() if quantise else models.Disabled.DISABLED
    diff = {DENSE: models.VectorParamsDiff(quantization_config=config, on_disk=quantise)}
    await connection.run(lambda client: client.update_collection(name, vectors_config=diff))


async def _move_payload(connection: Connection, name: str, *, on_disk: bool) -> None:
    from qdrant_client import models

    params = models.CollectionParamsDiff(on_disk_payload=on_disk)
    await connection.run(lambda client: client.update_collection(name, collection_params=params))


def _int8() -> models.ScalarQuantization:
    from qdrant_client import models

    scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=_QUANTILE, always_ram=True)
    return models.ScalarQuantization(scalar=scalar)
