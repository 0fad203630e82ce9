from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.windows import NONE, best_cut, lattice

LABELS = (NONE, "cancel", "price")


def rows(texts: list[str], sure: dict[str, str]) -> np.ndarray:
    """Probabilities where the named texts are sure and everything else is undecided."""
    table = np.full((len(texts), len(LABELS)), [0.34, 0.33, 0.33])
    for number, text in enumerate(texts):
        if text in sure:
            table[number] = [0.98 if label == sure[text] else 0.01 for label in LABELS]
    return table


def test_two_sentences_without_punctuation_are_found_as_two_pieces() -> None:
    text = "i want to cancel how much is it"
    runs = lattice(text)
    pieces = best_cut(runs, LABELS, rows(runs.texts, {"i want to cancel": "cancel", "how much is it": "price"}))
    assert [(piece.label, text[piece.start : piece.end]) for piece in pieces] == [
        ("cancel", "i want to cancel"),
        ("price", "how much is it"),
    ]


def test_pieces_end_at_punctuation_where_there_is_some() -> None:
    assert lattice("No, thank you. Bye").texts == [
        "no",
        "no thank you",
        "no thank you bye",
        "thank you",
        "thank you bye",
        "bye",
    ]


def test_a_clause_longer_than_the_longest_run_is_still_covered() -> None:
    text = "one, " + " ".join(["word"] * 40)
    runs = lattice(text)
    pieces = best_cut(runs, LABELS, rows(runs.texts, {}))
    assert (pieces[0].start, pieces[-1].end) == (0, len(text))


def test_text_without_words_has_no_pieces() -> None:
    runs = lattice("... !")
    assert best_cut(runs, LABELS, np.zeros((0, 3))) == []


@pytest.mark.parametrize("seed", range(3))
@given(text=st.text(alphabet="ab ,.", max_size=60))
def test_pieces_cover_the_text_in_order_whatever_the_probabilities(text: str, seed: int) -> None:
    runs = lattice(text)
    table = np.random.default_rng(seed).dirichlet(np.ones(3), len(runs.spans)) if runs.spans else np.zeros((0, 3))
    pieces = best_cut(runs, LABELS, table)
    assert all(one.end <= other.start for one, other in itertools.pairwise(pieces))
    covered = sum(sum(1 for word in runs.found if p.start <= word.start < p.end) for p in pieces)
    assert covered == len(runs.found)
