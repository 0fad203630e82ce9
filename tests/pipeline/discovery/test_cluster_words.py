from __future__ import annotations

import pytest

from pipeline.discovery.content_words import content_words
from pipeline.discovery.naming import names_of
from pipeline.discovery.pleasantries import matter
from pipeline.discovery.text import Text


@pytest.mark.parametrize(
    ("said", "matters"),
    [
        ("Hello, my name is Carl Perez. I want to enroll in a plan", "I want to enroll in a plan"),
        ("hi there good morning i need a new card please", "i need a new card"),
        ("I'm George Smith and I lost my card [CARD] number 4711", "and I lost my card number"),
        ("Can you help me with that? My bill is wrong.", "My bill is wrong"),
        ("你好,请问怎么取消套餐", "怎么取消套餐"),
        ("hello", "hello"),
        ("i am moving to another house", "i am moving to another house"),
    ],
)
def test_greetings_names_and_numbers_do_not_matter(said: str, matters: str) -> None:
    assert matter(said) == matters


def test_content_words_are_not_those_of_any_request() -> None:
    assert content_words(Text.of("I would like to cancel my contract, please").terms) == ("cancel", "contract")
    assert content_words(Text.of("yes that is right thank you").terms) == ()
    assert content_words(Text.of("我想取消我的套餐").terms) == ("取消", "套餐")


def texts(*said: str) -> list[Text]:
    return [Text.of(one) for one in said]


def test_a_name_has_the_words_that_other_clusters_lack_in_the_order_of_speech() -> None:
    payment = texts("i want to pay the latest bill", "pay my latest bill", "help me pay my latest bill")
    question = texts("change my security question", "i want to change the security question", "the security question")
    address = texts("change my address", "i want to change the address", "my address changes")
    assert names_of([payment, question, address]) == ["pay latest bill", "change security question", "change address"]


def test_no_two_names_are_the_same() -> None:
    same = texts("cancel the contract", "cancel my contract")
    names = names_of([same, same, same])
    assert len(set(names)) == 3
    assert all(name.startswith("cancel contract") for name in names)


def test_masked_words_are_no_part_of_a_name() -> None:
    masked = texts("my card [CARD] was stolen", "the card [CARD] was stolen", "[PERSON] stolen card [CARD]")
    assert names_of([masked]) == ["card stolen"]


def test_of_function_words_alone_the_first_words_are_the_name() -> None:
    assert names_of([texts("yes that is it"), texts("...")]) == ["yes that is it", "no words"]
