"""The stored calls on which something is tried: the newest of a scenario and language, a slice at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ports import Order, VectorStore, Where
from pipeline.scenarios.model import Scenario
from pipeline.store.collections import CALLS
from pipeline.store.filters import both, of_tenant
from pipeline.store.points import LIVE

Payload = Mapping[str, Any]
_NEWEST: Final = Order("started_ts", descending=True)


@dataclass(frozen=True, slots=True)
class Slice:
    """Calls that are over and were mined, newest first; ``looked_at`` counts the others, too; ``next`` goes on."""

    calls: tuple[Payload, ...]
    looked_at: int
    next: str | None


async def newest_calls(  # noqa: PLR0913 - which calls, and how many of them
    store: VectorStore, tenant_id: str, scenario: Scenario, language: str, *, size: int, after: str | None = None
) -> Slice:
    """The next slice of the calls of a scenario that are told of in this language.

    Raises:
        NoMark: ``after`` is none.
        Retryable: the store is away.
    """
    where = both(of_tenant(tenant_id), Where(equal={"scenario": scenario.id}))
    hits, following = await store.page(CALLS, where, size, after, order=_NEWEST)
    found = tuple(
        hit.payload
        for hit in hits
        if "extractor" in hit.payload
        and not hit.payload.get(LIVE)
        and scenario.edition(hit.payload.get("language")).language == language
    )
    return Slice(found, len(hits), following)
