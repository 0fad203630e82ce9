"""How the calls of a scenario go, step by step: the flow graph of their paths as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.flow.mining import MinedEdge, MinedFlow, MinedStep, Walk, mined
from pipeline.ports import Hit, Where
from pipeline.questions.condition import Condition
from pipeline.questions.fields import OutcomeSource, place_of_outcome
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Flow
from pipeline.store.collections import CALLS
from pipeline.store.points import LIVE

_MOST_READ: Final = 5_000
"""Calls whose paths are read, some seconds; of more, always the same ones, none likelier than others."""
_PAGE: Final = 2_500


@dataclass(frozen=True, slots=True)
class ScenarioFlow:
    """The flow graph of a scenario.

    ``calls`` are all that match and ``read`` those whose paths the figures are of: calls that go on, or of which
    nothing was mined, have none. ``closing`` are labels that are part of ``(end)``. Steps and edges come by how often
    they were taken; what is not ``kept`` is noise, or the flow with steps left out. ``outcomes`` is who said how calls
    ended. ``notes`` are what a reader has to know, a sentence each.
    """

    scenario: str
    calls: int
    read: int
    outcomes: OutcomeSource
    closing: tuple[str, ...] = ()
    steps: tuple[MinedStep, ...] = ()
    edges: tuple[MinedEdge, ...] = ()
    notes: tuple[str, ...] = ()
    emptied_by: str | None = None

    @property
    def mined(self) -> MinedFlow:
        """The graph alone."""
        return MinedFlow(self.read, self.closing, self.steps, self.edges)


async def flow(asking: Asking, question: Flow) -> ScenarioFlow:
    """The graph of the calls that match.

    Raises:
        NoField: a condition cannot be asked.
        Unknown: the scenario, or another name that was asked for, is not in the store.
        TooWide: a condition matches too many calls for one filter.
    """
    conditions = (Condition(field="scenario", values=(question.scenario,)), *question.where)
    narrowings = await narrowed(asking, CALLS, conditions, question.outcomes)
    where = combined(asking.asker, narrowings)
    calls = await asking.store.count(CALLS, where)
    if not calls:
        emptied = await emptied_by(asking, CALLS, narrowings)
        return ScenarioFlow(question.scenario, 0, 0, question.outcomes, emptied_by=emptied)
    result = place_of_outcome(question.outcomes, result=True)
    hits = await _read(asking, where, result)
    walks = list(_walks(hits, result))
    graph = mined(walks)
    return ScenarioFlow(
        question.scenario,
        calls,
        graph.calls,
        question.outcomes,
        graph.closing,
        graph.steps,
        graph.edges,
        tuple(_notes(calls, len(hits), walks, question.outcomes)),
    )


async def _read(asking: Asking, where: Where, result: str) -> list[Hit]:
    fields = ["path", "path_ms", "duration_ms", LIVE, result]
    hits: list[Hit] = []
    after = None
    while len(hits) < _MOST_READ:
        page, after = await asking.store.page(CALLS, where, min(_PAGE, _MOST_READ - len(hits)), after, fields=fields)
        hits += page
        if after is None:
            break
    return hits


def _walks(hits: Iterable[Hit], result: str) -> Iterable[Walk]:
    for hit in hits:
        stored = hit.payload
        if "path" in stored and not stored.get(LIVE):
            yield Walk(tuple(stored["path"]), _times(stored), stored.get("duration_ms"), stored.get(result))


def _times(stored: Mapping[str, Any]) -> tuple[int, ...] | None:
    """When each step was; calls that were stored before times were have none."""
    times = tuple(stored.get("path_ms", ()))
    return times if len(times) == len(stored["path"]) else None


def _notes(calls: int, read: int, walks: list[Walk], outcomes: OutcomeSource) -> Iterable[str]:
    if read < calls:
        yield f"the paths of {read:,} of {calls:,} calls were read, a sample"
    if len(walks) < read:
        yield f"{read - len(walks):,} calls have no path: they go on, or were not mined"
    timed = sum(walk.at_ms is not None for walk in walks)
    if timed < len(walks):
        yield f"times are of {timed:,} calls; the others were stored before steps had one"
    if any(walk.result in {"won", "lost"} for walk in walks):
        yield f"how calls ended is {outcomes}"
