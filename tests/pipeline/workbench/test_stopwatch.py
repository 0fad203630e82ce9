"""How long a model was asked for one extraction."""

from __future__ import annotations

import asyncio

from pipeline import figures
from pipeline.workbench.stopwatch import Stopwatch


async def test_a_watch_tells_extractions_apart_and_counts_what_is_side_by_side_once() -> None:
    now = 0.0
    watch = Stopwatch(lambda: now)
    found: dict[str, float | None] = {}

    async def request(ends: float, seconds: float) -> None:
        nonlocal now
        now = ends
        watch.observe(figures.SECONDS, seconds, stage="extract")
        watch.observe(figures.WAITED, 50, stage="extract")

    async def extraction(name: str, *requests: tuple[float, float]) -> None:
        watch.start()
        await asyncio.gather(*(request(*one) for one in requests))
        found[name] = watch.seconds()

    await asyncio.gather(
        extraction("both", (3.0, 2.0), (4.0, 2.0)),
        extraction("kept"),
        extraction("apart", (1.0, 1.0), (9.0, 2.0)),
    )
    assert found == {"both": 3.0, "kept": None, "apart": 3.0}
