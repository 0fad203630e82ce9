"""How quickly the dashboard shows what it should, and whether a page that stays open stays small.

Headless Chromium on loopback. ``paint`` (the desk, without a cache), ``live`` (from handing a sentence to Kafka's
producer to its being painted) and ``memory`` (an hour of calls at 20 times their speed) look at ``convmine dashboard``
as a process over a real Kafka; ``graph`` and ``floor`` at the same application over a store and topics in memory.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from benchmarks.broker import Broker
from benchmarks.desk_browser import (
    SEEN,
    Held,
    chromium,
    first_paints,
    first_rows,
    fresh_page,
    graphs,
    growth,
    held,
    signed_in,
)
from benchmarks.desk_calls import AGENT, TENANT, call_ms, played, sentences
from benchmarks.report import NOT_RUN, Figures, Report, machine, percentiles
from benchmarks.served import Served, served
from pipeline.settings import KafkaSettings

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, StorageState

GOALS: Final = {
    "first_paint_ms": 1_000.0,
    "live_p95_ms": 150.0,
    "graph_drawn_ms": 500.0,
    "memory_growth": 0.05,
    "floor_first_rows_ms": 1_000.0,
    "js_and_css_mb": 1.5,
}
PARTS: Final = ("bytes", "paint", "live", "memory", "graph", "floor")
_ON_KAFKA: Final = frozenset({"paint", "live", "memory"})
_SPEED: Final = 20.0
_HOUR_MS: Final = 3_600_000.0
_LOOKS: Final = 10
_LAST_MS: Final = 60_000
"""What the last sentence may take until it counts as lost."""


_PAINTS: Final = 10


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; ``hour_ms`` are those of live calls for the memory."""

    paints: int = _PAINTS
    segments: int = 200
    hour_ms: float = _HOUR_MS
    steps: int = 312
    calls: int = 5_000
    times: int = 5


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this; may be repeated.")
@click.option("--segments", default=200, show_default=True, help="Live sentences.")
@click.option(
    "--minutes", default=60.0, show_default=True, help="Of live calls for the memory, played 20 times as fast."
)
@click.option("--calls", default=5_000, show_default=True, help="On the floor.")
@click.option("--steps", default=312, show_default=True, help="Of the flow graph; some are never reached.")
@click.option("--times", default=5, show_default=True, help="That the graph and the floor are opened.")
def main(  # noqa: PLR0913 - one argument an option
    *, as_json: bool, parts: tuple[str, ...], segments: int, minutes: float, calls: int, steps: int, times: int
) -> None:
    """Measure all parts; the ratio is the p95 of a live sentence in ms."""
    sizes = Sizes(_PAINTS, segments, minutes * 60_000, steps, calls, times)
    figures = asyncio.run(measured(parts or PARTS, sizes))
    ratio: float | Literal["not run"] = NOT_RUN
    if figures["live"] != NOT_RUN:
        ratio = float(figures["live"]["p95"])
    Report("desk", ratio, GOALS["live_p95_ms"], {"goals": GOALS, **figures}, machine()).show(as_json=as_json)


async def measured(parts: Sequence[str], sizes: Sizes) -> dict[str, Any]:
    """A figure or more for each part; ``not run`` for those that were not asked for."""
    found: dict[str, Any] = dict.fromkeys(PARTS, NOT_RUN)
    if "bytes" in parts:
        found["bytes"] = sent_bytes()
    async with chromium() as browser:
        if _ON_KAFKA & set(parts):
            with tempfile.TemporaryDirectory() as folder, _dashboard(Path(folder)) as one:
                found |= await _on_kafka(browser, one, parts, sizes)
        if {"graph", "floor"} & set(parts):
            found |= await in_memory(browser, parts, sizes)
    return found


def sent_bytes() -> Figures:
    """All JavaScript and CSS that there is: more is not sent if every page is opened, each part once."""
    from workers.dashboard.files import load_pages

    sizes = dict.fromkeys(("js", "css"), 0)
    for name, part in load_pages().parts.items():
        if (kind := name.rpartition(".")[2]) in sizes:
            sizes[kind] += len(part)
    return {f"{kind}_mb": round(size / 1e6, 3) for kind, size in {**sizes, "js_and_css": sum(sizes.values())}.items()}


async def _on_kafka(browser: Browser, dashboard: Served, parts: Sequence[str], sizes: Sizes) -> dict[str, Any]:
    kept = await signed_in(browser, dashboard.url, dashboard.key)
    found: dict[str, Any] = {}
    if "paint" in parts:
        ms = await first_paints(browser, kept, f"{dashboard.url}/desk", sizes.paints)
        found["paint"] = {"median_ms": round(median(ms), 1), "most_ms": round(max(ms), 1)}
    if "live" in parts:
        async with _desk(browser, kept, dashboard) as page:
            found["live"] = await _live(page, dashboard.kafka, sizes.segments)
    if "memory" in parts:
        async with _desk(browser, kept, dashboard) as page:
            found["memory"] = await _memory(page, dashboard.kafka, sizes.hour_ms)
    return found


@asynccontextmanager
async def _desk(browser: Browser, kept: StorageState, dashboard: Served) -> AsyncIterator[Page]:
    """A desk that waits for calls."""
    async with fresh_page(browser, kept) as page:
        await page.goto(f"{dashboard.url}/desk")
        await page.wait_for_selector("#connection[data-state=live]")
        yield page


async def _live(page: Page, kafka: KafkaSettings, count: int) -> Figures:
    await page.evaluate(SEEN)
    sent = await sentences(kafka, count)
    await page.wait_for_function(f"() => Object.keys(window.seen).length === {count}", timeout=_LAST_MS)
    seen = await page.evaluate("window.seen")
    return {**percentiles([seen[word] - at for word, at in sent.items()]), "segments": count}


async def _memory(page: Page, kafka: KafkaSettings, hour_ms: float) -> Figures:
    calls = max(_LOOKS, round(hour_ms / call_ms() / _LOOKS) * _LOOKS)
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    looks: list[Held] = []

    async def look(number: int) -> None:
        if (number + 1) % (calls // _LOOKS) == 0:
            looks.append(await held(session))

    whole_ms = await played(kafka, calls, _SPEED, look)
    columns = dict(zip(("heap_mb", "nodes", "listeners"), zip(*map(astuple, looks), strict=True), strict=True))
    return {
        "played_minutes": round(whole_ms / 60_000, 1),
        "calls": calls,
        **{
            name: {"first": values[0], "last": values[-1], "growth": round(growth(values), 4), "all": str(values)}
            for name, values in columns.items()
        },
    }


async def in_memory(browser: Browser, parts: Sequence[str], sizes: Sizes) -> dict[str, Any]:
    """The graph and the floor; whoever signs in is a supervisor."""
    from dashboard_calls import Call, started
    from dashboard_site import dashboard_site
    from made_flows import put_paths, wide_paths

    from pipeline.testing import InMemoryStore
    from schemas.envelope import message
    from workers.dashboard.drawing.room import add_drawing
    from workers.dashboard.floor.room import floor_of

    store, found = InMemoryStore(), dict[str, Any]()
    await put_paths(store, wide_paths(sizes.steps))
    async with dashboard_site([add_drawing], store, live_rooms=[lambda streams: floor_of(streams, 15.0)]) as site:
        kept = await signed_in(browser, site.url, "supervisor")
        if "graph" in parts:
            ms = await graphs(browser, kept, site.url, sizes.times)
            found["graph"] = {f"{name}_ms" if name != "steps" else name: round(at, 1) for name, at in ms.items()}
        if "floor" in parts:
            now = datetime.now(UTC)
            for number in range(sizes.calls):
                call = Call(now, f"call-{number:05}", f"agent-{number:05}")
                id_, subject = f"floor-{number}", call.call_id
                told = message(started(call), id=id_, source="/bench", time=now, subject=subject, tenant_id=TENANT)
                site.hub.hear(told)
            ms_of_rows = await first_rows(browser, kept, site.url, sizes.times)
            found["floor"] = {"median_ms": round(median(ms_of_rows), 1), "calls": sizes.calls}
    return found


@contextmanager
def _dashboard(folder: Path) -> Iterator[Served]:
    """``convmine dashboard`` over a Kafka of its own."""
    from kafka_node import kafka_node

    with (
        kafka_node(folder) as servers,
        Broker(servers) as broker,
        served("dashboard", broker, folder, tenant=TENANT, scope=f"agent:{AGENT}") as one,
    ):
        yield one


if __name__ == "__main__":
    main()
