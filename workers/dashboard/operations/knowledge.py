"""How well the knowledge base answers what customers asked lately: counted when somebody looks, kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from pipeline.knowledge.hits import Miss, hits, stored_questions
from pipeline.ports import VectorStore
from pipeline.questions.differences.statistics import wilson

MOST: Final = 150
"""Questions that are asked anew, the newest: some seconds of the store's time, and a rate to about 8 points."""
KEPT: Final = timedelta(minutes=10)
_SINCE: Final = timedelta(days=30)
_MISSES: Final = 20


@dataclass(frozen=True, slots=True)
class KnowledgeHits:
    """``hit_rate`` of ``asked`` questions with its interval of 95 % (Wilson), and the misses asked most often."""

    scenario: str
    at: datetime
    asked: int
    answered: int
    hit_rate: float | None
    low: float | None
    high: float | None
    misses: tuple[Miss, ...]


class KnowledgeWatch:
    """Counts for a tenant's scenario, one at a time."""

    def __init__(self, store: VectorStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._found: dict[tuple[str, str], KnowledgeHits] = {}
        self._counting = asyncio.Lock()

    async def hits(self, tenant_id: str, scenario: str) -> KnowledgeHits:
        """As of now, or of some minutes ago.

        Raises:
            Retryable: the store is away.
        """
        async with self._counting:
            known = self._found.get((tenant_id, scenario))
            if known is None or self._now() - known.at >= KEPT:
                known = self._found[tenant_id, scenario] = await self._count(tenant_id, scenario)
            return known

    async def _count(self, tenant_id: str, scenario: str) -> KnowledgeHits:
        now = self._now()
        all_asked = await stored_questions(self._store, tenant_id=tenant_id, scenario=scenario, since=now - _SINCE)
        asked = dict(islice(all_asked.items(), MOST))
        found = await hits(self._store, asked, (), tenant_id=tenant_id, scenario=scenario)
        low, high = wilson(found.answered, found.asked) if found.asked else (None, None)
        misses = found.misses[:_MISSES]
        return KnowledgeHits(scenario, now, found.asked, found.answered, found.hit_rate, low, high, misses)
