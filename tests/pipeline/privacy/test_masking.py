# ruff: noqa: RUF001 - Chinese text has full-width marks and digits
from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy import masking
from pipeline.privacy.checks import is_card
from pipeline.privacy.lexicon import words_of
from pipeline.privacy.masking import mask, masked_and_found
from schemas.transcript import Segment
from schemas.wire import Role

ENGLISH = [
    ("my card is 4111 1111 1111 1111 thanks", "my card is [CARD] thanks"),
    ("4111-1111-1111-1111", "[CARD]"),
    ("it's 5500005555555559.", "it's [CARD]."),
    ("American Express 3782 822463 10005", "American Express [CARD]"),
    ("4,111,111,111,111,111", "[CARD]"),
    ("four one one one one one one one one one one one one one one one", "[CARD]"),
    ("four one one one, one one one one, one one one one, one one one one.", "[CARD]."),
    ("four one one one uh one one one one okay one one one one and then one one one one", "[CARD]"),
    ("forty one eleven eleven eleven eleven eleven eleven eleven", "[CARD]"),
    ("forty-one eleven, eleven eleven, eleven eleven, eleven eleven please", "[CARD] please"),
    ("four triple one one one double one triple one double one one one one", "[CARD]"),
    ("four won one one one one won won one one one one one one won one", "[CARD]"),
    ("the number is for one one one one one one one one one one one one one one one", "the number is [CARD]"),
    ("four two four two four two four two four two four two four to four two", "[CARD]"),
    ("4111 1111 1111 1111 0428 123", "[CARD] [CODE]"),
    ("4111 1111 1111 1112", "[NUMBER]"),
    ("call me at 415-555-2671", "call me at [PHONE]"),
    ("call (415) 555-2671 or +1 415 555 2671", "call [PHONE] or [PHONE]"),
    ("call 415.555.2671 now", "call [PHONE] now"),
    ("+44 20 7946 0958", "[PHONE]"),
    ("five five five zero one four seven", "[PHONE]"),
    ("it is five five five, oh one four seven, thank you", "it is [PHONE], thank you"),
    ("oh two oh seven nine four six oh nine five eight", "[PHONE]"),
    ("double five five triple zero one", "[PHONE]"),
    ("one eight hundred five five five one two one two", "[PHONE]"),
    (
        "my number is five five five one two three four, two dollars a month",
        "my number is [PHONE], two dollars a month",
    ),
    ("account number 12345678", "account number [NUMBER]"),
    ("my customer number is eight eight one two three four five six", "my customer number is [NUMBER]"),
    ("ssn 123-45-6789", "ssn [ID]"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [BANK] please"),
    ("passport C01234567", "passport [ID]"),
    ("john at example dot com", "[EMAIL]"),
    ("my email is john dot smith at example dot co dot uk please", "my email is [EMAIL] please"),
    ("write to j.smith+tag@example.com, ok", "write to [EMAIL], ok"),
    ("it is john smith at gmail dot com", "it is [EMAIL]"),
    ("j o h n at gmail dot com", "[EMAIL]"),
    ("john underscore doe seven seven at yahoo dot com", "[EMAIL]"),
    ("it's jane at example.com.", "it's [EMAIL]."),
    ("the security code is one two three", "the security code is [CODE]"),
    ("CVC: 456", "CVC: [CODE]"),
    ("c v v is nine oh one", "c v v is [CODE]"),
    ("the password is 48213", "the password is [CODE]"),
    ("my pin is four four two one", "my pin is [CODE]"),
    ("the code on the back of the card is 1234", "the code on the back of the card is [CODE]"),
]
ENGLISH_UNCHANGED = [
    "the smart plan is thirty dollars for twenty gigabytes",
    "That is $1,250,000 or 1250000 dollars.",
    "one million two hundred fifty thousand dollars",
    "twenty, thirty, forty five and seventy dollars",
    "Plans: 5, 10, 20, 50, 100 GB",
    "from twenty twenty four to twenty twenty five",
    "from 2024-2025",
    "it was 2026-01-15 14:30 and 03/05/2027",
    "nine to five, monday to friday",
    "at nine thirty or ten fifteen",
    "one to three for five people",
    "Three, and soon four.",
    "four hundred and fifty two thousand one hundred",
    "two years and five months ago i had one of those too",
    "my zip code is nine four one one zero",
    "oh no, i won too",
    "visit us at harbor dot com",
    "you find it at harbor mobile dot com",
    "double the data for the same price",
    "i would like to end my plan at the end of this month",
    "have a good day at work, at four o'clock. dot your i",
    "i am looking at your account now",
    "We ate at Izakaya Kitaru.At 17:30 we left",
    "a table at P.f. Chang's",
    "the security code keeps you safe",
    "version 5.1 costs 12.50 for 24 months",
    "i was born in nineteen eighty four",
]
CHINESE = [
    ("我的手机号是一三八零零一三八零零零", "我的手机号是[PHONE]"),
    ("幺三八 零零幺三 八零零零", "[PHONE]"),
    ("一三八，零零一三，八零零零。", "[PHONE]。"),
    ("电话 138 0013 8000 谢谢", "电话 [PHONE] 谢谢"),
    ("电话是13800138000吗", "电话是[PHONE]吗"),
    ("+86 138-0013-8000", "[PHONE]"),
    ("座机010-12345678", "座机[PHONE]"),
    ("１３８００１３８０００", "[PHONE]"),
    ("客服电话四零零八一二三四五六七", "客服电话[PHONE]"),
    ("一三八嗯零零一三呃八零零零", "[PHONE]"),
    ("一三八三个八一二三四五", "[PHONE]"),
    ("腰三八零零腰三八零零零", "腰[PHONE]"),
    ("幺三八零零腰三八零零零", "[PHONE]"),
    ("一三八零零一三两八零零", "[PHONE]"),
    ("卡号四一一一一一一一一一一一一一一一", "卡号[CARD]"),
    ("卡号是四一一一，一一一一，一一一一，一一一一", "卡号是[CARD]"),
    ("卡号４１１１ １１１１ １１１１ １１１１", "卡号[CARD]"),
    ("银行卡6222020200012345678", "银行卡[BANK]"),
    ("我的账号是一二三四五六七八", "我的账号是[NUMBER]"),
    ("身份证11010519491231002X", "身份证[ID]"),
    ("身份证号一一零一零五一九四九一二三一零零二三", "身份证号[ID]"),
    ("安全码是一二三", "安全码是[CODE]"),
    ("验证码 482913", "验证码 [CODE]"),
    ("背面的三位是四五六", "背面的三位是[CODE]"),
    ("密码是八八一二", "密码是[CODE]"),
    ("zhangsan艾特qq点com", "[EMAIL]"),
    ("我的邮箱是zhang.san@example.com谢谢", "我的邮箱是[EMAIL]谢谢"),
    ("邮箱是幺三八零零艾特幺六三点com", "邮箱是[EMAIL]"),
    ("邮箱zhang_san＠example．com", "邮箱[EMAIL]"),
    ("電話是壹叁捌零零壹叁捌零零零", "電話是[PHONE]"),
]
CHINESE_UNCHANGED = [
    "套餐五十九元，或者九十九元",
    "一千二百五十块",
    "一共一百二十三万四千五百六十七元",
    "二零二六年一月十五日下午三点十五分",
    "每月三十个G一百二十九元",
    "一年十二个月三百六十五天",
    "两个人三个号码，一个月",
    "我要两个，一共三个",
    "八折一年，减二十元",
    "2026年1月15日",
    "价格是¥12345678",
    "一下子就好了",
    "第一，第二，第三",
    "三三两两，九九八十一",
    "安全码不要告诉别人",
]


def segment(text: str, index: int = 0, *, at_ms: int | None = None, role: Role = Role.CUSTOMER) -> Segment:
    start_ms = index * 3_000 if at_ms is None else at_ms
    channel = 1 if role is Role.CUSTOMER else 0
    return Segment(
        segment_id=str(index), channel=channel, role=role, start_ms=start_ms, end_ms=start_ms + 2_000, text=text
    )


def masked(*texts: str, language: str | None = "en") -> list[str]:
    segments = [segment(text, index) for index, text in enumerate(texts)]
    return [found.text for found in mask(segments, language)]


@pytest.mark.parametrize(("text", "expected"), ENGLISH)
def test_english_personal_numbers_are_replaced(text: str, expected: str) -> None:
    assert masked(text) == [expected]


@pytest.mark.parametrize("text", ENGLISH_UNCHANGED)
def test_english_prices_dates_and_small_numbers_stay(text: str) -> None:
    assert masked(text) == [text]


@pytest.mark.parametrize(("text", "expected"), CHINESE)
def test_chinese_personal_numbers_are_replaced(text: str, expected: str) -> None:
    assert masked(text, language="zh") == [expected]


@pytest.mark.parametrize("text", CHINESE_UNCHANGED)
def test_chinese_prices_dates_and_small_numbers_stay(text: str) -> None:
    assert masked(text, language="zh-CN") == [text]


@pytest.mark.parametrize("language", ["en", "zh", "de", None])
def test_digits_of_both_languages_are_read_whatever_the_language_is_said_to_be(language: str | None) -> None:
    texts = masked("five five five zero one four seven thanks", "一三八零零一三八零零零 and", language=language)
    assert texts == ["[PHONE] thanks", "[PHONE] and"]


def test_misheard_words_are_believed_in_their_own_language_only() -> None:
    text = "five five five zero to four seven"
    assert masked(text, language="en") == ["[PHONE]"]
    assert masked(text, language="de") == [text]


def test_a_card_number_goes_on_across_pauses_of_its_speaker() -> None:
    assert masked("it is four one one one", "one one one one", "one one one one", "one one one one thanks") == [
        "it is [CARD]",
        "[CARD]",
        "[CARD]",
        "[CARD] thanks",
    ]


def test_what_the_other_side_says_between_does_not_break_a_number() -> None:
    segments = [
        segment("five five five zero", 0, at_ms=0),
        segment("mm hm", 1, at_ms=2_100, role=Role.AGENT),
        segment("one four seven", 2, at_ms=3_000),
    ]
    assert [found.text for found in mask(segments, "en")] == ["[PHONE]", "mm hm", "[PHONE]"]


def test_two_speakers_do_not_make_one_number() -> None:
    segments = [segment("four two one", 0, at_ms=0), segment("five five six seven", 1, at_ms=2_100, role=Role.AGENT)]
    assert mask(segments, "en") == tuple(segments)


def test_a_long_silence_ends_a_number() -> None:
    segments = [segment("four two one", 0, at_ms=0), segment("five five six seven", 1, at_ms=15_000)]
    assert mask(segments, "en") == tuple(segments)


def test_segments_out_of_order_are_read_in_order_of_time_and_given_back_as_they_came() -> None:
    segments = [segment("one four seven", 1, at_ms=3_000), segment("five five five zero", 0, at_ms=0)]
    assert [(found.segment_id, found.text) for found in mask(segments, "en")] == [("1", "[PHONE]"), ("0", "[PHONE]")]


def test_the_code_that_the_agent_asks_for_is_masked_in_the_customers_answer() -> None:
    segments = [
        segment("and the security code please", 0, at_ms=0, role=Role.AGENT),
        segment("one moment", 1, at_ms=2_500),
        segment("it is nine oh two", 2, at_ms=6_000),
    ]
    assert [found.text for found in mask(segments, "en")][2] == "it is [CODE]"


def test_three_digits_long_after_a_security_code_stay() -> None:
    texts = masked("no security code", "okay", *["that is fine with me then"] * 4, "house one two three")
    assert texts[-1] == "house one two three"


def test_of_a_segment_only_the_text_and_what_is_masked_change() -> None:
    given_ = segment("call 415-555-2671", 7)
    (found,) = mask([given_], "en")
    assert found == given_.model_copy(update={"text": "call [PHONE]", "masked": found.masked})
    assert [span.kind for span in found.masked] == ["phone"]


def test_a_segment_without_anything_personal_is_the_very_same() -> None:
    given_ = segment("hello there")
    assert mask([given_], "en")[0] is given_


@pytest.mark.parametrize(
    "texts",
    [
        ["seven three seven", "that is the security code"],
        ["737, and that's my cvv"],
        ["what are the three digits on the back", "one hundred and twenty three"],
        ["the cvv please", "sure", "one moment", "ok", "ok", "uh", "yes", "seven three seven"],
        ["my card is [CARD]", "and then 737"],
        ["4242 4242 4242 4242", "mhm", "seven three seven"],
        ["cvv737"],
        ["c.v.v. 737"],
    ],
)
def test_a_verification_code_is_masked_however_it_comes(texts: list[str]) -> None:
    found = " ".join(masked(*texts))
    assert "[CODE]" in found
    assert not {"737", "seven", "three", "twenty"} & set(found.removeprefix("what are the three").split())


def test_a_code_word_counts_for_a_minute() -> None:
    asked = segment("and the security code please", 0, at_ms=0, role=Role.AGENT)
    late = segment("house one two three", 1, at_ms=65_000)
    assert mask([asked, late], "en")[1].text == late.text


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("it is 030 901820", "de", "it is [PHONE]"),
        ("it is 490154203237518", "en", "it is [CARD]"),
        ("imei 490154203237518", "en", "imei [NUMBER]"),
        ("0086 138 0013 8000", "zh", "[PHONE]"),
        ("it is b as in bravo, c as in charlie, one two three four five", "en", "it is [NUMBER]"),
        ("three sevens, two ones, four nine, oh", "en", "[PHONE]"),
        ("j r 4242 4242 4242 4242", "en", "j r [CARD]"),
    ],
)
def test_what_a_number_is_shows_in_itself_and_in_its_surroundings(text: str, language: str, expected: str) -> None:
    assert masked(text, language=language) == [expected]


def test_what_was_found_says_where_it_stood_and_where_its_placeholder_stands() -> None:
    (after,), found = masked_and_found([segment("call 415-555-2671 or j@x.com, pin 1234")], "en")
    assert after.text == "call [PHONE] or [EMAIL], pin [CODE]"
    assert [(one.kind, one.value) for one in found] == [("phone", "415-555-2671"), ("email", "j@x.com"), ("code", None)]
    assert all(after.text.startswith(f"[{one.kind.upper()}]", one.place) for one in found)


def test_no_segments_give_no_segments() -> None:
    assert mask([], None) == ()


WORDS = st.sampled_from(
    ["hello", "plan", "the", "to", "for", "won", "oh", "at", "dot", "data", "好的", "我想要", "谢谢", "?", ","]
)
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
HAN = "零一二三四五六七八九"


@given(st.lists(WORDS, max_size=30))
def test_text_without_digits_is_unchanged(words: list[str]) -> None:
    text = " ".join(words)
    assert masked(text.replace("at", "").replace("dot", "")) == [text.replace("at", "").replace("dot", "")]


def with_check_digit(body: str) -> str:
    return next(body + str(digit) for digit in range(10) if is_card(body + str(digit)))


CARDS = st.from_regex(r"[3-6][0-9]{11,17}", fullmatch=True).map(with_check_digit)
"""The first digit is that of the banks' issuers."""


@given(CARDS, st.sampled_from(["", " ", "-", ", "]), st.integers(1, 6))
def test_no_digit_of_a_written_card_survives(card: str, separator: str, size: int) -> None:
    groups = [card[start : start + size] for start in range(0, len(card), size)]
    assert masked(f"card {separator.join(groups)} thanks") == ["card [CARD] thanks"]


@given(CARDS, st.lists(st.sampled_from([" ", ", ", " uh ", " okay ", " - "]), min_size=19, max_size=19))
def test_no_digit_of_a_spoken_card_survives(card: str, separators: list[str]) -> None:
    said = "".join(NAMES[int(digit)] + separators[place] for place, digit in enumerate(card))
    (text,) = masked(f"card {said} thanks")
    assert text.startswith("card [CARD]")
    assert not set(NAMES) & set(text.split())


@given(CARDS, st.integers(1, 18))
def test_no_digit_of_a_card_said_in_two_segments_survives(card: str, cut: int) -> None:
    said = "".join(HAN[int(digit)] for digit in card)
    cut = min(cut, len(said) - 1)
    assert masked(said[:cut], said[cut:], language="zh") == ["[CARD]", "[CARD]"]


@given(st.text(st.characters(), max_size=80), st.sampled_from(["en", "zh", None]))
def test_masking_twice_is_masking_once(text: str, language: str | None) -> None:
    once = masked(text, language=language)
    assert masked(*once, language=language) == once


@given(st.lists(st.text(st.sampled_from("0123456789-. ,@()+a零一to"), max_size=40), max_size=5))
def test_any_mixture_of_digits_and_marks_is_taken(texts: list[str]) -> None:
    assert len(masked(*texts, language=None)) == len(texts)


SAID = st.sampled_from(
    [
        "my",
        "card",
        "is",
        "the",
        "code",
        "on",
        "one",
        "oh",
        "double",
        "4242",
        "[CARD]",
        "at",
        "dot",
        "com",
        ".",
        ",",
        "uh",
        "A",
        "B9",
        "一三八",
        "两",
        "x@y.z",
        "0428",
        "cvv",
        "social",
    ]
)


@given(st.lists(st.lists(SAID, max_size=14).map(" ".join), max_size=5), st.sampled_from(["en", "zh", None]))
def test_masking_a_conversation_twice_is_masking_it_once(texts: list[str], language: str | None) -> None:
    once = mask([segment(text, index) for index, text in enumerate(texts)], language)
    assert mask(once, language) == once


# Much that a number or an address is made of, and little of what none is without.
ALMOST = sorted(
    words_of(
        "to too for won ate free 要 腰 气 i o a b bravo as in dash plus hundreds and double oh pin code social my card"
        " john gmail com example underscore . , @ at dot 点 艾 特 新浪 x@y x.y AB 3.50 2026-01-15 10:30 Ⅳ ² ٣ one 7"
    )
)


@settings(max_examples=300)
@given(
    st.lists(st.lists(st.sampled_from(ALMOST), max_size=9).map(" ".join), max_size=3),
    st.sampled_from(["en", "zh", None]),
)
def test_a_text_that_is_passed_over_at_a_glance_holds_nothing(texts: list[str], language: str | None) -> None:
    segments = [segment(text, index) for index, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "holds_digits", lambda _: True)
        looked_through = mask(segments, language)
    assert mask(segments, language) == looked_through


@given(CARDS, st.text(max_size=40), st.text(max_size=40), st.sampled_from(["", " ", "-"]))
def test_no_card_is_left_whatever_is_written_around_it(card: str, before: str, behind: str, mark: str) -> None:
    written = mark.join(card[start : start + 4] for start in range(0, len(card), 4))
    (text,) = masked(f"{before} {written} {behind}")
    assert written not in text
    assert card not in "".join(char for char in text if char.isdecimal()) or card in before + behind


UNITS = [
    "1",
    "1 ",
    "1,111",
    "one ",
    "to ",
    "a.",
    "a@",
    "at dot ",
    "1.1.",
    "oh ",
    "一百",
    "双",
    "hundred ",
    "c v ",
    "A 1 ",
]
UNITS += ["call 415-555-2671 ", "x1234567 ", "j@x.com ", "cvv 123 "]


@pytest.mark.parametrize("unit", UNITS)
def test_the_time_is_linear_in_the_length(unit: str) -> None:
    def taken_s(length: int) -> float:
        """The better of two: the first may load what only some numbers need, or collect other tests' garbage."""
        tries = []
        for _ in range(2):
            started = time.process_time()
            masked(unit * (length // len(unit)), language=None)
            tries.append(time.process_time() - started)
        return min(tries)

    assert taken_s(40_000) < 10 * taken_s(10_000) + 0.2


def test_a_text_of_200_kb_with_two_thousand_numbers_takes_seconds() -> None:
    text = "well I would like to change my plan, my number is four one five 555 2671 and that is all. " * 2_200
    started = time.process_time()
    (found,) = masked(text)
    assert time.process_time() - started < 5  # 1.4 s on a machine with a load of 25, 0.5 s without the numbers
    assert "2671" not in found
