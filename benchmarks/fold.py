"""How many finished paths a second of CPU time the graph takes in, on one core.

``ratio``: paths a second to the goal of 20,000, for counting alone (``fold``). ``stage`` is the stage's handler: with a
graph published and encoded after so many paths, as where a worker is so far behind that a window's worth waits each
time, and after fewer. ``read back`` is a graph taken up again, as after a rebalance.

Paths have 5 to 25 steps of 40 labels whose frequency falls as Zipf's law has it, independent of each other: the worst
case, as nearly every context is a new one. ``flow`` is the same with a flow: each step has four usual next ones.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import click

from benchmarks.report import Figure, Figures, Report, machine
from pipeline.flow.graph import empty
from pipeline.flow.graph_stage import build
from pipeline.flow.tally import Tally
from pipeline.handling import Inbound, Position
from schemas.call import OutcomeResult
from schemas.envelope import encode, message
from schemas.flow import FlowGraph, FlowPath, Step
from schemas.wire import Role
from workers.records import write_event

GOAL: Final = 20_000
"""Paths a second of a core."""
LABELS: Final = tuple(f"step_number_{number}" for number in range(40))
_ZIPF: Final = tuple(1 / (rank + 1) for rank in range(len(LABELS)))
_AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
_USUAL: Final = 0.85
"""Share of steps that are one of the usual ones, where there is a flow."""
EVERY: Final = (1_000, 100, 10)
"""Paths after which the graph is published."""


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--paths", default=20_000, show_default=True, help="Paths of each run.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each kind; the median counts.")
def main(*, as_json: bool, paths: int, rounds: int) -> None:
    """Paths a second that the graph takes in."""
    zipf, flow = made_up(paths, with_flow=False), made_up(paths, with_flow=True)
    rate = _median(rounds, lambda: folded_a_second(zipf))
    graph = _graph(zipf)
    figures: dict[str, Figure | Figures] = {
        "paths": paths,
        "fold": {"zipf": round(rate), "flow": round(_median(rounds, lambda: folded_a_second(flow)))},
        "stage": stage_figures(zipf, rounds),
        "read back ms": round(_median(rounds, lambda: _ms(lambda: Tally(graph, 90.0))), 1),
        "graph": {"bytes": len(encode(graph)), "take ms": round(_median(rounds, lambda: _taken_ms(zipf)), 1)},
    }
    Report("fold", round(rate / GOAL, 2), 1.0, figures, machine()).show(as_json=as_json)


def made_up(count: int, *, with_flow: bool, seed: int = 1) -> list[FlowPath]:
    """Paths of the module's description."""
    chance = random.Random(seed)  # noqa: S311 - made up
    usual = {label: chance.choices(LABELS, _ZIPF, k=4) for label in LABELS}
    return [_path(number, _labels(chance, usual if with_flow else {}), chance) for number in range(count)]


def folded_a_second(paths: Sequence[FlowPath]) -> float:
    """Paths counted a second of CPU time, and the graph taken once, at the end."""
    tally = Tally(empty("t", "s", 0), 90.0)
    before = time.process_time()
    for offset, path in enumerate(paths):
        at = _AT + timedelta(seconds=offset)
        if tally.is_new(path, offset):
            tally.add(path, offset, at)
    tally.graph()
    return len(paths) / (time.process_time() - before)


def stage_figures(paths: Sequence[FlowPath], rounds: int) -> Mapping[str, Figure]:
    """Paths a second through the handler by how many are published together; fewer of them where each takes long."""
    return {
        f"published every {every}": round(
            _median(rounds, partial(handled_a_second, paths[: max(4 * every, 60)], every))
        )
        for every in EVERY
    }


def handled_a_second(paths: Sequence[FlowPath], every: int) -> float:
    """Paths through the stage's handler a second of CPU time, records of the graph written included."""
    sent = [
        Inbound(
            message(path, id=path.call_id, source="/b", time=_AT, subject=path.call_id, tenant_id="t"),
            Position("flow.paths", 0, offset),
        )
        for offset, path in enumerate(paths)
    ]
    return len(sent) / asyncio.run(_handled_s(sent, every))


async def _handled_s(sent: Sequence[Inbound], every: int) -> float:
    handler = build(snapshots=_nothing)
    before = time.process_time()
    for number, inbound in enumerate(sent, 1):
        await handler(inbound)
        if number % every == 0 or number == len(sent):
            for output in handler.gathered(0):
                write_event(output)
    return time.process_time() - before


async def _nothing(_partition: int) -> Mapping[str, FlowGraph]:
    return {}


def _labels(chance: random.Random, usual: Mapping[str, Sequence[str]]) -> list[str]:
    labels = chance.choices(LABELS, _ZIPF, k=chance.randint(5, 25))
    for at in range(1, len(labels)):
        if usual and chance.random() < _USUAL:
            labels[at] = chance.choice(usual[labels[at - 1]])
    return labels


def _path(number: int, labels: Sequence[str], chance: random.Random) -> FlowPath:
    steps = tuple(Step(label=label, role=Role.CUSTOMER, at_ms=9_000 * at) for at, label in enumerate(labels))
    result = chance.choice([OutcomeResult.WON, OutcomeResult.LOST, None])
    return FlowPath(call_id=f"call-{number}", scenario="s", steps=steps, duration_ms=9_000 * len(labels), result=result)


def _graph(paths: Sequence[FlowPath]) -> FlowGraph:
    tally = Tally(empty("t", "s", 0), 90.0)
    for offset, path in enumerate(paths):
        tally.add(path, offset, _AT)
    return tally.graph()


def _taken_ms(paths: Sequence[FlowPath]) -> float:
    """What it takes to take a graph and to encode it, with a thousand paths more since the last time."""
    tally = Tally(_graph(paths[:5_000]), 90.0)
    for offset, path in enumerate(paths[5_000:6_000], 5_000):
        tally.add(path, offset, _AT)
    return _ms(lambda: encode(tally.graph()))


def _ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return 1_000 * (time.process_time() - before)


def _median(rounds: int, figure: Callable[[], float]) -> float:
    return statistics.median(figure() for _ in range(rounds))


if __name__ == "__main__":
    main()
