"""What more workers do: throughput, the pause when they join, calls that have more than others, a million messages.

``growth``: what 2, 4 and 8 workers handle of so many times what one does, each bound by a wait of 50 ms. ``rebalance``:
how long events take that come in while workers join and leave. ``skew``: where one call of 500 has 15 % of all events.
``drain``: a backlog is handled to its end, one worker killed in between.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import click
from kafka_node import kafka_node

from benchmarks import hop_scaling, scale_drain, scale_steady
from benchmarks.broker import Broker
from benchmarks.hop_rate import Course
from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine, percentiles

GOAL_PAUSE_MS: Final = 2_000.0
"""Longer than its 50 ms no event may take because workers join."""
PARTS: Final = ("growth", "rebalance", "skew", "drain")


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS)
@click.option("--seconds", default=15.0, show_default=True, help="Measured with each number of workers (growth).")
@click.option("--messages", default=1_000_000, show_default=True, help="Of the backlog (drain).")
def main(*, as_json: bool, parts: tuple[str, ...], seconds: float, messages: int) -> None:
    """Measure, and print; the ratio is what eight workers do of eight times one."""
    figures: dict[str, Figure | Figures] = dict.fromkeys(PARTS, NOT_RUN)
    ratio: float | Literal["not run"] = NOT_RUN
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers, Broker(servers) as broker:
        course = Course(broker, "", 0, 0, Path(name))
        if "growth" in parts:
            found = hop_scaling.throughputs(course, seconds=seconds, numbers=scale_steady.GROWTH)
            shares = hop_scaling.shares_of_linear(found)
            ratio = round(shares[max(shares)], 3)
            figures["growth"] = {
                "goal_of_linear": hop_scaling.GOAL,
                "per_second": {str(workers): round(rate, 1) for workers, rate in found.items()},
                "of_linear": {str(workers): round(share, 3) for workers, share in shares.items()},
            }
        if "rebalance" in parts:
            figures["rebalance"] = {"goal_longest_ms": GOAL_PAUSE_MS, **_spreads(scale_steady.changes(course))}
        if "skew" in parts:
            figures["skew"] = _spreads(scale_steady.skewed(course))
        if "drain" in parts:
            figures["drain"] = _drain(scale_drain.drained(course, messages))
    Report("scale", ratio, hop_scaling.GOAL, figures, machine()).show(as_json=as_json)


def _spreads(found: Mapping[str, Sequence[int]]) -> Figures:
    return {
        name: {"events": len(took_ms), **percentiles(took_ms), "longest": max(took_ms)}
        for name, took_ms in found.items()
    }


def _drain(found: scale_drain.Drained) -> Figures:
    return {
        "messages": found.messages,
        "lost": found.lost,
        "repeated": found.repeated,
        "seconds": round(found.seconds, 1),
        "per_second": round(found.messages / found.seconds),
        "workers": scale_drain.WORKERS,
        "killed": 1,
    }


if __name__ == "__main__":
    main()
