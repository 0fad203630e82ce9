from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.summary import presentable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pays 45 dollars.\n Stays until March 3rd. ", "Pays 45 dollars. Stays until March 3rd."),
        ("Card [CARD] and phone four one five five five five two six seven one.", "Card [CARD] and phone [PHONE]."),
        ("Mail to ann@example.org.", "Mail to [EMAIL]."),
        ("电话13812345678。", "电话[PHONE]。"),
    ],
)
def test_a_text_is_one_line_and_masked(text: str, expected: str) -> None:
    assert presentable(text, "zh" if "电" in text else "en") == expected


def test_a_long_text_ends_with_a_clause_and_never_inside_a_placeholder() -> None:
    assert presentable("One thing. Another thing. A third.", "en", longest=30) == "One thing. Another thing…"
    assert presentable("the card [CARD] is it", "en", longest=13) == "the card …"


@given(st.text(max_size=300), st.integers(1, 100))
def test_no_text_is_longer_than_it_may_be(text: str, longest: int) -> None:
    assert len(presentable(text, "en", longest=longest)) <= longest
