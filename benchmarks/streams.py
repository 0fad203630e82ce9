"""How soon an event of the topic is at the dashboards, and what one open dashboard costs the gateway.

Kafka, the gateway and its readers are processes of their own with one clock. Measured is the time from just before an
event is handed to the producer to when a dashboard has its bytes, so that the way to the broker is part of it. ``own``:
each dashboard follows a call of its own, as agents do; ``every``: each follows all calls, as supervisors do.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from kafka_node import kafka_node
from processes import ROOT

from benchmarks.broker import Broker
from benchmarks.memory import Sample, sample
from benchmarks.report import Figure, Report, machine, percentiles
from benchmarks.served import Served, served
from benchmarks.stream_readers import Readers
from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import SUGGESTIONS
from schemas.envelope import message
from schemas.suggestion import SuggestionCreated
from schemas.wire import CallFacts, Lane
from workers.records import NewRecord, write_event

GOAL_MS: Final = 100.0
"""p95 of 500 dashboards, from topic to dashboard."""
GOAL_KB: Final = 2_000.0
"""Of one open dashboard."""
_TENANT: Final = "bench"
_WARM_UP: Final = 20
"""Events that are sent before and not counted."""
_SECOND: Final = 1_000_000
"""The first event of the second part: a gateway gives an event once, by its id."""
_OPEN_S: Final = 120.0
_LAST_S: Final = 5.0
"""Seconds that the last events may take."""
_MB_IN_KB: Final = 1e3


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--readers", default=500, show_default=True, help="Dashboards at once.")
@click.option("--seconds", default=30.0, show_default=True, help="Measured in each part.")
@click.option("--own-rate", default=50.0, show_default=True, help="Events a second, each for one dashboard.")
@click.option("--every-rate", default=2.0, show_default=True, help="Events a second, each for all dashboards.")
def main(*, as_json: bool, readers: int, seconds: float, own_rate: float, every_rate: float) -> None:
    """Measure both parts; the ratio is the p95 of ``own`` in milliseconds."""
    with (
        tempfile.TemporaryDirectory() as name,
        kafka_node(Path(name)) as servers,
        Broker(servers) as broker,
        served("gateway", broker, Path(name), tenant=_TENANT, scope="supervisor") as gateway,
    ):
        own = [f"call=call-{number}" for number in range(readers)]
        figures = {
            "own": _measured(gateway, own, own_rate, seconds, lambda number: f"call-{number % readers}", first=0),
            "every": _measured(
                gateway, ["lane=live"] * readers, every_rate, seconds, lambda number: f"call-{number}", first=_SECOND
            ),
        }
    goals = {"goal_p95_ms": GOAL_MS, "goal_kb_each": GOAL_KB, "readers": readers}
    p95 = figures["own"]["ms"]["p95"]
    Report("streams", float(p95), GOAL_MS, {**goals, **figures}, machine()).show(as_json=as_json)


def _measured(  # noqa: PLR0913 - a figure each
    gateway: Served,
    queries: Sequence[str],
    rate: float,
    seconds: float,
    call_of: Callable[[int], str],
    *,
    first: int,
) -> dict[str, Mapping[str, Figure]]:
    """Open the streams, send for so long, and see when each dashboard had each event; ids count from ``first`` on."""
    seen_file = gateway.folder / "seen.json"
    before = _now(gateway)
    readers = Readers(gateway.url, gateway.key, queries, str(seen_file))
    process = subprocess.Popen(readers.command(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "opened":
            raise RuntimeError("the streams were not opened")
        opened = _now(gateway)
        sent = asyncio.run(_send(gateway.kafka, rate, range(first, first + int(seconds * rate) + _WARM_UP), call_of))
        after = _now(gateway)
        process.communicate(timeout=_OPEN_S)
    finally:
        process.kill()
        process.wait()
    seen = [(int(number), float(at)) for number, at in json.loads(seen_file.read_text())]
    ms = [(at - sent[number]) * 1_000 for number, at in seen if number >= first + _WARM_UP]
    expected = (len(sent) - _WARM_UP) * (len(queries) if len(set(queries)) == 1 else 1)
    return {
        "ms": percentiles(ms),
        "memory": {
            "kb_each_open": _kb_each(before, opened, len(queries)),
            "kb_each_after": _kb_each(before, after, len(queries)),
            "gateway_mb": round(after.rss_mb, 1),
        },
        "events": {
            "a_second": rate,
            "delivered": len(ms),
            "expected": expected,
            "cpu_share": round((after.cpu_s - opened.cpu_s) / (after.at_s - opened.at_s), 3),
            "cpu_ms_each": round((after.cpu_s - opened.cpu_s) * 1_000 / max(1, len(ms)), 3),
        },
    }


async def _send(
    settings: KafkaSettings, rate: float, numbers: range, call_of: Callable[[int], str]
) -> dict[int, float]:
    """Send at even distances; when each was handed over."""
    from aiokafka import AIOKafkaProducer

    sent: dict[int, float] = {}
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all") as producer:
        topic, begun = settings.topic_prefix + SUGGESTIONS, time.monotonic()
        pending = []
        for number in numbers:
            one = _suggestion(number, call_of(number))
            await asyncio.sleep(max(0.0, begun + (number - numbers.start) / rate - time.monotonic()))
            sent[number] = time.monotonic()
            pending.append(await producer.send(topic, key=one.key, value=one.value, headers=list(one.headers)))
        await asyncio.gather(*pending)
        await asyncio.sleep(_LAST_S)
    return sent


def _suggestion(number: int, call_id: str) -> NewRecord:
    at = datetime.now(UTC)
    made = SuggestionCreated(
        call_id=call_id,
        suggestion_id=f"s{number}",
        call=CallFacts(scenario="telecom", language="en", agent=f"agent-{call_id}"),
        lane=Lane.LIVE,
        card_id="annual-plan",
        title="Offer the annual plan",
        text="With the annual plan two months are free; say so before the customer names a competitor's price.",
        reason="the customer worries about the price",
        priority=60,
        approved_by="eva",
        at_ms=number,
        created_at=at,
        expires_at=at + timedelta(minutes=1),
    )
    sent = message(made, id=f"e{number}", source="/bench", time=at, subject=call_id, tenant_id=_TENANT)
    return write_event(Outbound(SUGGESTIONS, sent))


def _now(gateway: Served) -> Sample:
    return sample(gateway.pid, time.monotonic())


def _kb_each(before: Sample, after: Sample, readers: int) -> float:
    return round((after.rss_mb - before.rss_mb) * _MB_IN_KB / readers, 1)


if __name__ == "__main__":
    main()
