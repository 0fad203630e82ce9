"""How many records a second one hop takes: our runtime beside plain Faust, Faust that only reads, aiokafka and Quix.

A backlog of events of 350 bytes in six partitions, all programs on the same broker, one after the other, in rounds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import click
from kafka_node import kafka_node

from benchmarks.broker import Broker
from benchmarks.hop_programs import NAMES
from benchmarks.hop_rate import Course, Rate, compare
from benchmarks.report import NOT_RUN, Figures, Report, machine
from benchmarks.traffic import segments

GOAL: Final = 2.0
"""Ours, in multiples of plain Faust's records per second."""


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--messages", default=20_000, show_default=True)
@click.option("--warm-up", default=2_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--program", "programs", multiple=True, type=click.Choice(NAMES), default=NAMES)
def main(*, as_json: bool, messages: int, warm_up: int, rounds: int, programs: tuple[str, ...]) -> None:
    """Compare, and print the medians of the rounds."""
    with tempfile.TemporaryDirectory() as name, kafka_node(Path(name)) as servers, Broker(servers) as broker:
        source = broker.create("hop.in", 6)
        broker.fill(source, segments(source, warm_up + messages))
        rates = compare(Course(broker, source, warm_up, messages, Path(name)), programs, rounds)
    Report("hop", _ratio(rates, "plain-faust"), GOAL, _figures(rates), machine()).show(as_json=as_json)


def _ratio(rates: Mapping[str, Rate], other: str) -> float | Literal["not run"]:
    if "convmine" in rates and other in rates:
        return round(rates["convmine"].per_second / rates[other].per_second, 2)
    return NOT_RUN


def _figures(rates: Mapping[str, Rate]) -> Figures:
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


if __name__ == "__main__":
    main()
