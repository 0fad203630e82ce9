"""Clusters of stored calls, with the trend of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.discovery.clusters import Clusters, clusters_of
from pipeline.discovery.trends import trends_of
from pipeline.discovery.uncovered import Uncovered
from pipeline.ports import Embedder
from pipeline.store.points import started


async def discovered(
    read: Uncovered,
    embedder: Embedder,
    number: int | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Clusters:
    """The clusters of what no intent covers.

    Raises:
        Retryable: the embedder's server is away.
        Config: scikit-learn is not installed, or the embedder's model cannot be loaded.
    """
    found = await clusters_of(read.said, embedder, number)
    weeks: list[dict[str, set[str]]] = [{} for _ in found.clusters]
    for one in read.said:
        if one.call_id is not None and one.week:
            weeks[found.assignments[one.id] - 1].setdefault(one.week, set()).add(one.call_id)
    calls = {week: ids for week, ids in read.calls.items() if week}
    trends = trends_of(weeks, calls, started(now())["started_week"])
    clusters = (replace(cluster, trend=trend) for cluster, trend in zip(found.clusters, trends, strict=True))
    return replace(found, clusters=tuple(clusters))
