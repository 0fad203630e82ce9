"""How well the fields of insights are found, or how far two versions agree, with what chance alone may do to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from pipeline.backtest.cases import Case
from pipeline.backtest.items import Item, ScoredField, is_among, items_of
from pipeline.backtest.result import FieldChange, FieldMatch, FieldScore
from pipeline.evaluate.bootstrap import Sums, interval_of
from pipeline.evaluate.intents import Counts, counted
from schemas.insight import CallInsight

ROUNDS: Final = 2_000
SEED: Final = 0
_KINDS: Final = 4


def counts_of(cases: Sequence[Case], insights: Sequence[CallInsight | None], scored: ScoredField) -> list[Counts]:
    """Right and found items of each call in which the field is labelled; a call without an insight has found nothing.

    An item that people do not agree on counts neither as right nor as wrong.
    """
    return [
        _counted([one for one in items_of(insight, scored) if _counts(one, case, scored)], case.gold[scored])
        for case, insight in zip(cases, insights, strict=True)
        if scored in case.gold
    ]


def score(scored: ScoredField, counts: Sequence[Counts]) -> FieldScore:
    """Precision, recall and F1 over all items (micro), and the interval of F1."""
    total = sum(counts, Counts())
    span = interval_of([_row(one) for one in counts] or np.empty((0, _KINDS)), _f1s, rounds=ROUNDS, seed=SEED)
    return FieldScore(
        field=scored,
        precision=total.precision,
        recall=total.recall,
        f1=f1_of(total),
        low=span and span[0],
        high=span and span[1],
        support=total.labelled,
    )


def change(scored: ScoredField, first: Sequence[Counts], second: Sequence[Counts]) -> FieldChange | None:
    """F1 of the second less that of the first, on the same calls; None where one of them has none."""
    before, after = f1_of(sum(first, Counts())), f1_of(sum(second, Counts()))
    if before is None or after is None:
        return None

    def differences(sums: Sums) -> Sums:
        return _f1s(sums[:, _KINDS:]) - _f1s(sums[:, :_KINDS])

    pairs = [(*_row(one), *_row(other)) for one, other in zip(first, second, strict=True)]
    span = interval_of(pairs, differences, rounds=ROUNDS, seed=SEED)
    return FieldChange(field=scored, difference=after - before, low=span and span[0], high=span and span[1])


def agreement(
    scored: ScoredField, first: Iterable[CallInsight | None], second: Iterable[CallInsight | None]
) -> FieldMatch:
    """How far two versions say the same, whatever is right: the F1 of one measured by the other (Dice)."""
    both = [_counted(items_of(other, scored), items_of(one, scored)) for one, other in zip(first, second, strict=True)]
    total = sum(both, Counts())
    return FieldMatch(field=scored, agreement=f1_of(total), first=total.labelled, second=total.predicted)


def f1_of(counts: Counts) -> float | None:
    """The harmonic mean of precision and recall; None where nothing was predicted and nothing is labelled."""
    value = float(_f1s(np.asarray([_row(counts)], dtype=np.float64))[0])
    return None if np.isnan(value) else value


def _counts(item: Item, case: Case, scored: ScoredField) -> bool:
    return is_among(item, case.gold[scored]) or not is_among(item, case.unsure.get(scored, ()))


def _counted(predicted: Sequence[Item], labelled: Sequence[Item]) -> Counts:
    return counted(predicted, labelled, Item.is_same)


def _row(counts: Counts) -> tuple[int, int, int, int]:
    return (counts.predicted, counts.right, counts.labelled, counts.found)


def _f1s(sums: Sums) -> Sums:
    """From sums of ``_row``, of shape (rounds, 4); NaN where there is nothing to score."""
    predicted, right, labelled, found = sums.T
    precision = right / np.maximum(predicted, 1)
    recall = found / np.maximum(labelled, 1)
    f1 = 2 * precision * recall / np.where(precision + recall > 0, precision + recall, 1)
    return np.where(predicted + labelled > 0, f1, np.nan)
