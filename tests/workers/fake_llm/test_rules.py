from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.extract.findings import Conversation
from pipeline.extract.llm import LlmExtractor
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.openai_chat import OpenAIChat
from pipeline.scenarios.load import shipped
from schemas.transcript import Segment
from schemas.wire import Role
from workers.fake_llm import serve
from workers.fake_llm.question import Question, Said, read_question, tokens_of
from workers.fake_llm.rules import answer_by_rule

TURNS = {
    "en": (
        ("agent", "Good morning, this call may be recorded for training."),
        ("customer", "It is too expensive, I want to cancel my contract today."),
        ("agent", "I can make you an offer, ten dollars off for six months."),
        ("customer", "Then I will stay and keep my contract."),
        ("agent", "I will send you the papers tomorrow."),
    ),
    "zh": (
        ("agent", "您好 本次通话会录音。"),
        ("customer", "太贵了 我要解约。"),
        ("agent", "我给您每月便宜二十元 优惠六个月。"),
        ("customer", "那我就留下 不走了。"),
        ("agent", "我明天给您办好。"),
    ),
}


@cache
def question(language: str = "en", turns: tuple[tuple[str, str], ...] = ()) -> Question:
    """What the extractor asks about these turns."""
    segments = tuple(
        Segment(segment_id=f"seg{n}", role=Role(role), start_ms=n * 5_000, end_ms=n * 5_000 + 4_000, text=text)
        for n, (role, text) in enumerate(turns or TURNS[language])
    )
    scenario = shipped("telecom")
    conversation = Conversation(segments, len(segments) * 5_000, scenario, scenario.edition(language))

    async def ask(base_url: str) -> None:
        extractor = LlmExtractor(GuardedChat(OpenAIChat("m1", base_url=base_url, api_key=None, timeout_s=20)))
        await extractor.extract(conversation)
        await extractor.close()

    with serve() as server:
        asyncio.run(ask(server.base_url))
        return read_question(server.requests[0])


def answered(asked: Question) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer_by_rule(asked))
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_is_of_the_schema_and_the_same_again(language: str) -> None:
    asked = question(language)
    assert asked.schema is not None
    Draft202012Validator(asked.schema).validate(answered(asked))
    assert answer_by_rule(asked) == answer_by_rule(asked)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_quote_stands_in_its_segment_character_by_character(language: str) -> None:
    texts = {f"s{n}": text for n, (_, text) in enumerate(TURNS[language], 1)}
    found = answered(question(language))
    claims = [one for field in found.values() if isinstance(field, list) for one in field if isinstance(one, dict)]
    assert len(claims) > 3
    assert all(str(one.get("quote") or one["value"]) in texts[one["segment"]] for one in claims)


@pytest.mark.parametrize(("language", "money"), [("en", "ten dollars"), ("zh", "二十元")])
def test_intents_entities_and_outcome_are_those_that_a_person_would_name(language: str, money: str) -> None:
    found = answered(question(language))
    named = [(one["segment"], one["intent"]) for one in found["intents"]]
    assert ("s2", "cancel_contract") in named
    assert ("s1", "recording_notice") in named
    assert ("money", money) in [(one["entity"], one["value"]) for one in found["entities"]]
    assert found["outcome"]["name"] == "retained"
    assert found["summary"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_a_schema_the_shape_in_the_prompt_is_answered(language: str) -> None:
    shown = answered(replace(question(language), schema=None, format="json_object"))
    told = answered(question(language))
    assert shown == told


def test_an_intent_is_only_given_to_its_own_side() -> None:
    turns = (("agent", "I want to cancel my contract."),)
    assert "cancel_contract" not in [one["intent"] for one in answered(question(turns=turns))["intents"]]


def test_a_turn_without_anything_gets_nothing() -> None:
    found = answered(question(turns=(("customer", "Uh huh."),)))
    assert (found["intents"], found["entities"], found["outcome"]) == ([], [], None)


def test_a_schema_that_it_has_never_seen_is_answered_validly() -> None:
    schema = {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "minimum": 1, "maximum": 5},
            "why": {"type": "string", "minLength": 3},
        },
        "required": ["score", "why"],
    }
    asked = Question("m1", (Said("user", "How was it?"),), "json_schema", schema)
    Draft202012Validator(schema).validate(answered(asked))


def test_names_that_the_prompt_does_not_explain_are_taken_from_the_schema() -> None:
    item = {"type": "object", "properties": {"segment": {"type": "string"}, "intent": {"enum": ["cancel_contract"]}}}
    schema = {"type": "object", "properties": {"intents": {"type": "array", "items": item}}}
    asked = Question("m1", (Said("user", "[s3] customer 1.0s: cancel my contract"),), "json_schema", schema)
    assert answered(asked) == {"intents": [{"segment": "s3", "intent": "cancel_contract"}]}


def test_summaries_of_parts_are_summed_up() -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}}
    asked = Question("m1", (Said("user", "Parts:\n1. It began.\n2. It went on.\n3. It ended."),), "json_schema", schema)
    assert answered(asked) == {"summary": "It began. It ended."}


def test_a_plain_question_gets_a_sentence() -> None:
    assert answer_by_rule(Question("m1", (Said("user", "hello"),))) == "A conversation of 0 turns."


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("解约", 2), ("ab解约", 3)])
def test_tokens_are_counted_by_the_rule_that_is_stated(text: str, tokens: int) -> None:
    assert tokens_of(text) == tokens
