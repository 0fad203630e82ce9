"""How a plan is printed: a page for people, a document for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from pipeline.sizing.plan import Plan
from pipeline.sizing.storing import GB
from pipeline.stages import stages_of
from schemas.wire import Lane

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
_NEAREST: Final = 5
"""Bounds that are shown."""


def lines(plan: Plan, engine: str, model: str) -> Iterator[str]:
    """The page, line by line."""
    demand = plan.choice.demand
    yield (
        f"{demand.calls:,.0f} calls a day of {demand.minutes:g} minutes, {demand.live_share:.0%} live;"
        f" busiest hour {demand.peak:.2f} x the mean: {demand.peak_per_s:.3g} calls a second,"
        f" {demand.live_at_once:,.0f} live at once"
    )
    yield f"speech by {engine}, intents by {model}"
    yield ""
    yield from _table(_stages(plan))
    yield ""
    yield from _needs(plan)
    yield ""
    yield "US dollars a day"
    yield from _table([(f"  {name}", f"{usd:,.2f}") for name, usd in plan.money.items()])
    total = sum(plan.money.values())
    each = f", {total / demand.calls:.5f} a call" if demand.calls else ""
    yield f"  in all {total:,.2f}{each}"
    yield ""
    yield from _breaks(plan)
    yield ""
    yield from _sources(plan, engine, model)


def _stages(plan: Plan) -> list[tuple[str, ...]]:
    stations = {one.line.name: one for one in plan.fleet.stations}
    order = [f"{stage.name}.{stage.lane}" for lane in (Lane.BATCH, Lane.LIVE) for stage in stages_of(lane)]
    day = {one.name: one for one in plan.day}
    head = ("stage", "events a day", "service", "workers", "p50", "p95", "most lag", "busiest", "left")
    rows: list[tuple[str, ...]] = [head]
    for name in order:
        if name not in stations:
            continue
        station, passed = stations[name], day[name]
        line = station.line
        workers = f"{line.workers}" if line.most == line.workers else f"{line.workers} to {line.most}"
        rows.append(
            (
                name,
                f"{passed.events:,.0f}",
                _time(line.service_s),
                workers + (" GPU" if station.gpu else ""),
                _time(passed.p50_s),
                _time(passed.p95_s),
                f"{passed.most_lag:,.0f}",
                f"{min(passed.busiest, 99):.0%}",
                f"{passed.left:,.0f}",
            )
        )
    return rows


def _needs(plan: Plan) -> Iterator[str]:
    fleet, storage, costs = plan.fleet, plan.storage, plan.choice.costs
    most = sum(one.line.most for one in fleet.stations)
    yield f"partitions    {fleet.partitions} of each topic, {plan.brokers} brokers ({costs.bounds.replication} copies)"
    yield f"workers       {most:,} at most, {plan.memory_mb / 1_000:,.0f} GB of memory; {plan.outages} died in this day"
    yield f"GPUs          {plan.asr_gpus:,} for speech, {fleet.model_gpus:,} for a model of one's own"
    tokens = plan.tokens
    yield (
        f"tokens        {tokens.input / 1e6:,.2f} million sent, {tokens.output / 1e6:,.2f} million received,"
        f" {tokens.requests:,.0f} requests a day"
    )
    yield (
        f"Kafka         {_bytes(storage.kafka_bytes)} with all copies,"
        f" {_bytes(storage.peak_bytes_s)} a second written in the busiest hour"
    )
    for topic in storage.topics[:3]:
        yield f"              {topic.name}: {_bytes(topic.kept_bytes)}, one copy, {topic.days:g} days"
    yield (
        f"store         {storage.points:,.0f} points in {costs.bounds.store_days:g} days,"
        f" {_bytes(storage.store_bytes)},"
        f" {_bytes(storage.store_memory_bytes)} of it in memory; {fleet.store_nodes} nodes to write"
    )
    yield f"recordings    {_bytes(storage.recording_bytes)} in {costs.bounds.recording_days:g} days"


def _breaks(plan: Plan) -> Iterator[str]:
    broken, short = plan.broken, [bound for bound in plan.bounds if bound.times < 1]
    if short and (broken is None or short[0].times < broken.times):
        yield f"breaks first  NOW: {short[0].what} carries {short[0].times:.2f} times this load; {short[0].then}"
    elif broken is None:
        yield "breaks first  nowhere up to 64 times this load"
    elif broken.times <= 1:
        yield f"breaks first  NOW: {broken.stage}, {broken.why}; it carries {broken.times:.2f} times this load"
    else:
        yield f"breaks first  at {broken.times:.2f} times this load: {broken.stage}, {broken.why}"
    yield "bounds, by the busiest hour's mean:"
    nearest = plan.bounds[:_NEAREST]
    yield from _table([(f"  {one.times:.2f} x", one.what, f"then: {one.then}") for one in nearest])


def _sources(plan: Plan, engine: str, model: str) -> Iterator[str]:
    costs = plan.choice.costs
    yield "where the figures come from:"
    yield f"  costs   {costs.source}"
    yield f"  {engine}   {costs.engines[engine].source}"
    if plan.choice.model is not None:
        yield f"  {model}   {plan.choice.model.source}"
    yield f"  prices  {costs.prices.source}"


def document(plan: Plan, engine: str, model: str) -> dict[str, Any]:
    """The plan as JSON, in seconds, bytes, tokens and US dollars a day; what is without end is null."""
    day = {one.name: asdict(one) for one in plan.day}
    stages = [
        {
            "stage": one.line.name,
            "workers_least": one.line.workers,
            "workers_most": one.line.most,
            "gpu": one.gpu,
            "service_s": one.line.service_s,
            "events_per_s_busiest_hour": one.per_s,
            **{name: value for name, value in day[one.line.name].items() if name != "name"},
        }
        for one in plan.fleet.stations
    ]
    found: dict[str, Any] = {
        "asr": engine,
        "llm": model,
        "calls": plan.choice.demand.calls,
        "calls_per_s_busiest_hour": plan.choice.demand.peak_per_s,
        "live_at_once": plan.choice.demand.live_at_once,
        "fits": plan.fits,
        "partitions": plan.fleet.partitions,
        "brokers": plan.brokers,
        "store_nodes": plan.fleet.store_nodes,
        "gpus": {"asr": plan.asr_gpus, "llm": plan.fleet.model_gpus},
        "memory_mb": plan.memory_mb,
        "stages": stages,
        "tokens": asdict(plan.tokens),
        "storage": asdict(plan.storage),
        "usd_per_day": dict(plan.money),
        "bounds": [asdict(one) for one in plan.bounds],
        "breaks_first": None if plan.broken is None else asdict(plan.broken),
        "sources": list(_sources(plan, engine, model))[1:],
    }
    cleaned: dict[str, Any] = _finite(found)
    return cleaned


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell; all but the first and what is text to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) if _is_figure(cell) else cell.ljust(width)
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _is_figure(cell: str) -> bool:
    return bool(cell) and (cell[0].isdigit() or cell in {"-", "never"})


def _time(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "never"
    for unit, size in (("h", _HOUR), ("min", _MINUTE), ("s", 1.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1_000:.3g} ms"


def _bytes(size: float) -> str:
    for unit, one in (("PB", 1e15), ("TB", 1e12), ("GB", GB), ("MB", 1e6)):
        if size >= one:
            return f"{size / one:.3g} {unit}"
    return f"{size / 1_000:.3g} kB"
