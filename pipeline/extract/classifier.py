"""A text classifier with calibrated probabilities: tf-idf of words and characters, an embedding, a linear SVM.

A linear support vector machine over words 1-2 and characters 2-5 is the strong simple baseline for short texts (Wang
and Manning, 2012); its margins become probabilities by one temperature, fitted on folds that the margins were not
learnt from (Guo et al., 2017). Constants were chosen by cross-validation, see ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import Config
from pipeline.extract.words import spelled_out, words

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.str_]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]

# Where examples are few a joint logistic regression is better, where they are many support vectors are quicker.
_MANY: Final = 1_000
_FEW_C: Final = 5.0
_MANY_C: Final = 0.5
_EMBEDDING_WEIGHT: Final = 2.0
_FOLDS: Final = 5
_TEMPERATURES: Final = np.geomspace(0.3, 30.0, 80)


class TextClassifier:
    """Labels with probabilities for whole texts; made by ``fit``."""

    def __init__(self, features: _Features, model: _Linear, temperature: float) -> None:
        self._features = features
        self._model = model
        self._temperature = temperature
        self.labels = model.labels

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str], *, encode: Encode | None = None) -> TextClassifier:
        """Learn from one label a text; ``encode`` adds an embedding to the features.

        Raises:
            ValueError: fewer than two different labels.
            Config: scikit-learn is not installed.
        """
        if len(set(labels)) < 2:  # noqa: PLR2004 - one label is nothing to choose from
            raise ValueError("a classifier needs texts of at least two different labels")
        features = _Features(encode)
        matrix, targets = features.fit(texts), np.asarray(labels)
        if len(texts) >= _MANY:
            return cls(features, _support_vectors(matrix, targets), _temperature(_support_vectors, matrix, targets))
        rows, back = _in_few_dimensions(matrix)
        model = _joint_regression(rows, targets)
        moved = _Linear(model.labels, (model.weights @ back.T) @ matrix, model.intercepts)
        return cls(features, moved, _temperature(_joint_regression, rows, targets))

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels); each row adds up to 1."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        return _softmax(self._model.margins(self._features(texts)) * self._temperature)


@dataclass(frozen=True, slots=True)
class _Linear:
    """A margin for each label: ``weights`` of shape (labels, features)."""

    labels: tuple[str, ...]
    weights: Floats
    intercepts: Floats

    def margins(self, matrix: Any) -> Floats:  # noqa: ANN401 - a scipy or numpy matrix
        return np.asarray(matrix @ self.weights.T) + self.intercepts


class _Features:
    """Sparse rows of tf-idf values, with the embedding's columns beside them."""

    def __init__(self, encode: Encode | None) -> None:
        vectorizer = _sklearn("feature_extraction.text").TfidfVectorizer
        plain = {"lowercase": False, "sublinear_tf": True}
        self._words = vectorizer(tokenizer=str.split, token_pattern=None, ngram_range=(1, 2), **plain)
        self._characters = vectorizer(analyzer="char_wb", ngram_range=(2, 5), **plain)
        self._encode = encode

    def fit(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a scipy matrix
        texts = [_normalised(text) for text in texts]
        return self._beside(self._words.fit_transform(texts), self._characters.fit_transform(texts), texts)

    def __call__(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a scipy matrix
        texts = [_normalised(text) for text in texts]
        return self._beside(self._words.transform(texts), self._characters.transform(texts), texts)

    def _beside(self, by_word: Any, by_character: Any, texts: Sequence[str]) -> Any:  # noqa: ANN401 - scipy matrices
        from scipy import sparse

        parts = [by_word, by_character]
        if self._encode is not None:
            parts.append(sparse.csr_matrix(_EMBEDDING_WEIGHT * self._encode(texts)))
        return sparse.hstack(parts, format="csr")


def check_installed() -> None:
    """Raises ``Config`` where scikit-learn is not installed."""
    _sklearn("linear_model")


def _normalised(text: str) -> str:
    return " ".join(spelled_out(word.text) for word in words(text))


def _in_few_dimensions(matrix: Any) -> tuple[Floats, Floats]:  # noqa: ANN401 - a scipy matrix
    """The same rows in as many dimensions as there are rows, and the way back.

    A linear model with a squared penalty is the same in either space, as its weights are a sum of the rows (representer
    theorem); tens of thousands of n-grams become a few hundred columns and a fit of half a minute one of half a second.
    """
    values, vectors = np.linalg.eigh((matrix @ matrix.T).toarray())
    kept = values > values[-1] * 1e-9
    roots = np.sqrt(values[kept])
    return vectors[:, kept] * roots, vectors[:, kept] / roots


def _joint_regression(matrix: Any, targets: Labels) -> _Linear:  # noqa: ANN401 - a scipy or numpy matrix
    """The better one where examples are few."""
    maker = _sklearn("linear_model").LogisticRegression
    return _plain(maker(C=_FEW_C, class_weight="balanced", max_iter=300, tol=1e-3).fit(matrix, targets))


def _support_vectors(matrix: Any, targets: Labels) -> _Linear:  # noqa: ANN401 - a scipy matrix
    """The quicker one where examples are many."""
    maker = _sklearn("svm").LinearSVC
    return _plain(maker(C=_MANY_C, class_weight="balanced", random_state=0).fit(matrix, targets))


def _plain(model: Any) -> _Linear:  # noqa: ANN401 - scikit-learn has no types
    weights, intercepts = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weights) == 1:  # two labels share one margin
        weights, intercepts = np.vstack([-weights, weights]), np.concatenate([-intercepts, intercepts])
    return _Linear(tuple(str(label) for label in model.classes_), weights, intercepts)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result


def _temperature(learn: Callable[[Any, Labels], _Linear], matrix: Any, targets: Labels) -> float:  # noqa: ANN401 - a matrix
    """The factor on the margins under which folds that were left out are most likely."""
    fold_of = _folds(targets)
    gathered = []
    for fold in range(1 if len(targets) >= _MANY else _FOLDS):
        held, kept = fold_of == fold, fold_of != fold
        held &= np.isin(targets, targets[kept])
        if held.any() and len(set(targets[kept])) > 1:
            model = learn(matrix[kept], targets[kept])
            gathered.append((model.margins(matrix[held]), np.searchsorted(model.labels, targets[held])))
    if not gathered:
        return 1.0
    return float(min(_TEMPERATURES, key=lambda factor: sum(_surprise(m * factor, truth) for m, truth in gathered)))


def _folds(targets: Labels) -> npt.NDArray[np.int_]:
    """A fold for each text, dealt out within each label, so that a label is missing from as few folds as can be."""
    fold_of = np.zeros(len(targets), dtype=np.int_)
    shuffle = np.random.default_rng(0)
    for label in np.unique(targets):
        members = shuffle.permutation(np.flatnonzero(targets == label))
        fold_of[members] = np.arange(len(members)) % _FOLDS
    return fold_of


def _surprise(scores: Floats, truth: npt.NDArray[np.intp]) -> float:
    return float(-np.log(np.maximum(_softmax(scores)[np.arange(len(truth)), truth], 1e-12)).sum())


def _sklearn(module: str) -> Any:  # noqa: ANN401 - scikit-learn has no types
    import importlib

    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise Config(
            "CONVMINE_EXTRACT_EXTRACTOR",
            "the lexical extractor needs scikit-learn, which is not installed",
            hint="pip install 'convmine[local]'",
        ) from error
