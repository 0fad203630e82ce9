from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joined_calls import joined_call

from pipeline.extract.tokens import SHORTFALL, estimated_tokens, prompt_tokens
from pipeline.ports import ChatMessage

ENGLISH = (
    "[s17] customer 412.6s: well it is fifteen dollars more than what your website said in march, "
    "and i have been a customer since 2019, so honestly i would rather cancel the contract today\n"
)
CHINESE = "[s17] customer 412.6s: 上个月的账单多收了十五块钱，我用了六年了，你们要是不处理我今天就销户转网。\n"  # noqa: RUF001 - Chinese punctuation
# Counted once with the vocabularies o200k and cl100k (tiktoken 0.14), Qwen's, Claude 2's and Llama 2's.
COUNTED = {
    ENGLISH: {"o200k": 45, "cl100k": 45, "qwen": 50, "claude2": 43, "llama2": 52},
    CHINESE: {"o200k": 39, "cl100k": 49, "qwen": 41, "claude2": 50, "llama2": 61},
}


@pytest.mark.parametrize("text", COUNTED)
def test_the_estimate_is_not_far_below_what_any_vocabulary_counts_nor_twice_the_most(text: str) -> None:
    most = max(COUNTED[text].values())
    assert most * (1 - SHORTFALL) <= estimated_tokens(text) <= 2 * most


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_estimate_of_samples_is_not_far_below_what_an_installed_tokeniser_counts(language: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    wordllama = pytest.importorskip("importlib.util").find_spec("wordllama")
    if wordllama is None:
        pytest.skip("wordllama is not installed")
    (file,) = (Path(wordllama.origin).parent / "tokenizers").glob("l2_supercat*.json")
    tokeniser = tokenizers.Tokenizer.from_file(str(file))
    tokeniser.no_truncation()
    talk = "\n".join(segment.text for segment in joined_call(20, language).segments)
    counted = len(tokeniser.encode(talk, add_special_tokens=False).ids)
    assert counted * (1 - SHORTFALL) <= estimated_tokens(talk) <= 2 * counted


LINES = st.text(max_size=200).map(lambda text: text.replace("\n", " ") + "\n")


@given(LINES, LINES)
def test_lines_one_after_the_other_take_what_they_take_together(one: str, other: str) -> None:
    apart = estimated_tokens(one) + estimated_tokens(other)
    assert apart - 1 <= estimated_tokens(one + other) <= apart


@given(st.text(max_size=200))
def test_no_text_takes_more_tokens_than_twice_its_bytes(text: str) -> None:
    assert 0 <= estimated_tokens(text) <= 2 * len(text.encode("utf-8", "surrogatepass"))


def test_the_roles_and_marks_of_a_prompt_count_too() -> None:
    messages = (ChatMessage("system", "be brief"), ChatMessage("user", "hello"))
    assert prompt_tokens(messages) == estimated_tokens("be brief") + estimated_tokens("hello") + 10
