from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.features import Features, terms_in
from pipeline.extract.scoring import RunScorer

TEXTS = ["i want to cancel it", "how much is it", "it costs 30 dollars", "我想取消套餐"]
KNOWN = sorted({term for text in TEXTS for term in terms_in(text)})


def vectors(words: Sequence[str]) -> np.ndarray:
    """A stand-in for an embedding of words: a vector that depends on the word alone."""
    return np.array([[len(word), word.count("c") - 1, 1] for word in words], np.float32).reshape(-1, 3)


def scorer(*, encode: bool) -> tuple[Features, RunScorer, np.ndarray, np.ndarray]:
    features = Features(vectors if encode else None)
    matrix = features.fit([terms_in(text) for text in TEXTS]).toarray()
    weights = np.random.default_rng(0).normal(size=(3, matrix.shape[1]))
    return features, RunScorer(features, weights), matrix, weights


@pytest.mark.parametrize("encode", [True, False], ids=["with an embedding", "without"])
def test_the_margins_of_whole_texts_are_those_of_their_rows(*, encode: bool) -> None:
    _, scoring, matrix, weights = scorer(encode=encode)
    terms = [terms_in(text) for text in TEXTS]
    ends = np.cumsum([0, *map(len, terms)])
    margins = scoring.margins([term for some in terms for term in some], ends[:-1], ends[1:])
    assert margins == pytest.approx(matrix @ weights.T)


@given(st.lists(st.sampled_from([*KNOWN, "never", "heard"]), min_size=1, max_size=12), st.data())
def test_a_run_scores_as_if_it_stood_alone(terms: list[str], data: st.DataObject) -> None:
    _, scoring, _, _ = scorer(encode=True)
    first = data.draw(st.integers(0, len(terms) - 1))
    after = data.draw(st.integers(first + 1, len(terms)))
    inside = scoring.margins(terms, np.array([first]), np.array([after]))
    alone = scoring.margins(terms[first:after], np.array([0]), np.array([after - first]))
    assert inside == pytest.approx(alone, abs=1e-6)


def test_unknown_words_and_runs_without_words_add_nothing() -> None:
    _, scoring, _, _ = scorer(encode=False)
    assert not scoring.margins(["zzz", "qqq"], np.array([0, 1]), np.array([2, 1])).any()
    assert scoring.margins([], np.zeros(0, np.intp), np.zeros(0, np.intp)).shape == (0, 3)


def test_more_runs_than_fit_at_a_time_are_all_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    _, scoring, _, _ = scorer(encode=True)
    first, after = np.array([0, 1, 2, 0]), np.array([3, 3, 3, 1])
    whole = scoring.margins(["i", "want", "it"], first, after)
    monkeypatch.setattr("pipeline.extract.scoring._AT_A_TIME", 2)
    assert scoring.margins(["i", "want", "it"], first, after) == pytest.approx(whole)


def test_digits_are_alike_and_contractions_in_full() -> None:
    assert terms_in("I don't pay 45") == terms_in("i do not pay 99") == ["i", "do", "not", "pay", "00"]
