"""The places of an installation, as its settings name them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from pipeline.blobs.names import call_folder
from pipeline.erasure.places import Place
from pipeline.erasure.stored import StoredCalls, in_words
from pipeline.errors import Config
from pipeline.privacy.vault import Subject
from pipeline.settings import Settings, StoreSettings
from pipeline.store.connections import Connection

_ENDINGS: Final = ("", ".broken")
_Count = Callable[[str], Awaitable[int]]
"""Removes a subject (``tenant:call``); how many things that were."""


def stored_calls(connection: Connection, store: StoreSettings) -> StoredCalls:
    """The points of calls behind this connection."""
    return StoredCalls(connection, store.prefix, store.path if store.url is None else None)


@asynccontextmanager
async def places_of(settings: Settings, connection: Connection | None, who: str) -> AsyncIterator[tuple[Place, ...]]:
    """Every place that the settings name; files that are not there are not made.

    Args:
        settings: of this process; another machine's files are its own workers' to clear.
        connection: how Qdrant is reached, its owner closes it; None where another process has its folder open.
        who: asks for it, as the vault records it.
    """
    async with AsyncExitStack() as stack:
        places = [*_kept_answers(settings, stack), *_workbench(settings, stack), *_vault(settings, stack, who)]
        if connection is not None:
            places.insert(0, _points(connection, settings.store))
        yield (*places, _blobs(settings), _parquet(settings))


def _points(connection: Connection, store: StoreSettings) -> Place:
    stored = stored_calls(connection, store)

    async def remove(subject: Subject) -> Mapping[str, int]:
        return in_words(await stored.remove(subject))

    return Place(stored.name, remove)


def _kept_answers(settings: Settings, stack: AsyncExitStack) -> Iterator[Place]:
    """Answers of language models, and what was heard in long recordings."""
    from pipeline.llm.caches import open_cache

    llm = settings.llm
    if llm.cache == "off":
        return
    file = llm.cache_path if llm.cache == "sqlite" else None
    cache = open_cache(settings)
    stack.push_async_callback(cache.close)
    yield _counted(f"response cache {file or 'in Qdrant'}", cache.remove, file)


def _workbench(settings: Settings, stack: AsyncExitStack) -> Iterator[Place]:
    """Labels of people, and what versions of prompts gave."""
    from pipeline.workbench.places import open_workbench

    file = settings.workbench.path if settings.workbench.place == "sqlite" else None
    workbench = open_workbench(settings)
    stack.push_async_callback(workbench.close)
    yield _counted(f"workbench {file or 'in Qdrant'}", workbench.erase, file)


def _vault(settings: Settings, stack: AsyncExitStack, who: str) -> Iterator[Place]:
    from pipeline.privacy.vault_sqlite import VAULT_KEY, vault_of

    file, vault = settings.privacy.vault_path, vault_of(settings.privacy)

    async def erase(subject: str) -> int:
        if vault is None:
            raise Config(VAULT_KEY, f"is not set, and there is a vault in {file}", hint="set it, or delete that file")
        return await vault.erase(subject, who=who)

    if vault is not None:
        stack.push_async_callback(vault.close)
    yield _counted(f"vault {file}", erase, file)


def _blobs(settings: Settings) -> Place:
    from pipeline.blobs.opened import open_blobs

    root, blobs = settings.claims.root, open_blobs(settings.claims)
    name = f"claimed values in {root}"

    async def remove(subject: Subject) -> Mapping[str, int]:
        return {name: await blobs.remove(call_folder(subject.tenant_id, subject.call_id)) if root.exists() else 0}

    return Place(name, remove)


def _parquet(settings: Settings) -> Place:
    from pipeline.export.rewriting import forget

    path = settings.analytics.path
    name = f"Parquet copy in {path}"

    async def remove(subject: Subject) -> Mapping[str, int]:
        return {name: (await forget(path, subject.tenant_id, [subject.call_id])).calls if path.exists() else 0}

    return Place(name, remove)


def _counted(name: str, erase: _Count, file: Path | None) -> Place:
    """A place that takes subjects; nothing is done where its file is not there."""

    async def remove(subject: Subject) -> Mapping[str, int]:
        there = file is None or any(file.with_name(f"{file.name}{ending}").exists() for ending in _ENDINGS)
        return {name: await erase(str(subject)) if there else 0}

    return Place(name, remove)
