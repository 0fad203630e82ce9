"""How well intents are found: in whole texts with one label each, and in calls with labelled turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.evaluate.labelled_texts import LabelledTexts, LabelledTextsUnreadable
from pipeline.extract.classifier import TextClassifier
from pipeline.extract.features import Encode
from schemas.insight import CallInsight
from schemas.wire import Role

Place = tuple[Role, int, int]
"""Who speaks, from when to when, in ms."""
T = TypeVar("T")
# Bins of equal width, as Guo et al. (2017) measure calibration.
_BINS: Final = 15


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label against all others; ``support`` is how often it is true."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class TextScores:
    """Means over the labels (macro), the share of right texts, and the expected calibration error."""

    macro_f1: float
    precision: float
    recall: float
    accuracy: float
    ece: float
    per_intent: dict[str, LabelScore]


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A turn of a call with the intents that stand in it."""

    role: Role
    start_ms: int
    end_ms: int
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Right among the predicted, and found among the labelled; counted apart, as a segment may span two turns."""

    predicted: int = 0
    right: int = 0
    labelled: int = 0
    found: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.predicted + other.predicted,
            self.right + other.right,
            self.labelled + other.labelled,
            self.found + other.found,
        )

    @property
    def precision(self) -> float | None:
        """Right of the predicted; None where nothing was predicted."""
        return self.right / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Found of the labelled; None where nothing is labelled."""
        return self.found / self.labelled if self.labelled else None


def score_texts(train: LabelledTexts, test: LabelledTexts, encode: Encode | None) -> TextScores:
    """Train the lexical classifier on one file and score it on the other.

    Raises:
        LabelledTextsUnreadable: the training texts cannot be learnt from, as they have but one label.
        Config: scikit-learn is not installed.
    """
    return score_predictions(test.labels, *predicted(train, test.texts, encode))


def predicted(
    train: LabelledTexts, texts: Sequence[str], encode: Encode | None
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The surest label of each text and its probability; raises as ``score_texts``."""
    try:
        classifier = TextClassifier.fit(train.texts, train.labels, encode=encode)
    except ValueError as error:
        raise LabelledTextsUnreadable(f"the training texts cannot be learnt from: {error}") from error
    probabilities = classifier.probabilities(texts)
    return [classifier.labels[best] for best in probabilities.argmax(axis=1)], probabilities.max(axis=1)


def score_predictions(
    truth: Sequence[str], predicted: Sequence[str], confidence: npt.NDArray[np.float64]
) -> TextScores:
    """Scores of labels with their confidences; a label counts if it is true or was predicted anywhere."""
    right = np.array([a == b for a, b in zip(truth, predicted, strict=True)], dtype=np.float64)
    supports, guesses = Counter(truth), Counter(predicted)
    hits = Counter(label for label, guess in zip(truth, predicted, strict=True) if label == guess)
    per = {name: _label_score(hits[name], guesses[name], supports[name]) for name in sorted(supports | guesses)}
    return TextScores(
        macro_f1=_mean(score.f1 for score in per.values()),
        precision=_mean(score.precision for score in per.values()),
        recall=_mean(score.recall for score in per.values()),
        accuracy=float(right.mean()),
        ece=calibration_error(right, confidence),
        per_intent=per,
    )


def calibration_error(right: npt.NDArray[np.float64], confidence: npt.NDArray[np.float64]) -> float:
    """The mean distance of confidence and share of right answers over bins of confidence, weighted by their sizes."""
    bins = np.minimum((confidence * _BINS).astype(np.int_), _BINS - 1)
    gaps = [
        abs(right[members].mean() - confidence[members].mean()) * members.sum()
        for members in (bins == number for number in range(_BINS))
        if members.any()
    ]
    return float(sum(gaps) / len(right))


def score_calls(predicted: CallInsight, labelled: Sequence[LabelledTurn]) -> Counts:
    """An intent is right if a turn of the same role that has it overlaps its evidence in time."""
    intents = [
        (intent.name, evidence.role, evidence.start_ms, evidence.end_ms)
        for intent in predicted.intents
        for evidence in intent.evidence[:1]
    ]
    wanted = [(name, turn.role, turn.start_ms, turn.end_ms) for turn in labelled for name in turn.intents]
    return counted(intents, wanted, _same)


def counted(predicted: Sequence[T], labelled: Sequence[T], same: Callable[[T, T], bool]) -> Counts:
    """What is right of the predicted, and found of the labelled."""
    return Counts(
        predicted=len(predicted),
        right=sum(any(same(one, other) for other in labelled) for one in predicted),
        labelled=len(labelled),
        found=sum(any(same(one, other) for one in predicted) for other in labelled),
    )


def overlap(one: Place, other: Place) -> bool:
    """Whether the same role speaks in both, at a time that both have."""
    # A message of a chat has no length: times that touch overlap.
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]


def _same(one: tuple[str, Role, int, int], other: tuple[str, Role, int, int]) -> bool:
    return one[0] == other[0] and overlap(one[1:], other[1:])


def _label_score(hits: int, guesses: int, support: int) -> LabelScore:
    precision = hits / guesses if guesses else 0.0
    recall = hits / support if support else 0.0
    f1 = 2 * hits / (guesses + support)
    return LabelScore(precision, recall, f1, support)


def _mean(values: Iterable[float]) -> float:
    gathered = list(values)
    return sum(gathered) / len(gathered)
