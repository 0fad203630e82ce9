"""What one hop takes: our runtime beside plain Faust, Faust that only reads, aiokafka and Quix, on the same broker.

``rate``: records a second from a backlog of events of 350 bytes in six partitions, one program after the other, in
rounds. ``latency``: milliseconds at 100 events a second. ``scaling``: what two and four workers of ours do of twice and
four times what one does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import click
from kafka_node import kafka_node

from benchmarks import hop_latency, hop_scaling
from benchmarks.broker import Broker
from benchmarks.hop_latency import Latencies
from benchmarks.hop_programs import NAMES
from benchmarks.hop_rate import Course, Rate, compare
from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine, percentiles
from benchmarks.traffic import segments

GOAL: Final = 2.0
"""Ours, in multiples of plain Faust's records per second."""


PARTS: Final = ("rate", "latency", "scaling")
TIMED: Final = ("convmine", "plain-faust")
"""The programs whose latency is taken."""


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS)
@click.option("--messages", default=20_000, show_default=True, help="Of the backlog (rate).")
@click.option("--warm-up", default=2_000, show_default=True, help="Messages before them (rate).")
@click.option("--rounds", default=3, show_default=True, help="Runs of each program (rate).")
@click.option("--program", "programs", multiple=True, type=click.Choice(NAMES), default=NAMES)
@click.option("--seconds", default=30.0, show_default=True, help="Measured with each program (latency).")
@click.option("--scaling-seconds", default=15.0, show_default=True, help="Measured with each number of workers.")
def main(  # noqa: PLR0913 - one argument an option
    *,
    as_json: bool,
    parts: tuple[str, ...],
    messages: int,
    warm_up: int,
    rounds: int,
    programs: tuple[str, ...],
    seconds: float,
    scaling_seconds: float,
) -> None:
    """Compare, and print the medians of the rounds, latencies and throughputs; the ratio is ours to plain Faust's."""
    rates: Mapping[str, Rate] = {}
    figures: dict[str, Figure | Figures] = dict.fromkeys(PARTS, NOT_RUN)
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers, Broker(servers) as broker:
        source = broker.create("hop.in", 6)
        course = Course(broker, source, warm_up, messages, Path(name))
        if "rate" in parts:
            broker.fill(source, segments(source, course.total))
            rates = compare(course, programs, rounds)
            figures["rate"] = _rate_figures(rates)
        if "latency" in parts:
            timed = [program for program in TIMED if program in programs]
            figures["latency"] = _latency_figures(hop_latency.latencies_of(course, timed, seconds=seconds))
        if "scaling" in parts:
            figures["scaling"] = _scaling_figures(hop_scaling.throughputs(course, seconds=scaling_seconds))
    Report("hop", _ratio(rates, "plain-faust"), GOAL, figures, machine()).show(as_json=as_json)


def _ratio(rates: Mapping[str, Rate], other: str) -> float | Literal["not run"]:
    if "convmine" in rates and other in rates:
        return round(rates["convmine"].per_second / rates[other].per_second, 2)
    return NOT_RUN


def _rate_figures(rates: Mapping[str, Rate]) -> Figures:
    return {
        "of_faust_consume": _ratio(rates, "faust-consume"),
        **{
            name: {
                "per_second": round(rate.per_second),
                "us": round(1e6 / rate.per_second),
                "cpu_us": round(rate.cpu_us),
            }
            for name, rate in rates.items()
        },
    }


def _latency_figures(found: Mapping[str, Latencies]) -> Figures:
    return {
        "aim_p95_ms": hop_latency.AIM_P95_MS,
        **{
            name: {
                "per_second": round(latencies.per_second, 1),
                "hop_ms": percentiles(latencies.hop_ms),
                "direct_ms": percentiles(latencies.direct_ms),
            }
            for name, latencies in found.items()
        },
    }


def _scaling_figures(found: Mapping[int, float]) -> Figures:
    return {
        "goal_of_linear": hop_scaling.GOAL,
        "per_second": {str(workers): round(rate, 1) for workers, rate in found.items()},
        "of_linear": {str(workers): round(share, 3) for workers, share in hop_scaling.shares_of_linear(found).items()},
    }


if __name__ == "__main__":
    main()
