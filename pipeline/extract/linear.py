"""The two linear models of the classifier: a joint regression where examples are few, support vectors where many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.extract.features import Floats, sklearn

Labels = npt.NDArray[np.str_]

# By five folds of MultiDoGO: with eight examples a label 1 to 10 differ by 0.005 of macro-F1; with all of them 0.5
# loses 0.003 to 0.2.
_FEW_C: Final = 5.0
_MANY_C: Final = 0.2


@dataclass(frozen=True, slots=True)
class Linear:
    """A margin for each label: ``weights`` of shape (labels, features)."""

    labels: tuple[str, ...]
    weights: Floats
    intercepts: Floats

    def margins(self, matrix: Any) -> Floats:  # noqa: ANN401 - a scipy or numpy matrix
        """Shape (rows, labels)."""
        return np.asarray(matrix @ self.weights.T) + self.intercepts


def joint_regression(matrix: Any, targets: Labels) -> Linear:  # noqa: ANN401 - a scipy or numpy matrix
    """Multinomial logistic regression in which every label weighs the same, however few texts it has."""
    maker = sklearn("linear_model").LogisticRegression
    return _plain(maker(C=_FEW_C, class_weight="balanced", max_iter=300, tol=1e-3).fit(matrix, targets))


def support_vectors(matrix: Any, targets: Labels) -> Linear:  # noqa: ANN401 - a scipy matrix
    """One machine a label, in which a label weighs the square root of how often it is there.

    Half way between every text alike, which loses the rare labels, and every label alike, which lets a label of a
    single, perhaps mistaken, text outweigh hundreds.
    """
    counts = Counter(targets.tolist())
    mean = len(targets) / sum(count**0.5 for count in counts.values())
    weights = {label: mean * count**-0.5 for label, count in counts.items()}
    maker = sklearn("svm").LinearSVC
    return _plain(maker(C=_MANY_C, class_weight=weights, random_state=0).fit(matrix, targets))


def in_few_dimensions(matrix: Any) -> tuple[Floats, Floats]:  # noqa: ANN401 - a scipy matrix
    """The same rows in as many dimensions as there are rows, and the way back.

    A linear model with a squared penalty is the same in either space, as its weights are a sum of the rows (representer
    theorem); tens of thousands of n-grams become a few hundred columns and a fit of half a minute one of half a second.
    """
    values, vectors = np.linalg.eigh((matrix @ matrix.T).toarray())
    kept = values > values[-1] * 1e-9
    roots = np.sqrt(values[kept])
    return vectors[:, kept] * roots, vectors[:, kept] / roots


def _plain(model: Any) -> Linear:  # noqa: ANN401 - scikit-learn has no types
    weights, intercepts = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weights) == 1:  # two labels share one margin
        weights, intercepts = np.vstack([-weights, weights]), np.concatenate([-intercepts, intercepts])
    return Linear(tuple(str(label) for label in model.classes_), weights, intercepts)
