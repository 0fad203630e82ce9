from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.suggest.excerpt import excerpt

PAGE = (
    "Home internet costs fifty dollars a month. Customers with a mobile plan pay ten dollars less.\n\n"
    "The router is free. A technician installs it.\n\nThe minimum term is twelve months."
)


def test_a_short_passage_is_whole_and_wrapped_lines_are_joined() -> None:
    assert excerpt("The term is\ntwelve months.\n\n- one\n- two", "term", 100) == (
        "The term is twelve months.\n\n- one\n- two"
    )
    assert excerpt("合约期是\n十二个月。", "合约期", 100) == "合约期是十二个月。"


def test_of_a_long_one_the_sentences_are_shown_that_answer() -> None:
    assert excerpt(PAGE, "how long is the minimum term", 60) == "… The minimum term is twelve months."
    assert excerpt(PAGE, "what does home internet cost", 60) == "Home internet costs fifty dollars a month. …"
    assert excerpt("一是一。二是二。路由器免费。四是四。", "路由器要钱吗", 12) == "… 路由器免费。 …"


def test_where_nothing_answers_it_is_the_beginning() -> None:
    assert excerpt(PAGE, "", 60) == "Home internet costs fifty dollars a month. …"


def test_a_sentence_that_is_too_long_is_cut() -> None:
    assert excerpt("a" * 50, "b", 20) == "a" * 19 + "…"


@given(st.text(alphabet="ab .!?。\n-", max_size=200), st.text(alphabet="ab ", max_size=10), st.integers(20, 80))
def test_it_is_never_longer_than_may_be_and_adds_nothing(text: str, question: str, most: int) -> None:
    found = excerpt(text, question, most)
    assert len(found) <= max(most, 0)
    assert "".join(found.replace("…", "").split()) in "".join(text.split())
