"""What people do on the command line, recorded in the audit log under the name of their user on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from workers.os_user import os_user

if TYPE_CHECKING:
    from pipeline.audit.entry import Origin
    from pipeline.audit.recorder import Recorder
    from pipeline.ports import VectorStore
    from pipeline.settings import Settings


def recording(settings: Settings, origin: Origin = "cli") -> AbstractAsyncContextManager[Recorder]:
    """Records what this process does for the tenant of the settings.

    Raises:
        Config: a log on a server is set, but no server.
    """
    from pipeline.audit.opened import recorder_of

    return recorder_of(settings, os_user(), origin)


async def record(settings: Settings, action: str, *, calls: Sequence[str] = (), **about: object) -> None:
    """Record a command that reads or changes what is stored, before it does.

    Raises:
        Retryable: it cannot be recorded, and must be.
        Config: a log on a server is set, but no server.
    """
    from pipeline.audit.act import command

    async with recording(settings) as recorder:
        await recorder.record(command(action, calls=calls, **about))


@asynccontextmanager
async def recorded_store_of(
    settings: Settings, action: str, *, calls: Sequence[str] = ()
) -> AsyncIterator[VectorStore]:
    """The store, for a command that reads words of calls by itself, of those that are named; it is recorded first.

    Raises:
        Retryable: the store is away, or it cannot be recorded, and must be.
        Config: a setting is wrong.
    """
    from pipeline.store.open import store_of

    await record(settings, action, calls=calls)
    async with store_of(settings) as store:
        yield store
