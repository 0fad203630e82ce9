"""What earlier calls did that had come the same way, for a call that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from pipeline.flow.counts import LONGEST, Counts
from pipeline.flow.decay import growth
from pipeline.flow.fitting import fit
from pipeline.flow.graph import END, START
from pipeline.flow.next_steps import Context, NextSteps
from pipeline.flow.odds import Outcomes
from schemas.flow import FlowGraph, Guidance, NextStep

SHOWN: Final = 5
"""Next steps that are told: of dialogues tried, the true one is among three in two of three cases."""
SUPPORT: Final = 5.0
"""Times, decayed, that a context was met, from which on it is told as what the counts stand on."""


class Guide(Protocol):
    """Knows what earlier calls did; the same for the same arguments, whenever it is asked."""

    def __call__(self, tenant_id: str, scenario: str, labels: Sequence[str], at: datetime) -> Guidance | None:
        """What calls did that had come this way, as it was known at this time; None where nothing is known."""


class Model:
    """Guides by the graphs of one scenario, as they stood at one time; made once, in some 0.1 s, and asked often.

    Args:
        graphs: of the partitions; at least one path is in them.
        name: the version, as guidance names it.
    """

    def __init__(self, graphs: Sequence[FlowGraph], name: str) -> None:
        counts = _together(graphs)
        self.paths = sum(graph.paths for graph in graphs)
        self._name = name
        self._steps = NextSteps(counts)
        self._outcomes = Outcomes(counts)
        self._fitted = fit(self._steps, _samples(graphs, counts))

    def guidance(self, labels: Sequence[str]) -> Guidance:
        """What comes next after these steps of a call."""
        walk = self._steps.numbers(labels)
        shares = self._steps.probabilities(walk, self._fitted)
        context, steps = self._stands_on(walk)
        seen = np.zeros(self._steps.size) if context is None else context.dense(self._steps.size)
        best = np.argsort(-shares, kind="stable")[:SHOWN].tolist()
        return Guidance(
            next=tuple(
                NextStep(
                    label=self._steps.labels[number],
                    probability=round(float(shares[number]), 4),
                    seen=round(float(seen[number]), 2),
                    odds=self._outcomes.odds([*walk[-LONGEST:], number]),
                )
                for number in best
                if number != self._steps.start
            ),
            odds=self._outcomes.odds(walk[-LONGEST - 1 :]),
            context=steps,
            seen=round(float(seen.sum()), 2),
            graph=self._name,
        )

    def shares(self, labels: Sequence[str]) -> dict[str, float]:
        """The probability of each step that was ever seen."""
        shares = self._steps.probabilities(self._steps.numbers(labels), self._fitted).tolist()
        return {label: share for label, share in zip(self._steps.labels, shares, strict=True) if label != START}

    def _stands_on(self, walk: Sequence[int]) -> tuple[Context | None, tuple[str, ...]]:
        """The longest context that was met often enough, else the last step alone, if it was ever met."""
        for length in range(min(LONGEST, len(walk)), 0, -1):
            context = self._steps.context(walk, length)
            if context is not None and (length == 1 or context.weights.sum() >= SUPPORT):
                return context, tuple(self._steps.labels[number] for number in walk[len(walk) - length :])
        return None, ()


def _together(graphs: Sequence[FlowGraph]) -> Counts:
    """The partitions added up, their weights as they stand at the latest of their times."""
    times = [graph.as_of for graph in graphs if graph.as_of is not None]
    counts = Counts()
    for graph in graphs:
        if graph.as_of is None or graph.half_life_days is None:  # as graphs were before there were weights
            continue
        counts.take(graph, 1 / growth(graph.as_of, max(times), graph.half_life_days))
    counts.scale(1.0)
    return counts


def _samples(graphs: Sequence[FlowGraph], counts: Counts) -> list[list[int]]:
    """The paths that graphs keep whole, the newest of each last, by the numbers of their labels."""
    start, end = counts.number(START), counts.number(END)
    parts = [
        [[start, *(counts.number(graph.nodes[place].label) for place in path), end] for path in graph.sample]
        for graph in graphs
    ]
    longest = max((len(part) for part in parts), default=0)
    return [path for back in range(longest, 0, -1) for part in parts if len(part) >= back for path in [part[-back]]]
