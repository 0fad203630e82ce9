"""What a soak has shown, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.report import Figure, Figures
from benchmarks.soak_outcome import Settled
from benchmarks.soak_workers import Watched

GOAL: Final = 0.05
"""Each worker's resident memory must grow by less, from the first tenth after the warm-up to the last."""
_NAMED: Final = 5
"""So many of the lost calls are named."""
_HEAD: Final = ("", "RSS MB", "then", "growth", "MB/h", "USS MB", "then", "growth", "CPU", "handled", "retried", "dead")
_WIDTHS: Final = (24, 8, 8, 8, 8, 8, 8, 8, 7, 9, 8, 6)


@dataclass(frozen=True, slots=True)
class Soaked:
    """All that was seen; ``lost`` are calls by the end of the way to which they did not come."""

    watched: Sequence[Watched]
    warm_up_s: float
    seconds: float
    settled: Settled
    calls: int
    records: int
    lost: Mapping[str, Sequence[str]]
    dead_letters: int

    @property
    def workers(self) -> Sequence[Watched]:
        return [one for one in self.watched if one.is_worker]


def worst_growth(soaked: Soaked) -> float:
    """Of the worker that grew the most."""
    return max(one.growth("rss_mb", soaked.warm_up_s).share for one in soaked.workers)


def missed(soaked: Soaked) -> list[str]:
    """What is not as it must be, in words."""
    growths = {one.name: one.growth("rss_mb", soaked.warm_up_s).share for one in soaked.workers}
    said = [f"{name} has grown by {share:.1%}" for name, share in growths.items() if share >= GOAL]
    for end, calls in soaked.lost.items():
        said.append(f"{len(calls)} calls without {end}, such as {', '.join(calls[:_NAMED])}")
    if soaked.dead_letters:
        said.append(f"{soaked.dead_letters} dead letters")
    if soaked.settled.left:
        said.append(f"{soaked.settled.left} events still wait")
    return said


def table(soaked: Soaked) -> str:
    """A line for each process; those in brackets are not ours."""
    return "\n".join(_line(row) for row in (_HEAD, *_rows(soaked)))


def processes(soaked: Soaked) -> Figures:
    """The same for programs."""
    return {one.name: _figures(one, soaked.warm_up_s) for one in soaked.watched}


def figures(soaked: Soaked) -> Figures:
    """What came of the calls, and what they cost."""
    return {
        "minutes": round(soaked.seconds / 60, 2),
        "warm_up_minutes": round(soaked.warm_up_s / 60, 2),
        "calls": soaked.calls,
        "records_published": soaked.records,
        "lost": {end: len(calls) for end, calls in soaked.lost.items()} or 0,
        "dead_letters": soaked.dead_letters,
        "lag_after_last_call": soaked.settled.behind,
        "lag_at_the_end": soaked.settled.left,
        "settled_s": round(soaked.settled.seconds, 1),
        "largest_lag_of_a_worker": max(told.lag for one in soaked.workers for told in one.told),
        "cores_of_workers": round(sum(_cores(one, soaked.warm_up_s) for one in soaked.workers), 3),
        "unanswered": sum(one.unanswered for one in soaked.workers),
    }


def _figures(one: Watched, after_s: float) -> Figures:
    found: dict[str, Figure | Figures] = {"cores": round(_cores(one, after_s), 3)}
    for what in ("rss_mb", "pss_mb", "uss_mb"):
        growth = one.growth(what, after_s)
        found[what] = {
            "first": round(growth.first, 1),
            "last": round(growth.last, 1),
            "growth": round(growth.share, 4),
            "per_hour": round(growth.per_hour, 2),
        }
    if one.told:
        found["events"] = dict(one.told[-1].outcomes)
    return found


def _rows(soaked: Soaked) -> Iterator[Sequence[str]]:
    for one in soaked.watched:
        rss, uss = (one.growth(what, soaked.warm_up_s) for what in ("rss_mb", "uss_mb"))
        outcomes = one.told[-1].outcomes if one.told else {}
        yield (
            one.name,
            *(f"{rss.first:.1f}", f"{rss.last:.1f}", f"{rss.share:+.1%}", f"{rss.per_hour:+.1f}"),
            *(f"{uss.first:.1f}", f"{uss.last:.1f}", f"{uss.share:+.1%}"),
            f"{_cores(one, soaked.warm_up_s):.1%}",
            *(str(outcomes.get(outcome, 0)) if one.told else "" for outcome in ("handled", "retried", "dead")),
        )


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, _WIDTHS, strict=True)
    return f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in others)


def _cores(one: Watched, after_s: float) -> float:
    """CPU time by wall clock time, after the warm-up."""
    first, *_, last = (found for found in one.samples if found.at_s >= after_s)
    return (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)
