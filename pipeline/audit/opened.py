"""The recorder of somebody, over the log that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.audit.entry import Actor, Origin
from pipeline.audit.logs import open_log
from pipeline.audit.recorder import Recorder
from pipeline.settings import Settings


@asynccontextmanager
async def recorder_of(settings: Settings, who: str, origin: Origin) -> AsyncIterator[Recorder]:
    """Records what ``who`` does for the tenant of the settings; the log is closed at the end.

    Raises:
        Config: a log on a server is set, but no server.
    """
    log = open_log(settings)
    try:
        yield Recorder(log, Actor(settings.tenant, who, origin), required=settings.audit.required)
    finally:
        await log.close()
