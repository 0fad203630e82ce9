from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pipeline.evaluate import intent_folds
from pipeline.evaluate.intent_folds import few_a_label, score_folds
from pipeline.evaluate.labelled_texts import LabelledTexts

TEXTS = LabelledTexts(
    tuple(f"{word} {number}" for number in range(12) for word in ("cancel", "price")),
    ("cancel", "price") * 12,
    groups=tuple(str(number // 3) for number in range(12) for _ in range(2)),
)


def test_few_texts_a_label_are_drawn_by_seed() -> None:
    few = few_a_label(TEXTS, 3, seed=1)
    assert Counter(few.labels) == {"cancel": 3, "price": 3}
    assert few == few_a_label(TEXTS, 3, seed=1)
    assert few != few_a_label(TEXTS, 3, seed=2)


def test_every_text_is_scored_once_and_never_beside_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    group = dict(zip(TEXTS.texts, TEXTS.groups, strict=True))
    asked: list[str] = []

    def spied(train: LabelledTexts, texts: tuple[str, ...], _: object) -> tuple[list[str], np.ndarray]:
        assert {group[text] for text in texts}.isdisjoint(train.groups)
        asked.extend(texts)
        return [text.split()[0] for text in texts], np.ones(len(texts))

    monkeypatch.setattr(intent_folds, "predicted", spied)
    assert score_folds(TEXTS, 2, None).accuracy == 1
    assert sorted(asked) == sorted(TEXTS.texts)


def test_folds_are_learnt_from_few_texts_where_that_is_asked() -> None:
    scores = score_folds(TEXTS, 3, None, few=2)
    assert scores.accuracy == 1
    assert scores.per_intent["price"].support == 12
