from __future__ import annotations

import sys

import numpy as np
import pytest

from pipeline.errors import Config
from pipeline.llm import static_embedding
from pipeline.llm.static_embedding import StaticEmbedding


@pytest.fixture(scope="module")
def embedding() -> StaticEmbedding:
    return StaticEmbedding()


def test_vectors_are_unit_length_and_an_empty_text_is_zero(embedding: StaticEmbedding) -> None:
    rows = embedding.encode(["i want to cancel", "", "a much longer sentence about the phone bill"])
    assert rows.shape == (3, embedding.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)


def test_a_text_does_not_depend_on_its_neighbours(embedding: StaticEmbedding) -> None:
    alone = embedding.encode(["cancel my contract"])[0]
    beside = embedding.encode(["a text that is much longer than the other one", "cancel my contract"])[1]
    assert beside == pytest.approx(alone, abs=1e-6)


def test_likeness_in_meaning_is_likeness_of_vectors(embedding: StaticEmbedding) -> None:
    phone, mobile, weather = embedding.encode(["my telephone bill", "the invoice for my mobile", "sunny sky and rain"])
    assert phone @ mobile > phone @ weather


def test_the_sums_of_words_add_up_to_that_of_their_text(embedding: StaticEmbedding) -> None:
    text = "i want to cancel the 45 dollar plan 取消 套餐"
    whole = embedding.sums([text])[0]
    assert embedding.sums(text.split()).sum(axis=0) == pytest.approx(whole, abs=1e-4)
    assert whole / np.linalg.norm(whole) == pytest.approx(embedding.encode([text])[0], abs=1e-6)


def test_no_texts_give_no_rows(embedding: StaticEmbedding) -> None:
    assert embedding.encode([]).shape == (0, embedding.dimension)


def test_the_slow_package_itself_is_not_imported(embedding: StaticEmbedding) -> None:
    embedding.encode(["hello"])
    assert "wordllama" not in sys.modules


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_embedding, "installed", lambda: False)
    with pytest.raises(Config) as caught:
        StaticEmbedding()
    assert caught.value.hint == "pip install 'convmine[local]'"
