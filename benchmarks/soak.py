"""Whether workers grow: all stages for an hour at a steady rate of new calls, and idle workers beside them.

Real Kafka and one ``convmine worker`` process for each stage and lane, as an operator starts them; the store and the
servers of models are stand-ins, in processes of their own, which are shown but not judged: what the store holds grows
with the calls. The goal is missed, and the exit status is 1, where a worker has grown by 5 % or more after the
warm-up, has ended by itself, or where a call is lost or a dead letter.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, NoReturn

import click
from fleet import Fleet, fleet
from installation import Installation, installation, models_stand_in, qdrant
from kafka_node import kafka_node

from benchmarks.report import Report, machine
from benchmarks.soak_outcome import dead_letters, ends, lost, settle
from benchmarks.soak_report import GOAL, Soaked, figures, missed, processes, table, worst_growth
from benchmarks.soak_workers import Watched, others, start_busy, start_idle
from benchmarks.steady_calls import Calls, Rates, steady

WARM_UP_MINUTES: Final = 10.0
_WARM_UP_SHARE: Final = 1 / 3
"""Of a run that is shorter than three times the warm-up."""
_SETTLE_S: Final = 300.0
_STARTED_S: Final = 600.0
_SAY_EVERY_S: Final = 60.0
_ENV: Final = {"CONVMINE_KAFKA_SESSION_TIMEOUT_S": "30"}
"""The default; that of the tests is as short as can be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many calls a second, and how often memory is looked at."""

    seconds: float
    warm_up_s: float
    rate: float
    every_s: float


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--warm-up", type=float, help="Minutes; 10, or a third of the run where that is less.")
@click.option("--rate", default=1.0, show_default=True, help="Calls a second: 40 % recorded, 40 % written, 20 % live.")
@click.option("--every", default=10.0, show_default=True, help="Seconds between two looks at memory.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where logs go; a temporary folder without it.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the report with all samples, as JSON.")
def main(  # noqa: PLR0913 - one argument an option
    *,
    as_json: bool,
    minutes: float,
    warm_up: float | None,
    rate: float,
    every: float,
    folder: Path | None,
    out: Path | None,
) -> None:
    """Run, and print the growth of each worker."""
    warm_up_minutes = min(WARM_UP_MINUTES, minutes * _WARM_UP_SHARE) if warm_up is None else warm_up
    plan = Plan(minutes * 60, warm_up_minutes * 60, rate, every)
    signal.signal(signal.SIGTERM, _leave)
    with _folder(folder) as place:
        soaked = soak(plan, place)
    short = Report("soak", round(worst_growth(soaked), 4), GOAL, figures(soaked), machine())
    whole = replace(short, figures={**short.figures, "processes": processes(soaked)})
    if out is not None:
        samples = {one.name: [asdict(sample) for sample in one.samples] for one in soaked.watched}
        out.write_text(json.dumps({**asdict(whole), "missed": missed(soaked), "samples": samples}))
    if as_json:
        whole.show(as_json=True)
    else:
        print(table(soaked))
        short.show(as_json=False)
    if found := missed(soaked):
        print("missed: " + "; ".join(found), file=sys.stderr)
        sys.exit(1)


def soak(plan: Plan, folder: Path) -> Soaked:
    """Start everything, let it run, wait until all calls are through, and end everything.

    Raises:
        RuntimeError: a worker has ended by itself.
        ConvmineError: the broker does not take a call.
    """
    with kafka_node(folder) as servers, qdrant(folder) as store, models_stand_in(folder) as models:
        place, nobodys = (
            installation(name, folder / name, servers, f"http://{store}", models.url) for name in ("soak", "idle")
        )
        with _fleet(place) as busy, _fleet(nobodys) as idle:
            workers = [*start_busy(busy), *start_idle(idle)]
            for started in (busy, idle):
                started.wait_started(_STARTED_S)
            watched = [*workers, *others()]
            dues = steady(folder / "recordings", Rates.of(plan.rate), plan.seconds)
            with Calls(place.edge, dues) as calls:
                _watch(plan, watched, calls, (busy, idle))
            settled = settle(place, _SETTLE_S)
            _all_run((busy, idle))
            for one in watched:
                one.ask()
            return Soaked(
                tuple(watched),
                plan.warm_up_s,
                plan.seconds,
                settled,
                len(calls.published),
                calls.records,
                lost(calls.published, ends(place)),
                dead_letters(place),
            )


def _watch(plan: Plan, watched: Sequence[Watched], calls: Calls, fleets: Sequence[Fleet]) -> None:
    """Look at all of them, at even distances, for as long as calls come in."""
    begin = time.monotonic()
    said_s = 0.0
    while calls.going_on:
        now_s = time.monotonic() - begin
        _all_run(fleets)
        for one in watched:
            one.look(now_s)
        if now_s - said_s >= _SAY_EVERY_S:
            said_s = now_s
            print(_said(now_s, watched, calls), file=sys.stderr, flush=True)
        time.sleep(max(0.0, plan.every_s - (time.monotonic() - begin - now_s)))


def _all_run(fleets: Sequence[Fleet]) -> None:
    for workers in fleets:
        if workers.surprises:
            raise RuntimeError(f"ended by themselves: {workers.surprises}\n{workers.ends()}")


def _fleet(place: Installation) -> AbstractContextManager[Fleet]:
    return fleet({**place.env, **_ENV}, place.folder)


def _said(now_s: float, watched: Sequence[Watched], calls: Calls) -> str:
    workers = [one for one in watched if one.told]
    memory_mb, lag = sum(one.samples[-1].rss_mb for one in workers), sum(one.told[-1].lag for one in workers)
    return f"{now_s / 60:.0f} min: {len(calls.published)} calls, lag {lag}, workers have {memory_mb:.0f} MB"


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _leave(_number: int, _frame: object) -> NoReturn:
    """On SIGTERM: leave all contexts, which ends what was started."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
