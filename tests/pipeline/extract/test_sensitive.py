from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import talk

from pipeline.extract.sensitive import find_sensitive
from pipeline.extract.words import letters
from pipeline.scenarios.model import SensitiveWords


def rule(*words: str, name: str = "legal") -> SensitiveWords:
    return SensitiveWords(name=name, title="T", any_of=words)


def quotes(line: str, *words: str) -> list[str]:
    hits = find_sensitive(talk(f"c: {line}"), (rule(*words),))
    return [evidence.quote for hit in hits for evidence in hit.evidence]


@pytest.mark.parametrize(
    ("line", "words", "found"),
    [
        ("My LAWYER, really", ("lawyer",), ["LAWYER"]),
        ("my \uff4c\uff41\uff57\uff59\uff45\uff52 said", ("Lawyer",), ["\uff4c\uff41\uff57\uff59\uff45\uff52"]),
        ("lawyers and clawyer", ("lawyer",), []),
        ("I take you, to court!", ("take you to court",), ["take you, to court"]),
        ("i can't pay my rent", ("can not pay",), ["can't pay"]),
        ("sue sue you", ("sue you", "sue"), ["sue", "sue you"]),
        ("take legal action now", ("legal action now", "take legal action"), ["take legal action"]),
        ("不然我找律师 起诉你们", ("律师", "起诉"), ["律师", "起诉"]),
        ("我要去 消费者 协会", ("消费者协会",), ["消费者 协会"]),
        ("用ＶＩＰ号码诈骗", ("vip号码",), ["ＶＩＰ号码"]),
        ("my number is [CARD]", ("card",), []),
        ("anything", ("...",), []),
    ],
)
def test_words_are_found_whole_as_they_stand_in_the_text(line: str, words: tuple[str, ...], found: list[str]) -> None:
    assert quotes(line, *words) == found


def test_each_rule_has_one_hit_with_every_place_and_a_word_may_be_of_two_rules() -> None:
    rules = (rule("fraud", "scam", name="fraud"), rule("scam", name="slang"), rule("lawyer"))
    hits = find_sensitive(talk("c: a scam", "a: no fraud", "c: fraud and scam"), rules)
    assert [(hit.name, [(one.segment_id, one.quote) for one in hit.evidence]) for hit in hits] == [
        ("fraud", [("seg0", "scam"), ("seg1", "fraud"), ("seg2", "fraud"), ("seg2", "scam")]),
        ("slang", [("seg0", "scam"), ("seg2", "scam")]),
    ]


def test_without_words_or_rules_there_is_no_hit() -> None:
    assert find_sensitive((), (rule("fraud"),)) == []
    assert find_sensitive(talk("c: fraud"), ()) == []


@given(
    st.lists(st.sampled_from("ab好坏 ,'"), max_size=30),
    st.lists(st.text("ab好坏 ", min_size=1), min_size=1, max_size=4),
)
def test_a_word_is_found_exactly_where_its_letters_stand_in_a_row(said: list[str], words: list[str]) -> None:
    text = "".join(said)
    found = quotes(text, *words)
    row = [word.text for word in letters(text)]
    wanted = [target for one in words if (target := [word.text for word in letters(one)])]
    stands = any(row[place : place + len(target)] == target for target in wanted for place in range(len(row)))
    assert bool(found) == stands
    assert all([word.text for word in letters(quote)] in wanted for quote in found)


def test_thousands_of_words_cost_less_than_a_millisecond_a_segment() -> None:
    rules = tuple(rule(*(f"word{n} number{n}" for n in range(m, 5_000, 50)), name=f"r{m}") for m in range(50))
    segments = talk(*(f"c: so i said word{n} number{n} about the bill and the contract again" for n in range(200)))
    assert len(find_sensitive(segments, rules)) == 50  # fitted once
    start = time.process_time()
    find_sensitive(segments, rules)
    assert time.process_time() - start < 0.2
