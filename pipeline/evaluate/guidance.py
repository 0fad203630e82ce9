"""How well next steps are foretold on dialogues that were not learnt from, beside a plain bigram."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from pipeline.evaluate.intents import calibration_error
from pipeline.flow.counts import LONGEST
from pipeline.flow.graph import END, START, empty
from pipeline.flow.guidance import Model
from pipeline.flow.mining import Walk
from pipeline.flow.tally import Tally
from schemas.call import OutcomeResult
from schemas.flow import FlowPath, Guidance, Step
from schemas.wire import Role

ORDERS: Final = tuple(range(LONGEST, -1, -1))
"""Steps of the contexts that are used, longest first."""
_DECIDED: Final[Mapping[str | None, float]] = {OutcomeResult.WON: 1.0, OutcomeResult.LOST: 0.0}
_NO_DECAY_DAYS: Final = 36_500.0
_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares of steps that were foretold as the most probable one and among the first three, and calibration error."""

    hit_1: float
    hit_3: float
    ece: float


@dataclass(frozen=True, slots=True)
class OutcomeScores:
    """Of the probability that a decided dialogue is won, told at each step: mean squared error, calibration error.

    ``baseline_brier`` is that of the share of the dialogues learnt from that were won, told everywhere.
    """

    brier: float
    ece: float
    baseline_brier: float
    predictions: int


@dataclass(frozen=True, slots=True)
class GuidanceScores:
    """What comes of ``score``; ``predictions`` are the steps and ends of the tested dialogues."""

    guidance: Scores
    bigram: Scores
    predictions: int
    outcome: OutcomeScores | None


class _Foretells(Protocol):
    def shares(self, labels: Sequence[str]) -> Mapping[str, float]: ...


def score(train: Sequence[Walk], test: Sequence[Walk]) -> GuidanceScores:
    """Learn from some dialogues, as the live stages do but without decay, and foretell each step of the others."""
    model = learnt(train)
    true = [label for dialogue in test for label in (*dialogue.labels, END)]
    return GuidanceScores(
        guidance=_scores(model, test, true),
        bigram=_scores(Bigram(train), test, true),
        predictions=len(true),
        outcome=_outcome(model, train, test),
    )


def learnt(dialogues: Sequence[Walk]) -> Model:
    """The model of these dialogues; mixed, as a graph fits to its last ones, and files are often sorted."""
    tally = Tally(empty("eval", "eval", 0), _NO_DECAY_DAYS)
    mixed = random.Random(0).sample(dialogues, len(dialogues))  # noqa: S311 - the same each time
    for number, one in enumerate(mixed):
        steps = tuple(Step(label=label, role=Role.AGENT, at_ms=0) for label in one.labels)
        result = None if one.result is None else OutcomeResult(one.result)
        path = FlowPath(call_id=str(number), scenario="eval", steps=steps, duration_ms=0, result=result)
        tally.add(path, number, _AT)
    return Model([tally.graph()], "eval")


class Bigram:
    """What followed the last step, by maximum likelihood; where nothing did, and behind it, how frequent steps are."""

    def __init__(self, dialogues: Sequence[Walk]) -> None:
        self._after: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._steps = Counter[str]()
        for one in dialogues:
            walk = (START, *one.labels, END)
            for last, label in pairwise(walk):
                self._after[last][label] += 1
                self._steps[label] += 1

    def shares(self, labels: Sequence[str]) -> Mapping[str, float]:
        found = self._after.get(labels[-1] if labels else START) or self._steps
        behind = {label: count * 1e-12 for label, count in self._steps.items()}
        return behind | {label: count / found.total() for label, count in found.items()}


def _scores(model: _Foretells, test: Sequence[Walk], true: Sequence[str]) -> Scores:
    first: list[str] = []
    sure: list[float] = []
    among = 0
    for label, before in zip(true, _prefixes(test), strict=True):
        shares = model.shares(before)
        best = sorted(shares, key=lambda one: (-shares[one], one))[:3]
        first.append(best[0])
        sure.append(shares[best[0]])
        among += label in best
    right = np.array([one == other for one, other in zip(first, true, strict=True)], np.float64)
    return Scores(float(right.mean()), among / len(true), calibration_error(right, np.array(sure)))


def _outcome(model: Model, train: Sequence[Walk], test: Sequence[Walk]) -> OutcomeScores | None:
    known = [_DECIDED[one.result] for one in train if one.result in _DECIDED]
    told = [
        (guided.odds, _DECIDED[one.result]) for one in test if one.result in _DECIDED for guided in _guided(model, one)
    ]
    pairs = [(odds.won, truth) for odds, truth in told if odds is not None]
    if not pairs or not known:
        return None
    said, truth = np.array(pairs).T
    return OutcomeScores(
        brier=float(((said - truth) ** 2).mean()),
        ece=calibration_error(truth, said),
        baseline_brier=float(((np.mean(known) - truth) ** 2).mean()),
        predictions=len(pairs),
    )


def _guided(model: Model, dialogue: Walk) -> Iterator[Guidance]:
    return (model.guidance(dialogue.labels[:at]) for at in range(len(dialogue.labels) + 1))


def _prefixes(test: Sequence[Walk]) -> Iterator[Sequence[str]]:
    return (dialogue.labels[:at] for dialogue in test for at in range(len(dialogue.labels) + 1))
