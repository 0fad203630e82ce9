from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workers.mcp.quoting import fenced, quoted

documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=60,
)


@given(documents, st.integers(min_value=20, max_value=400))
def test_an_answer_is_never_larger_than_it_may_be(document: Any, most: int) -> None:
    data, cuts = quoted(document, most)
    assert len(json.dumps(data, ensure_ascii=False)) <= most
    whole, uncut = quoted(document)
    assert not uncut
    assert bool(cuts) == (data != whole)


@given(st.text())
def test_no_text_ends_the_fence(text: str) -> None:
    first, *lines = fenced({"text": text}).split("\n")
    mark = first.rpartition("marks ")[2].rstrip(".")
    assert [lines[0], lines[2]] == [f"<{mark}>", f"</{mark}>"]
    assert len(lines) == 3
    assert json.loads(lines[1]) == {"text": text}


def test_rows_are_cut_from_the_end_and_it_is_said_how_many() -> None:
    data, cuts = quoted({"items": [{"text": "x" * 90} for _ in range(100)], "next": None}, 5_000)
    assert 40 < len(data["items"]) < 50
    assert cuts == (f"items: {len(data['items'])} of 100 are shown",)
