"""Which labelled texts are learnt from and which are scored: folds that keep groups together, and few texts a label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.evaluate.intents import TextScores, predicted, score_predictions
from pipeline.evaluate.labelled_texts import LabelledTexts
from pipeline.extract.features import Encode


def few_a_label(texts: LabelledTexts, count: int, seed: int) -> LabelledTexts:
    """At most ``count`` texts of each label, drawn by ``seed``."""
    labels = np.asarray(texts.labels)
    draw = np.random.default_rng(seed)
    drawn = [draw.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)]
    return texts.only(sorted(np.concatenate(drawn).tolist()))


def score_folds(
    texts: LabelledTexts, count: int, encode: Encode | None, *, few: int | None = None, seed: int = 0
) -> TextScores:
    """Each text is scored once, by what was learnt from the other folds; the scores are of all folds together.

    Args:
        texts: a group of them, where they have groups, is in one fold.
        count: of folds, at least 2.
        encode: as for ``score_texts``.
        few: at most how many texts a label are learnt from.
        seed: how groups, or else texts, are dealt out to the folds, and which few texts are drawn.

    Raises:
        LabelledTextsUnreadable: a fold cannot be learnt from.
    """
    fold_of = _dealt(texts, count, seed)
    labels, confidence = np.empty(len(texts.texts), dtype=object), np.zeros(len(texts.texts))
    for fold in range(count):
        held = np.flatnonzero(fold_of == fold)
        train = texts.only(np.flatnonzero(fold_of != fold).tolist())
        train = train if few is None else few_a_label(train, few, seed)
        labels[held], confidence[held] = predicted(train, texts.only(held.tolist()).texts, encode)
    return score_predictions(texts.labels, labels.tolist(), confidence)


def _dealt(texts: LabelledTexts, count: int, seed: int) -> npt.NDArray[np.intp]:
    """The fold of each text."""
    _, group_of = np.unique(texts.groups or np.arange(len(texts.texts)), return_inverse=True)
    groups = np.random.default_rng(seed).permutation(group_of.max() + 1)
    folds: npt.NDArray[np.intp] = (groups % count)[group_of]
    return folds
