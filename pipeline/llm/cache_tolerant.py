"""A response cache whose trouble stops nobody: what cannot be read is not there, what cannot be written is not kept."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from pipeline.figures import KEPT_ANSWERS, NoMeter
from pipeline.ports import KeptAnswer, Meter, ResponseCache

_log: Final = structlog.get_logger(__name__)
# Longer than SQLite waits for another process.
_PATIENCE_S: Final = 6.0
# After trouble nobody waits for the cache for so long.
_REST_S: Final = 10.0
_LOG_EVERY_S: Final = 60.0


class TolerantCache:
    """Another cache, of which ``get`` and ``put`` never raise; ``remove`` does, as what is not erased must be known.

    ``counts`` says how often an answer was there (``hit``), was not (``miss``), and how often the cache failed
    (``failed``), which is logged once a minute at most.

    Args:
        cache: what keeps the answers.
        patience_s: seconds that it may take.
        clock: seconds that never go back.
        meter: where ``counts`` go, too.
        of: what is kept, as the meter is told.
    """

    def __init__(
        self,
        cache: ResponseCache,
        *,
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        meter: Meter | None = None,
        of: str = "",
    ) -> None:
        self._cache = cache
        self._meter = meter or NoMeter()
        self._of = of
        self._patience_s = patience_s
        self._clock = clock
        self._rests_until = self._silent_until = clock()
        self.counts: Counter[str] = Counter()

    async def get(self, key: str) -> KeptAnswer | None:
        kept = await self._tried(partial(self._cache.get, key))
        self._count("miss" if kept is None else "hit")
        return kept

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        return await self._tried(partial(self._cache.put, key, answer, subject=subject)) or answer

    async def remove(self, subject: str) -> int:
        return await self._cache.remove(subject)

    async def expire(self, older_than_s: float) -> int:
        return await self._cache.expire(older_than_s)

    async def close(self) -> None:
        await self._cache.close()

    async def _tried(self, work: Callable[[], Awaitable[KeptAnswer | None]]) -> KeptAnswer | None:
        if self._clock() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                return await work()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the cache, the event can be handled without
            self._count("failed")
            self._rests_until = self._clock() + _REST_S
            self._say(error)
            return None

    def _count(self, outcome: str) -> None:
        self.counts[outcome] += 1
        self._meter.count(KEPT_ANSWERS, of=self._of, outcome=outcome)

    def _say(self, error: Exception) -> None:
        if self._clock() < self._silent_until:
            return
        self._silent_until = self._clock() + _LOG_EVERY_S
        why = f"no answer in {self._patience_s:g} s" if isinstance(error, TimeoutError) else str(error) or repr(error)
        _log.warning(
            "the response cache fails, the model is asked instead",
            error=why,
            hint=getattr(error, "hint", None),
            failed=self.counts["failed"],
        )
