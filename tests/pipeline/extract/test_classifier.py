from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.errors import Config
from pipeline.extract import classifier
from pipeline.extract.classifier import TextClassifier

TEXTS = [
    "i want to cancel",
    "please cancel it",
    "cancel my line",
    "how much is it",
    "what does it cost",
    "the price",
] * 2
LABELS = ["cancel"] * 3 + ["price"] * 3


def test_probabilities_add_up_and_name_the_learnt_label() -> None:
    fitted = TextClassifier.fit(TEXTS, LABELS * 2)
    rows = fitted.probabilities(["cancel please", "what is the price"])
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert [fitted.labels[best] for best in rows.argmax(axis=1)] == ["cancel", "price"]


def test_the_same_texts_give_the_same_probabilities_again() -> None:
    rows = [TextClassifier.fit(TEXTS, LABELS * 2).probabilities(["how much to cancel"]) for _ in range(2)]
    assert (rows[0] == rows[1]).all()


def test_a_label_with_a_single_example_can_be_learnt() -> None:
    fitted = TextClassifier.fit([*TEXTS, "goodbye"], [*LABELS, *LABELS, "bye"])
    assert fitted.labels == ("bye", "cancel", "price")


def test_one_label_is_nothing_to_choose_from() -> None:
    with pytest.raises(ValueError, match="two different labels"):
        TextClassifier.fit(["a", "b"], ["x", "x"])


def test_few_and_many_examples_are_learnt_by_other_models_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["cancel the line please", "what is the cost of it", "the line"]
    few = TextClassifier.fit(TEXTS, LABELS * 2).probabilities(asked)
    monkeypatch.setattr(classifier, "_MANY", 5)
    many = TextClassifier.fit(TEXTS, LABELS * 2).probabilities(asked)
    assert not np.allclose(few[2], many[2], atol=1e-9)
    assert (few[:2].argmax(axis=1) == many[:2].argmax(axis=1)).all()


def test_an_embedding_takes_part() -> None:
    def encode(words: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if "x" in word else [0.0, 1.0] for word in words], np.float32)

    fitted = TextClassifier.fit(
        ["ax", "bx", "cx", "d", "e", "f"] * 2, ["one"] * 3 + ["two"] * 3 + ["one"] * 3 + ["two"] * 3, encode=encode
    )
    assert fitted.labels[fitted.probabilities(["zzx"]).argmax()] == "one"


def test_a_text_without_words_has_probabilities_too() -> None:
    rows = TextClassifier.fit(TEXTS, LABELS * 2).probabilities(["...", "cancel"])
    assert rows.sum(axis=1) == pytest.approx([1, 1])


def test_texts_of_which_none_has_a_word_cannot_be_learnt_from() -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        TextClassifier.fit(["...", "!"], ["a", "b"])


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.linear_model", None)
    with pytest.raises(Config) as caught:
        classifier.check_installed()
    assert caught.value.hint == "pip install 'convmine[local]'"
