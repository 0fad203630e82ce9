from __future__ import annotations

import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from talks import talk

from pipeline.extract import quotes
from pipeline.extract.grounding import ground
from pipeline.extract.quotes import find_quote
from pipeline.extract.spoken import Kind, tokens
from pipeline.extract.traditional import simplified

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# No two of them are one letter apart: such a word, if long, is taken for misheard.
WORDS = ["please", "cancel", "contract", "because", "broadband", "internet", "expensive", "neighbour", "provider"]
WORDS += ["offered", "discount", "yesterday", "monthly", "speed", "router", "customer", "supervisor", "invoice"]
WORDS += ["moving", "abroad", "holiday", "account", "number"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=4, max_size=12, unique=True)
AMOUNTS = st.integers(1, 999_999)
PIECES = st.sampled_from(["uh", "s i m", "sim", "wifi", "wi fi", "a", "two", "2", "not", "don't", "要"])


def in_words(number: int) -> str:
    if number < 20:
        return UNITS[number]
    if number < 100:
        return " ".join([TENS[number // 10 - 2], *([UNITS[number % 10]] if number % 10 else [])])
    scale, name = (1_000, "thousand") if number >= 1_000 else (100, "hundred")
    rest = [in_words(number % scale)] if number % scale else []
    return " ".join([in_words(number // scale), name, *rest])


def in_chinese(number: int) -> str:
    digits = "零一二三四五六七八九"
    tens, units = divmod(number, 10)
    return f"{digits[tens] if tens > 1 else ''}{'十' if tens else ''}{digits[units] if units else ''}"


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("I want to cancel, my contract!", "i want to cancel my contract", "i want to cancel my contract"),
        ("it's 20 dollars", "well it is twenty dollars a month", "it is twenty dollars"),
        ("$20", "twenty dollars", "twenty"),
        ("$1,000.00 a year", "one thousand a year", "one thousand a year"),
        ("forty five percent", "about 45 percent", "45 percent"),
        ("a hundred and twenty", "it was 120 then", "120"),
        ("555 12", "my number is five five five twelve", None),
        ("5 5 5 1", "it ends in five five five one", "five five five one"),
        ("at 10:30", "come at ten thirty", "at ten thirty"),
        ("I can't pay", "i cannot pay", "i cannot pay"),
        ("I don't know", "i dont know", "i dont know"),
        ("I'm going to leave", "i am gonna leave", "i am gonna leave"),
        ("my wifi is slow", "my wi-fi is slow", "my wi-fi is slow"),
        ("the sim card", "the s i m card", "the s i m card"),
        ("I want to cancel the contract", "i i want uh to to cancel contract", "i i want uh to to cancel contract"),
        ("I want to cancel my contract", "i want to cancal my contract", "i want to cancal my contract"),
        ("...", "anything", None),
        ("", "anything", None),
        ("the", "the end", None),
        ("anything", "", None),
    ],
)
def test_a_quote_is_found_as_it_was_said(quote: str, text: str, found: str | None) -> None:
    assert find_quote(quote, text) == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("I will", "i will not"),
        ("I will", "no i won't do that"),
        ("I will pay it", "i will not pay it"),
        ("I will not pay it", "i will pay it"),
        ("want to cancel", "i do not want to cancel"),
        ("want to cancel", "i don't want to cancel"),
        ("told me that", "you never told me that"),
        ("paying a fee", "i leave without paying a fee"),
        ("four lines", "five lines"),
        ("fourteen days", "forty days"),
        ("20 dollars", "120 dollars"),
        ("twenty dollars", "one hundred twenty dollars"),
        ("two hundred", "two hundred fifty"),
        ("3.50", "350"),
        ("1,000", "1.000,5"),
        ("cancel the contract today", "cancel the contract tomorrow"),
        ("i would like to take it", "i would like to make it"),
        ("it is a house", "it is a mouse"),
        ("I want to cancel", "cancel I want to"),
        ("I want to ... cancel", "I want to keep the line and cancel"),
    ],
)
def test_another_sense_is_not_what_was_said(quote: str, text: str) -> None:
    assert find_quote(quote, text) is None


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("我要取消合约", "那个\uff0c我要取消合約。", "我要取消合約"),
        ("我要 取消\uff0c合约", "我要取消合约", "我要取消合约"),
        ("每月20元", "每月二十元", "每月二十元"),
        ("三万", "大概30000吧", "30000"),
        ("ＡＤＳＬ太慢", "adsl太慢", "adsl太慢"),
        ("我想取消", "我嗯想取消", "我嗯想取消"),
        ("我要取消合同", "我要取消合约", None),
        ("想取消", "我不想取消", None),
        ("收到账单", "我没收到账单", None),
        ("要取消", "不\uff0c要取消", "要取消"),
        ("二十元", "三十元", None),
        ("十元", "二十元", None),
        ("两三天", "23天", None),
    ],
)
def test_chinese_is_compared_letter_by_letter_in_all_its_ways_of_writing(
    quote: str, text: str, found: str | None
) -> None:
    assert find_quote(quote, text) == found


@given(SENTENCES, st.data())
def test_a_copy_with_other_case_and_punctuation_stands_there(said: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(said) - 1))
    last = data.draw(st.integers(first, len(said) - 1))
    copied = [
        word.title() + data.draw(st.sampled_from([" ", ", ", " - ", ". ", "\n"])) for word in said[first : last + 1]
    ]
    assert find_quote("".join(copied), " ".join(said)) == " ".join(said[first : last + 1])


@given(SENTENCES, st.data())
def test_a_copy_with_one_misheard_letter_stands_there(said: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(said) - 1))
    letter = data.draw(st.integers(1, len(said[place]) - 1))
    misheard = said[place][:letter] + data.draw(st.sampled_from("aeiou")) + said[place][letter + 1 :]
    quote = [*said[:place], misheard, *said[place + 1 :]]
    assert find_quote(" ".join(quote), " ".join(said)) == " ".join(said)


@given(SENTENCES, st.data())
def test_a_copy_with_an_exchanged_word_does_not(said: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(said) - 1))
    other = data.draw(st.sampled_from([word for word in WORDS if word not in said]))
    assert find_quote(" ".join([*said[:place], other, *said[place + 1 :]]), " ".join(said)) is None


@given(SENTENCES, st.data(), st.sampled_from(["not", "never", "no"]))
def test_a_copy_with_a_negation_more_or_less_does_not(said: list[str], data: st.DataObject, negation: str) -> None:
    place = data.draw(st.integers(1, len(said) - 1))
    negated = " ".join([*said[:place], negation, *said[place:]])
    assert find_quote(" ".join(said), negated) is None
    assert find_quote(negated, " ".join(said)) is None


@given(SENTENCES, AMOUNTS, AMOUNTS)
@example(["so", "it", "is", "then"], 14, 40)
@example(["so", "it", "is", "then"], 20, 25)
@example(["so", "it", "is", "then"], 100, 120)
def test_an_amount_stands_there_in_words_and_in_digits_and_no_other_does(
    said: list[str], amount: int, other: int
) -> None:
    assume(amount != other)
    text = f"{' '.join(said)} {in_words(amount)} dollars"
    assert find_quote(f"{said[-1]} {amount} dollars", text) is not None
    assert find_quote(f"{said[-1]} ${amount:,}", text) is not None
    assert find_quote(f"{amount} dollars", text) is not None
    assert find_quote(f"{other} dollars", text) is None
    assert find_quote(f"{in_words(other)} dollars", text) is None
    assert find_quote(text, text.replace(in_words(amount), str(amount))) is not None


@given(st.integers(1, 99), st.integers(1, 99))
def test_so_does_a_chinese_amount(amount: int, other: int) -> None:
    text = f"每个月要付{in_chinese(amount)}块钱"
    assert find_quote(f"付{amount}块钱", text) is not None
    assert (find_quote(f"付{in_chinese(other)}块钱", text) is not None) == (amount == other)


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_found_stands_in_the_text(quote: str, text: str) -> None:
    found = find_quote(quote, text)
    assert found is None or found in text


@given(st.text(alphabet="ab é不要二十 ,.'12\uff13萬", min_size=1, max_size=30))
def test_every_text_quotes_itself(text: str) -> None:
    if any(token.kind is not Kind.FILLER for token in tokens(text)):
        assert find_quote(text, text) is not None


@given(
    st.lists(PIECES, max_size=5),
    st.lists(PIECES, max_size=9),
)
def test_a_place_that_is_passed_over_at_a_glance_holds_no_quote(quote: list[str], said: list[str]) -> None:
    wanted, text = " ".join(quote), " ".join(said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotes, "_begins_otherwise", lambda *_: False)
        looked_for = find_quote(wanted, text)
    assert find_quote(wanted, text) == looked_for


def test_a_traditional_letter_keeps_its_place() -> None:
    assert simplified("電話費太貴了, ok") == "电话费太贵了, ok"
    assert simplified("no letter of it") == "no letter of it"


def test_a_quote_is_grounded_only_in_the_segment_that_it_names() -> None:
    segments = {segment.segment_id: segment for segment in talk("c: i want to cancel my contract", "a: of course")}
    evidence = ground(segments, "seg0", "I want to cancel, my contract!")
    assert evidence is not None
    assert (evidence.quote, evidence.segment_id) == ("i want to cancel my contract", "seg0")
    assert ground(segments, "seg1", "i want to cancel") is None
    assert ground(segments, "seg9", "of course") is None
    assert ground(segments, "seg0", "i want to buy") is None
    assert ground(segments, "seg0", "...") is None


def test_a_slot_is_named_beside_a_negation_too() -> None:
    (segment,) = talk("c: it was not twenty dollars")
    assert ground({"s1": segment}, "s1", "twenty dollars") is None
    assert ground({"s1": segment}, "s1", "20 dollars", mention=True) is not None


def test_a_quote_is_looked_up_within_a_millisecond() -> None:
    said = "so the thing is that i have been a customer for five years and i pay sixty five dollars a month"
    (segment,) = talk(f"c: {said}")
    taken = []
    for _ in range(20):
        tokens.cache_clear()
        start = time.process_time()
        assert ground({"s1": segment}, "s1", "a customer for 5 years and I pay 65 dollars")
        taken.append(time.process_time() - start)
    assert min(taken) < 0.001
