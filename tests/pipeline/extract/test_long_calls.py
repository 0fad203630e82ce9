"""Calls that do not fit into one prompt: what is asked, what comes of it, and what it costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from joined_calls import joined_call
from rule_model import RuleModel, by_rule, cut_off, nothing

from pipeline.errors import Poison, Retryable
from pipeline.extract.findings import Conversation, Findings
from pipeline.extract.llm import LlmExtractor
from pipeline.extract.tokens import prompt_tokens
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.withheld import Why, Withheld
from pipeline.ports import ChatAnswer, ChatRequest
from pipeline.testing import InMemoryResponseCache

Instead = Callable[[ChatRequest], ChatAnswer | None]
ALL = 1_000_000
LIMIT = 5_500


async def mined(  # noqa: PLR0913 - what the extractor is told
    conversation: Conversation,
    model: RuleModel,
    *,
    cache: InMemoryResponseCache | None = None,
    chunk_tokens: int = LIMIT,
    overlap_turns: int = 4,
    at_once: int = 4,
) -> Findings:
    chat = GuardedChat(model, reasks=0, most_tokens=8_000, cache=cache)
    extractor = LlmExtractor(chat, chunk_tokens=chunk_tokens, overlap_turns=overlap_turns, at_once=at_once)
    return await extractor.extract(conversation)


def chunks_asked(model: RuleModel) -> list[ChatRequest]:
    return [request for request in model.asked if request.schema_name.startswith("extract")]


def talk_of(request: ChatRequest) -> str:
    return request.messages[1].content


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_prompt_of_a_ninety_minute_call_is_within_the_limit(language: str) -> None:
    conversation, model = joined_call(90, language), RuleModel(nothing)
    findings = await mined(conversation, model)
    assert len(chunks_asked(model)) == findings.provenance.chunks >= 5
    assert max(prompt_tokens(request.messages) for request in model.asked) <= LIMIT
    asked = "".join(map(talk_of, chunks_asked(model)))
    assert all(segment.text in asked for segment in conversation.segments)


@pytest.mark.parametrize(("language", "overlap_turns"), [("en", 4), ("zh", 4), ("zh", 0), ("zh", 20)])
async def test_chunks_find_what_one_prompt_finds_and_nothing_twice(language: str, overlap_turns: int) -> None:
    conversation = joined_call(90, language)
    whole = await mined(conversation, RuleModel(), chunk_tokens=ALL)
    in_chunks = await mined(conversation, RuleModel(), overlap_turns=overlap_turns)
    assert whole.provenance.chunks == 1
    assert len(whole.intents) > 100
    assert in_chunks.intents == whole.intents
    assert in_chunks.provenance.chunks >= 4
    assert in_chunks.entities == whole.entities
    assert in_chunks.follow_ups == whole.follow_ups
    assert in_chunks.outcome == whole.outcome
    places = Counter((one.name, one.evidence.segment_id, one.evidence.quote) for one in in_chunks.intents)
    assert set(places.values()) == {1}


async def test_what_a_call_costs_is_linear_in_its_length() -> None:
    tokens = [
        (await mined(joined_call(minutes), RuleModel(nothing))).provenance.input_tokens
        for minutes in (15, 30, 45, 60, 75, 90)
    ]
    steps = [after - before for before, after in pairwise(tokens)]
    assert max(steps) <= 1.35 * min(steps)
    assert tokens[-1] <= 6.6 * tokens[0]


async def test_a_call_that_fits_is_asked_about_in_one_request_and_no_other() -> None:
    conversation, short, long = joined_call(5), RuleModel(nothing), RuleModel(nothing)
    findings = await mined(conversation, short)
    await mined(conversation, long, chunk_tokens=ALL)
    assert short.asked == long.asked
    assert len(short.asked) == findings.provenance.chunks == 1


async def test_the_summary_of_all_is_asked_for_with_the_summaries_of_the_chunks_as_data() -> None:
    def answer(request: ChatRequest) -> ChatAnswer | None:
        if request.schema_name == "summary_v1":
            return ChatAnswer('{"summary": "All of it."}', "m", "stop", 100, 10)
        return None

    model = RuleModel(answer)
    findings = await mined(joined_call(30), model)
    request = model.asked[-1]
    assert findings.summary == "All of it."
    assert request.schema_name == "summary_v1"
    lines = talk_of(request).partition("<summaries>")[2].partition("</summaries>")[0].strip().splitlines()
    assert len(lines) == findings.provenance.chunks
    assert request.account == chunks_asked(model)[0].account
    said = [by_rule(one) for one in chunks_asked(model)]
    assert findings.provenance.input_tokens == sum(one.input_tokens for one in said) + 100
    assert findings.provenance.output_tokens == sum(one.output_tokens for one in said) + 10


async def test_without_a_summary_of_all_those_of_the_chunks_are_put_together() -> None:
    def answer(request: ChatRequest) -> ChatAnswer | None:
        return ChatAnswer("no", "m", "stop") if request.schema_name == "summary_v1" else nothing(request)

    findings = await mined(joined_call(60), RuleModel(answer))
    assert findings.summary == " ".join(["s"] * findings.provenance.chunks)
    assert findings.provenance.reasks == 1  # what was asked in vain


async def test_an_answer_that_is_cut_off_is_asked_for_in_halves_and_what_was_lost_is_counted() -> None:
    conversation = joined_call(10)

    def answer(request: ChatRequest) -> ChatAnswer | None:
        too_long = request.schema_name.startswith("extract") and prompt_tokens(request.messages) > 4_500
        return cut_off(request) if too_long else None

    model = RuleModel(answer)
    findings = await mined(conversation, model)
    whole = await mined(conversation, RuleModel(), chunk_tokens=ALL)
    assert findings.intents == whole.intents
    assert findings.provenance.chunks == len(chunks_asked(model)) - 2  # with room for 4,000 tokens, and for 8,000
    assert findings.provenance.reasks == 2
    assert findings.provenance.output_tokens > 12_000


async def test_a_prompt_that_does_not_fit_into_the_models_context_is_asked_in_halves() -> None:
    def answer(request: ChatRequest) -> ChatAnswer | None:
        if prompt_tokens(request.messages) > 4_500:
            raise Withheld("the prompt is longer than the context of 4,096", why=Why.TOO_LONG)
        return None

    model = RuleModel(answer)
    assert (await mined(joined_call(10), model)).provenance.chunks == len(chunks_asked(model)) - 1


async def test_a_model_whose_answers_never_end_is_given_up_after_two_halvings() -> None:
    model = RuleModel(cut_off)
    with pytest.raises(Withheld, match="cut off at 8000 tokens"):
        await mined(joined_call(5), model)
    assert len(model.asked) == 3 * 2  # each is asked for once more with twice the room: 4,000 tokens, then 8,000


async def test_so_many_chunks_are_asked_about_at_once_and_no_more() -> None:
    model = RuleModel(nothing)
    await mined(joined_call(90), model, at_once=3)
    assert model.most_at_once == 3


async def test_after_a_failure_no_further_chunk_is_asked_about_and_what_came_is_kept() -> None:
    cache = InMemoryResponseCache()
    is_away = True

    def answer(request: ChatRequest) -> ChatAnswer | None:
        if is_away and request in model.asked[2:3]:
            raise Retryable("away", dependency="llm")
        return nothing(request)

    model = RuleModel(answer)
    with pytest.raises(Retryable):
        await mined(joined_call(90), model, at_once=2, cache=cache)
    failed = len(model.asked)
    assert failed == 4
    assert len(cache.kept) == 3
    is_away = False
    findings = await mined(joined_call(90), model, at_once=2, cache=cache)
    assert len(model.asked) - failed == findings.provenance.chunks + 1 - 3


async def test_a_chunk_without_a_valid_answer_is_poison_for_the_call() -> None:
    def answer(request: ChatRequest) -> ChatAnswer | None:
        return ChatAnswer("no", "m", "stop") if len(model.asked) == 4 else nothing(request)

    model = RuleModel(answer)
    with pytest.raises(Poison):
        await mined(joined_call(90), model, at_once=1)


async def test_a_call_that_is_cancelled_stops_asking() -> None:
    model = RuleModel(nothing)
    task = asyncio.create_task(mined(joined_call(90), model, at_once=1))
    await model.under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    asked = len(model.asked)
    await asyncio.sleep(0.02)
    assert len(model.asked) == asked == 1
