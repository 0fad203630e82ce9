"""A recording may be announced before it is there: how long it is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from pipeline.asr.errors import NotThereYet
from pipeline.errors import Poison
from pipeline.ports import AudioStore, ClaimCheck


@asynccontextmanager
async def arrived(store: AudioStore, claim: ClaimCheck, age_s: float, deadline_s: float) -> AsyncIterator[Path]:
    """A claimed recording as a local file while the context is open.

    Args:
        store: brings it here.
        claim: which one.
        age_s: seconds since it was announced.
        deadline_s: seconds that it may take to arrive.

    Raises:
        NotThereYet: it may still come.
        Retryable: the store is away.
        Poison: it is overdue or refused.
    """
    async with AsyncExitStack() as stack:
        try:
            path = await stack.enter_async_context(store.fetch(claim))
        except NotThereYet as error:
            if age_s <= deadline_s:
                raise
            raise Poison(
                f"the recording is still not there {age_s:.0f} s after it was announced: {error.message}",
                hint="CONVMINE_AUDIO_ARRIVAL_DEADLINE_S says how long to wait",
            ) from error
        yield path
