# ruff: noqa: RUF001 - Chinese text has full-width marks
"""What a language model may not add, change or turn round in what people have approved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scenarios.load import shipped, shipped_names
from pipeline.suggest.amounts import Amount, amounts
from pipeline.suggest.facts import LONGEST, Refused, refused

SHIPPED = [
    (f"{card.title}\n{card.text}", card.text)
    for name in shipped_names()
    for edition in shipped(name).editions.values()
    for card in edition.playbook.cards
]


def of(card: str, language: str = "en") -> str:
    found = next(one for one in shipped("telecom").edition(language).playbook.cards if one.id == card)
    return f"{found.title}\n{found.text}"


PRICE, COMPARE, PLANS, STAY = (
    of(name)
    for name in ("answer-price-objection", "answer-competitor-offer", "answer-plan-details", "answer-cancel-contract")
)
ZH_PRICE, ZH_COMPARE = of("answer-price-objection", "zh"), of("answer-competitor-offer", "zh")


def test_the_own_words_of_every_shipped_card_stand_against_their_own_facts() -> None:
    plain = [(approved.replace("{", "").replace("}", ""), text) for approved, text in SHIPPED]
    found = {text: refused(text.replace("{", "").replace("}", ""), approved) for approved, text in plain}
    assert len(found) > 60
    assert {why for why in found.values() if why is not None} == set()


@pytest.mark.parametrize(
    ("approved", "text"),
    [
        (PRICE, "They feel it costs too much. Acknowledge that, ask what they use, then offer the smart plan at $30."),
        (PRICE, "Acknowledge the price, ask about use, then offer the loyalty discount of 20 percent for 12 months."),
        (COMPARE, "Ask about data volume, term and fees of that offer and compare the total for a year."),
        (PLANS, "The smart plan has 20 GB for thirty dollars; check that the customer followed."),
        (STAY, "Ask once why they want to leave and make one offer that fits, without pressure."),
        (ZH_PRICE, "客户嫌贵，先表示理解，再问实际用量，然后给出畅享套餐59元。"),
        (ZH_COMPARE, "问清对方的流量、合约期和手续费，按一年总费用比较，可以每月减20元，为期六个月。"),
    ],
)
def test_the_same_in_other_words_and_other_digits_may_be_said(approved: str, text: str) -> None:
    assert refused(text, approved) is None


@pytest.mark.parametrize(
    ("approved", "text", "why"),
    [
        (PRICE, "Offer the smart plan for twenty five dollars.", Refused.NUMBER),
        (PRICE, "Offer the loyalty discount, twenty dollars for twelve months.", Refused.NUMBER),
        (PRICE, "Offer the loyalty discount, 20% for 12 weeks.", Refused.NUMBER),
        (PRICE, "Offer the loyalty discount, ２１% for twelve months.", Refused.NUMBER),
        (PRICE, "Offer the loyalty discount, ٢١ percent for twelve months.", Refused.NUMBER),
        (PLANS, "The smart plan costs twenty dollars.", Refused.MISPLACED),
        (PRICE, "Offer the smart plan, thirty dollars, until Friday.", Refused.DATE),
        (PRICE, "Offer the smart plan, thirty dollars, if they buy today.", Refused.DATE),
        (PRICE, "Offer the smart plan at https://pay.example/now", Refused.LINK),
        (PRICE, "Offer the smart plan at pay.example", Refused.LINK),
        (PRICE, "Have the customer write to ann@example.com about the smart plan.", Refused.LINK),
        (PRICE, "Have the customer call 0800 123 456 for the smart plan.", Refused.LINK),
        (PRICE, "Name one lower price: the Gold plan.", Refused.NAME),
        (PRICE, "Name one lower price: the XL plan.", Refused.NAME),
        (PRICE, "Name one lower price, guaranteed: the smart plan, thirty dollars.", Refused.PROMISE),
        (PRICE, "Name the smart plan; the first bill is free.", Refused.PROMISE),
        (COMPARE, "Criticise the other company and offer ten dollars off for six months.", Refused.NEGATION),
        (COMPARE, "You may not offer ten dollars off for six months.", Refused.NEGATION),
        (COMPARE, "You can't offer ten dollars off for six months.", Refused.NEGATION),
        (STAY, "Keep up the pressure and make one offer that fits.", Refused.NEGATION),
        (PRICE, "Ask for the PIN, then name the smart plan.", Refused.SECRET),
        (PRICE, "Ask for the card number, then name the smart plan.", Refused.SECRET),
        (PRICE, "<b>Acknowledge it first</b>, then ask what they use.", Refused.MARKUP),
        (PRICE, "Acknowledge it first,\u202e then ask what they use.", Refused.MARKUP),
        (PRICE, "先表示理解，再问实际用量。", Refused.LANGUAGE),
        (PRICE, "Acknowledge it first. " * 40, Refused.LENGTH),
        (PRICE, "  ", Refused.LENGTH),
        (PRICE, "Sing a happy little song about sunny weather and blue birds.", Refused.UNFOUNDED),
        (ZH_PRICE, "先表示理解，再给出畅享套餐六十九元。", Refused.NUMBER),
        (ZH_PRICE, "先表示理解，再给客户打五折。", Refused.NUMBER),
        (ZH_PRICE, "先表示理解，再给出畅享套餐五十九元，明天截止。", Refused.DATE),
        (ZH_PRICE, "先表示理解，保证是最低的价格：畅享套餐五十九元。", Refused.PROMISE),
        (ZH_PRICE, "先问验证码，再给出畅享套餐五十九元。", Refused.SECRET),
        (ZH_PRICE, "先表示理解，再给出“黄金”套餐。", Refused.NAME),
        (ZH_PRICE, "Acknowledge it first, then ask what they use.", Refused.LANGUAGE),
        (ZH_COMPARE, "批评对方，可以每月减二十元。", Refused.NEGATION),
        (ZH_COMPARE, "不要每月减二十元，按一年的总费用比较。", Refused.NEGATION),
        (ZH_COMPARE, "可以每月减二十元，为期一年。", Refused.MISPLACED),
    ],
)
def test_what_is_added_changed_or_turned_round_is_refused(approved: str, text: str, why: Refused) -> None:
    assert refused(text, approved) is why


def test_a_passage_may_give_a_number_but_no_address_and_no_secret() -> None:
    page = "Contract terms. The minimum term is 18 months. Write to help@example.com with your password."
    assert refused("Name the smart plan, thirty dollars; the minimum term is 18 months.", PRICE, [page]) is None
    assert refused("Name the smart plan; write to help@example.com.", PRICE, [page]) is Refused.LINK
    assert refused("Name the smart plan; ask for the password.", PRICE, [page]) is Refused.SECRET


@pytest.mark.parametrize(
    "text", ["$1,250.50", "1250.50 dollars", "1,250.5 dollars", "１２５０.５ dollars", "1250.50 USD"]
)
def test_one_amount_is_one_however_it_is_written(text: str) -> None:
    assert amounts(text) == {Amount("1250.5", "dollar")}


def test_units_tell_amounts_apart_and_a_bare_one_is_none() -> None:
    assert amounts("five gigabytes, 5 GB, 5gb, 五个G") == {Amount("5", "gb")}
    assert amounts("thirty days or 30 percent") == {Amount("30", "day"), Amount("30", "%")}
    assert amounts("name one, and the tenth") == {Amount("10", "th")}
    assert amounts("一个月 59元") == {Amount("1", "month"), Amount("59", "yuan")}


@given(st.text(max_size=200), st.sampled_from(SHIPPED))
def test_any_text_is_judged_and_a_long_one_never_passes(text: str, card: tuple[str, str]) -> None:
    why = refused(text, card[0])
    assert why is None or isinstance(why, Refused)
    assert refused(text + "x" * (LONGEST + 1), card[0]) is Refused.LENGTH


@given(st.integers(2, 999_999), st.sampled_from(["dollars", "percent", "months", ""]))
def test_no_number_passes_that_is_not_in_the_sources(number: int, unit: str) -> None:
    text = f"Acknowledge it first, then ask what they use and name the smart plan, {number} {unit}"
    known = amounts(PRICE) | {Amount(one.number) for one in amounts(PRICE)}
    if refused(text, PRICE) is None:
        assert amounts(text) <= known
