"""A text classifier with calibrated probabilities: tf-idf of words and characters, an embedding, a linear model.

A linear support vector machine over words 1-2 and characters 2-5 is the strong simple baseline for short texts (Wang
and Manning, 2012). What was tried beside it, and how the constants were chosen: ``docs/measurements.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from pipeline.extract.calibration import Truth, best_factor, folds, probabilities
from pipeline.extract.compounds import joined_texts
from pipeline.extract.features import Encode, Features, Floats, sklearn, terms_in
from pipeline.extract.linear import Labels, Linear, in_few_dimensions, joint_regression, support_vectors
from pipeline.extract.scoring import Places, RunScorer

# Where examples are few a joint logistic regression is better, where they are many support vectors are quicker.
_MANY: Final = 1_000
_FOLDS: Final = 5
# The factor to expect on the margins of the joint regression, by five folds of MultiDoGO with eight examples a label.
_USUAL_FACTOR: Final = 1.5
_TEXTS_AT_A_TIME: Final = 500

_Learn = Callable[[Any, Labels], Linear]


class TextClassifier:
    """Labels with probabilities for texts and for runs of words; made by ``fit``."""

    def __init__(self, scorer: RunScorer, model: Linear, factor: float) -> None:
        self._scorer = scorer
        self._intercepts = model.intercepts
        self._factor = factor
        self.labels = model.labels

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str], *, encode: Encode | None = None) -> TextClassifier:
        """Learn from one label a text; ``encode`` adds an embedding to the features.

        Raises:
            ValueError: fewer than two different labels, or not a word in all texts.
            Config: scikit-learn is not installed.
        """
        if len(set(labels)) < 2:  # noqa: PLR2004 - one label is nothing to choose from
            raise ValueError("a classifier needs texts of at least two different labels")
        features = Features(encode)
        made = joined_texts(texts, labels)
        matrix = features.fit([terms_in(text) for text in chain(texts, (text for text, _ in made))])
        targets = np.asarray([*labels, *(label for _, label in made)])
        fold_of = np.concatenate([folds(targets[: len(texts)], _FOLDS), np.full(len(made), -1)])
        from threadpoolctl import threadpool_limits  # comes with scikit-learn, which the features have asked for

        # Matrices have a few hundred rows: more threads wait for each other, in a spin that takes the other cores.
        with threadpool_limits(1):
            model, factor = (_of_many if len(texts) >= _MANY else _of_few)(matrix, targets, fold_of)
        return cls(RunScorer(features, model.weights), model, factor)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels); each row adds up to 1."""
        rows = [np.zeros((0, len(self.labels)))]
        for start in range(0, len(texts), _TEXTS_AT_A_TIME):
            terms = [terms_in(text) for text in texts[start : start + _TEXTS_AT_A_TIME]]
            ends = np.cumsum([0, *map(len, terms)])
            rows.append(self.of_runs(list(chain.from_iterable(terms)), ends[:-1], ends[1:]))
        return np.vstack(rows)

    def of_runs(self, terms: Sequence[str], first: Places, after: Places) -> Floats:
        """The probabilities of the runs ``terms[first[i]:after[i]]``, shape (runs, labels)."""
        return probabilities((self._scorer.margins(terms, first, after) + self._intercepts) * self._factor)


def check_installed() -> None:
    """Raises ``Config`` where scikit-learn is not installed."""
    sklearn("linear_model")


def _of_many(matrix: Any, targets: Labels, fold_of: Truth) -> tuple[Linear, float]:  # noqa: ANN401 - a scipy matrix
    """Support vectors, and the factor on their margins by one fold that is held out."""
    return support_vectors(matrix, targets), best_factor(_held_out(support_vectors, matrix, targets, fold_of == 0))


def _of_few(matrix: Any, targets: Labels, fold_of: Truth) -> tuple[Linear, float]:  # noqa: ANN401 - a scipy matrix
    """A joint regression, and the factor on its margins by all folds."""
    rows, back = in_few_dimensions(matrix)
    few = joint_regression(rows, targets)
    held = (_held_out(joint_regression, rows, targets, fold_of == fold) for fold in range(_FOLDS))
    factor = best_factor(chain.from_iterable(held), usual=_USUAL_FACTOR)
    return Linear(few.labels, (few.weights @ back.T) @ matrix, few.intercepts), factor


def _held_out(learn: _Learn, matrix: Any, targets: Labels, held: Any) -> Iterator[tuple[Floats, Truth]]:  # noqa: ANN401 - a matrix and a mask
    """What is learnt from the other texts says of these; nothing where the others have but one label."""
    kept = ~held
    held = held & np.isin(targets, targets[kept])
    if held.any() and len(set(targets[kept])) > 1:
        model = learn(matrix[kept], targets[kept])
        yield model.margins(matrix[held]), np.searchsorted(model.labels, targets[held])
