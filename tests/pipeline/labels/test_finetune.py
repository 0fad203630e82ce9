"""Chats to fine-tune a model with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from judged_calls import EDITION, judged_call, words
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from pipeline.extract.answer import answer_schema, read_answer
from pipeline.extract.chunks import turns_of
from pipeline.extract.findings import Conversation
from pipeline.extract.prompting import messages_of
from pipeline.labels.finetune import Example, LeftOut, Recipe, example_of, is_masked, is_validation, judged_calls
from pipeline.labels.label import Label, Verdict
from pipeline.labels.mined_call import Extracted, MinedCall
from pipeline.ports import ChatMessage
from pipeline.scenarios.load import shipped

SCENARIO = shipped("telecom")
PROMPT = next(prompt for prompt in EDITION.prompts if prompt.label == "extract.v2")
RECIPE = Recipe(SCENARIO, EDITION, PROMPT, chunk_tokens=5_500)
CALL = judged_call()


def item(field: str, call: MinedCall = CALL) -> Extracted:
    return next(one for one in call.items if one.field == field)


def answer(labels: list[Label], call: MinedCall = CALL, recipe: Recipe = RECIPE) -> dict[str, Any]:
    made = example_of(call, labels, recipe)
    assert isinstance(made, Example)
    told: dict[str, Any] = json.loads(made.messages[2].content)
    return told


def test_the_chat_is_what_the_extractor_asks_and_what_it_should_have_been_told() -> None:
    made = example_of(CALL, words(CALL), RECIPE)
    assert isinstance(made, Example)
    conversation = Conversation(CALL.segments, CALL.duration_ms, SCENARIO, EDITION)
    assert made.messages[:2] == messages_of(PROMPT, conversation, turns_of(CALL.segments))
    assert [one.role for one in made.messages] == ["system", "user", "assistant"]
    told = made.messages[2].content
    read_answer(told, EDITION)
    Draft202012Validator(answer_schema(EDITION)).validate(json.loads(told))


def test_a_line_is_a_chat_by_the_types_of_the_openai_package() -> None:
    made = example_of(CALL, words(CALL), RECIPE)
    assert isinstance(made, Example)
    row = json.loads(json.dumps(made.row()))
    assert list(row) == ["messages"]
    TypeAdapter(list[ChatCompletionMessageParam]).validate_python(row["messages"], strict=True)


def test_every_accepted_item_is_there_with_the_words_it_stands_on() -> None:
    told = answer(words(CALL))
    assert [(one["segment"], one["intent"], one["quote"], one["confidence"]) for one in told["intents"]] == [
        ("s2", "price_objection", "too expensive", 1.0),
        ("s4", "cancel_contract", "I want to cancel my contract", 1.0),
        ("s5", "confirm_cancel_done", "your contract is cancelled", 1.0),
    ]
    assert told["entities"] == [{"segment": "s2", "entity": "plan", "value": "family plan"}]
    assert told["objections"] == [
        {
            "segment": "s2",
            "quote": "too expensive",
            "handling": "answered",
            "reply": {"segment": "s3", "quote": "offer you a discount"},
        }
    ]
    assert [(one["kind"], one["what"]) for one in told["follow_ups"]] == [("next_step", "Cancels the contract.")]
    assert (told["outcome"]["name"], told["outcome"]["segment"], told["outcome"]["reason"]) == (
        "cancelled", "s5", "Said.",
    )  # fmt: skip
    assert told["topics"] == ["price", "contract"]
    assert told["summary"] == "The customer worries and cancels."


def test_what_is_wrong_is_not_there_and_what_was_missing_is() -> None:
    wrong = [item("entities"), item("outcome"), item("objections")]
    right = [one for one in CALL.items if one not in wrong]
    added = Extracted("intents", "make_offer", "s2", quote="I can offer you a discount", stands_in="s2")
    told = answer(
        [
            *words(CALL, items=right),
            *words(CALL, Verdict.WRONG, items=wrong),
            *words(CALL, Verdict.MISSING, items=[added]),
        ]
    )
    assert (told["entities"], told["objections"], told["outcome"]) == ([], [], None)
    assert [one["intent"] for one in told["intents"]] == [
        *("price_objection", "make_offer"),
        *("cancel_contract", "confirm_cancel_done"),
    ]


def test_topics_are_those_of_the_intents_without_those_that_people_refuse() -> None:
    refused = words(CALL, Verdict.WRONG, items=[Extracted("topics", "price")])
    added = words(CALL, Verdict.MISSING, items=[Extracted("topics", "plan")])
    others = words(CALL, items=[one for one in CALL.items if one.field != "topics"])
    assert answer([*others, *refused, *added])["topics"] == ["contract", "plan"]


def test_most_people_decide_and_say_how_sure_an_intent_is() -> None:
    against = words(CALL, Verdict.WRONG, by="bob", items=[item("intents")])
    told = answer([*words(CALL), *words(CALL, by="cy"), *against])
    assert told["intents"][0]["confidence"] == 0.67
    outvoted = [*against, *words(CALL, Verdict.WRONG, by="cy", items=[item("intents")])]
    assert len(answer([*words(CALL), *outvoted])["intents"]) == 2


def test_an_outcome_without_words_of_its_own_stands_on_the_intent_that_decides_it() -> None:
    bare = replace(item("outcome"), quote=None, stands_in=None)
    call = replace(CALL, items=tuple(bare if one.field == "outcome" else one for one in CALL.items))
    told = answer(words(call), call)
    assert (told["outcome"]["segment"], told["outcome"]["quote"]) == ("s5", "your contract is cancelled")


def left_out(labels: list[Label], call: MinedCall = CALL, recipe: Recipe = RECIPE) -> object:
    return example_of(call, labels, recipe)


def test_a_call_is_left_out_where_people_have_not_decided() -> None:
    assert left_out(words(CALL)[1:]) is LeftOut.FEW
    assert left_out(words(CALL), recipe=replace(RECIPE, least=2)) is LeftOut.FEW
    assert left_out([*words(CALL), *words(CALL, Verdict.WRONG, by="bob", items=[CALL.items[0]])]) is LeftOut.DIVIDED
    no_summary = [*words(CALL, items=CALL.items[:-1]), *words(CALL, Verdict.WRONG, items=CALL.items[-1:])]
    assert left_out(no_summary) is LeftOut.NO_SUMMARY
    other = words(CALL, Verdict.MISSING, items=[Extracted("outcome", "refused", quote="want to cancel")])
    assert left_out([*words(CALL), *other]) is LeftOut.TWO_OUTCOMES


def test_topics_need_no_word() -> None:
    told = answer(words(CALL, items=[one for one in CALL.items if one.field != "topics"]))
    assert told["topics"] == ["price", "contract"]


@pytest.mark.parametrize(
    "added",
    [
        Extracted("intents", "ask_price", "s1", quote="how much is it"),
        Extracted("intents", "ask_price", None, quote="too expensive"),
        Extracted("intents", "ask_price", "s1"),
        Extracted("intents", "no_such_intent", "s1", quote="too expensive"),
        Extracted("objections", "answered", "s3", quote="I want to cancel"),
    ],
    ids=["words not said", "no segment", "no words", "unknown name", "answer without a reply"],
)
def test_a_call_is_left_out_where_an_accepted_item_stands_on_nothing(added: Extracted) -> None:
    assert left_out([*words(CALL), *words(CALL, Verdict.MISSING, items=[added])]) is LeftOut.NO_WORDS


def test_what_was_said_of_a_segment_that_was_heard_anew_counts_no_more() -> None:
    gone = words(CALL, Verdict.MISSING, items=[Extracted("intents", "ask_price", "gone", quote="too expensive")])
    assert answer([*words(CALL), *gone]) == answer(words(CALL))


def test_a_call_that_is_read_in_chunks_is_left_out() -> None:
    long = replace(
        CALL,
        segments=(
            *CALL.segments,
            *(
                CALL.segments[0].model_copy(update={"segment_id": f"x{n}", "text": "and so on and so forth " * 20})
                for n in range(60)
            ),
        ),
    )
    assert left_out(words(long), long) is LeftOut.TOO_LONG


def test_nothing_is_let_out_that_should_have_been_masked() -> None:
    said = CALL.segments[1].model_copy(update={"text": "too expensive family plan my card is 4111 1111 1111 1111"})
    leaking = replace(CALL, segments=(CALL.segments[0], said, *CALL.segments[2:]))
    assert left_out(words(leaking), leaking) is LeftOut.NOT_MASKED
    written = replace(item("summary"), value="Call back on 555 0142 877.")
    call = replace(CALL, items=(*CALL.items[:-1], written))
    assert left_out(words(call), call) is LeftOut.NOT_MASKED
    split = [
        one.model_copy(update={"text": text, "role": "customer"})
        for one, text in zip(
            CALL.segments, ("my phone number is 0 one seven", "five double five", "oh one"), strict=False
        )
    ]
    assert not is_masked(replace(CALL, segments=tuple(split)), [])


@given(st.text(alphabet="0123456789 -abc@.", max_size=40))
def test_a_card_number_gets_through_in_no_surroundings(around: str) -> None:
    text = f"{around} my card number is 4111111111111111 {around}"
    assert not is_masked(replace(CALL, segments=()), [ChatMessage("assistant", text)])


def test_labels_are_those_of_the_scenario_and_the_language() -> None:
    ours = words(CALL)
    dialect = [ours[0].model_copy(update={"language": "en-US", "call_id": "c2"})]
    others = [ours[0].model_copy(update=changed) for changed in ({"language": "zh"}, {"scenario": "insurance"})]
    assert judged_calls([*ours, *dialect, *others], RECIPE) == {"c1": ours, "c2": dialect}


@given(st.sets(st.text(min_size=1), max_size=50), st.floats(0, 0.99), st.floats(0, 0.99))
def test_what_is_held_back_is_stable_and_only_grows_with_the_share(groups: set[str], a: float, b: float) -> None:
    low, high = sorted((a, b))
    held_back = {group for group in groups if is_validation(group, low)}
    assert held_back <= {group for group in groups if is_validation(group, high)}
    assert not {group for group in groups if is_validation(group, 0)}


def test_a_tenth_is_about_a_tenth() -> None:
    assert sum(is_validation(f"call-{n}", 0.1) for n in range(10_000)) == pytest.approx(1_000, abs=100)


def test_calls_of_one_customer_are_one_group() -> None:
    for customer, group in (("pseudonym", "pseudonym"), (None, "c1")):
        call = judged_call(customer=customer)
        made = example_of(call, words(call), RECIPE)
        assert isinstance(made, Example)
        assert made.group == group
