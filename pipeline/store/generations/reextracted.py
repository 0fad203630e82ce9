"""Which generations belong to a re-extraction (``pipeline.history``); nothing else goes on with or deletes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipeline.store.connections import Connection
from pipeline.store.generations.names import Generations
from pipeline.store.generations.physical import Origin, info_of

if TYPE_CHECKING:
    from qdrant_client import models

_RUN: Final = "convmine_reextraction"


def stamped(written: str) -> Mapping[str, Any]:
    """What a generation of a re-extraction has noted of it: its run, as text that only ``pipeline.history`` reads."""
    return {_RUN: written}


def run_of(info: models.CollectionInfo) -> str | None:
    """The text of the run that made a generation; None where none did."""
    return (info.config.metadata or {}).get(_RUN)


async def kept(connection: Connection, found: Generations) -> frozenset[str]:
    """Of the generations that are not current, those that a re-extraction is made in, or would be rolled back to."""
    names = set(found.numbered.values())
    infos = {name: await info_of(connection, name) for name in names}
    origins = {name: Origin.of(info) for name, info in infos.items() if run_of(info) is not None}
    both = {name: one.collection for name, one in origins.items() if one is not None and one.collection in names}
    return frozenset((set(both) | set(both.values())) - {found.current})
