from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.errors import Poison, Retryable
from pipeline.llm.guarded import AnswerInvalid, Asked, GuardedChat
from pipeline.llm.votes import vote
from pipeline.llm.withheld import Took, Why, Withheld
from pipeline.ports import Account, ChatAnswer, ChatMessage, ChatRequest
from pipeline.testing import InMemoryResponseCache

ASKED = (ChatMessage("system", "rules"), ChatMessage("user", "transcript"))
REQUEST = ChatRequest(ASKED, {"type": "object"}, "shape", max_tokens=100, account=Account("t", "c"))
VALID = json.dumps(["a"])


def say(text: str = VALID, finish_reason: str = "stop", refusal: str | None = None) -> ChatAnswer:
    return ChatAnswer(text, "m1-2026", finish_reason, input_tokens=10, output_tokens=3, refusal=refusal)


class Scripted:
    """A ``ChatModel`` that says what it is told to; the last thing again and again."""

    name = "m1"

    def __init__(self, *script: ChatAnswer | Exception) -> None:
        self._script = list(script)
        self.asked: list[ChatRequest] = []

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        self.asked.append(request)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self) -> None:
        """Nothing is held open."""


def read(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        raise AnswerInvalid("no JSON") from None
    if not isinstance(found, list):
        raise AnswerInvalid("expected a list")
    return found


async def ask(model: Scripted, reasks: int = 1, most_tokens: int = 400) -> Asked[list[str]]:
    return await GuardedChat(model, reasks=reasks, most_tokens=most_tokens).ask(REQUEST, read)


async def withheld(model: Scripted, reasks: int = 1, most_tokens: int = 400) -> Withheld:
    with pytest.raises(Withheld) as caught:
        await ask(model, reasks, most_tokens)
    assert isinstance(caught.value, Poison)
    return caught.value


async def test_an_invalid_answer_is_asked_again_with_it_and_its_error_and_the_tokens_are_summed() -> None:
    model = Scripted(say("{}"), say("oh"), say())
    asked = await ask(model, reasks=2)
    assert asked.value == ["a"]
    assert (asked.said.reasks, asked.said.input_tokens, asked.said.output_tokens) == (2, 30, 9)
    assert model.asked[1].messages[:2] == ASKED
    assert model.asked[1].messages[2] == ChatMessage("assistant", "{}")
    assert "expected a list" in model.asked[1].messages[3].content


async def test_only_the_last_answer_is_sent_back_so_that_each_try_costs_the_same() -> None:
    model = Scripted(say("{}"), say("oh"), say("ah"), say())
    await ask(model, reasks=3)
    assert [len(request.messages) for request in model.asked] == [2, 4, 4, 4]
    assert model.asked[3].messages[2].content == "ah"


async def test_a_long_answer_and_a_long_error_are_cut_where_they_are_sent_back() -> None:
    def complain(text: str) -> str:
        raise AnswerInvalid("e" * 50_000)

    model = Scripted(say("b" * 50_000 + "the end"))
    with pytest.raises(Withheld) as caught:
        await GuardedChat(model, reasks=1).ask(REQUEST, complain)
    shown, error = model.asked[1].messages[2:]
    assert len(shown.content) < 8_100
    assert shown.content.endswith("the end")
    assert len(error.content) < 1_200
    assert len(caught.value.message) < 1_200


@pytest.mark.parametrize("reasks", [0, 1, 3])
async def test_after_so_many_tries_no_valid_answer_is_named_with_its_cost(reasks: int) -> None:
    error = await withheld(Scripted(say("oh")), reasks)
    assert error.why is Why.INVALID
    assert error.message.endswith(f"in {reasks + 1} {'try' if reasks == 0 else 'tries'}: no JSON")
    assert error.spent == Took(reasks + 1, 10 * (reasks + 1), 3 * (reasks + 1))


@pytest.mark.parametrize(
    ("answer", "why", "named"),
    [
        (say("", refusal="I will not"), Why.REFUSED, "refuses to answer: I will not"),
        (say("[", "content_filter"), Why.FILTERED, "content filter"),
    ],
)
async def test_a_refusal_and_a_filter_are_named_and_not_asked_again(answer: ChatAnswer, why: Why, named: str) -> None:
    model = Scripted(answer)
    error = await withheld(model, reasks=5)
    assert (error.why, error.spent) == (why, Took(1, 10, 3))
    assert named in error.message
    assert len(model.asked) == 1


async def test_an_empty_answer_is_asked_for_again_with_the_same_words() -> None:
    model = Scripted(say(" \n"), say())
    assert (await ask(model)).value == ["a"]
    assert model.asked == [REQUEST, REQUEST]
    error = await withheld(Scripted(say("")))
    assert (error.why, error.spent.tries) == (Why.EMPTY, 2)
    assert "empty (finish reason stop)" in error.message


async def test_an_answer_that_was_cut_off_gets_twice_the_room_up_to_the_limit() -> None:
    model = Scripted(say('["a', "length"), say('["a", "b', "length"), say())
    asked = await ask(model, reasks=0, most_tokens=300)
    assert asked.said.reasks == 2
    assert [request.max_tokens for request in model.asked] == [100, 200, 300]
    assert {request.messages for request in model.asked} == {ASKED}
    error = await withheld(Scripted(say('["a', "length")), most_tokens=300)
    assert (error.why, error.spent) == (Why.CUT_OFF, Took(3, 30, 9))
    assert "cut off at 300 tokens" in error.message
    assert "CONVMINE_EXTRACT_MOST_TOKENS" in (error.hint or "")


async def test_the_room_that_a_cut_answer_got_is_kept_for_the_question_after_it() -> None:
    model = Scripted(say('["a', "length"), say("{}"), say())
    await ask(model)
    assert [request.max_tokens for request in model.asked] == [100, 200, 200]


async def test_an_answer_that_is_whole_before_the_cut_is_an_answer() -> None:
    model = Scripted(say(VALID + " " * 100, "length"))
    assert (await ask(model)).value == ["a"]
    assert len(model.asked) == 1


async def test_where_twice_the_room_does_not_fit_the_cut_is_the_reason() -> None:
    too_long = Withheld("the request is too long for the model", why=Why.TOO_LONG)
    error = await withheld(Scripted(say("[", "length"), too_long))
    assert (error.why, error.spent.tries) == (Why.CUT_OFF, 1)
    error = await withheld(Scripted(say("oh"), too_long))
    assert (error.why, error.spent.tries) == (Why.INVALID, 1)
    error = await withheld(Scripted(too_long))
    assert (error.why, error.spent) == (Why.TOO_LONG, Took())


async def test_a_filter_that_the_server_raises_carries_what_was_spent_before() -> None:
    error = await withheld(Scripted(say("oh"), Withheld("filtered", why=Why.FILTERED)))
    assert (error.why, error.spent) == (Why.FILTERED, Took(1, 10, 3))


async def test_what_the_model_raises_for_others_passes_through() -> None:
    with pytest.raises(Retryable):
        await ask(Scripted(say("oh"), Retryable("away", dependency="llm")))


def agree(answers: Sequence[list[str]]) -> list[str]:
    return list(vote(answers, str))


async def votes(model: Scripted, cache: InMemoryResponseCache, k: int = 3) -> Asked[list[str]]:
    chat = GuardedChat(model, reasks=0, cache=cache, vote_temperature=0.9)
    return await chat.ask(REQUEST, read, subject="t:c", votes=k, agree=agree)


async def test_samples_are_drawn_at_once_and_what_the_majority_says_is_the_answer() -> None:
    model = Scripted(say('["a", "b"]'), say('["b", "c"]'), say('["b"]'))
    asked = await votes(model, InMemoryResponseCache())
    assert asked.value == ["b"]
    assert (asked.said.text, asked.said.input_tokens, asked.said.output_tokens) == ('["a", "b"]', 30, 9)
    assert [request.temperature for request in model.asked] == [0, 0.9, 0.9]


async def test_each_sample_is_kept_by_itself_and_the_first_serves_one_voice_too() -> None:
    cache = InMemoryResponseCache()
    model = Scripted(say('["a", "b"]'), say('["b"]'), say('["b"]'))
    first = await votes(model, cache)
    assert len(cache.kept) == 3
    assert await votes(model, cache) == first
    assert (await GuardedChat(model, cache=cache).ask(REQUEST, read)).value == ["a", "b"]
    assert len(model.asked) == 3
    await cache.remove("t:c")
    assert cache.kept == {}


async def test_a_sample_that_is_not_valid_has_no_vote_but_a_price() -> None:
    asked = await votes(Scripted(say('["a"]'), say("oh"), say('["a"]')), InMemoryResponseCache())
    assert asked.value == ["a"]
    assert asked.said.input_tokens == 30
    with pytest.raises(Withheld):
        await votes(Scripted(say("oh")), InMemoryResponseCache())


async def test_where_one_sample_finds_the_server_away_the_others_are_kept_for_the_next_try() -> None:
    cache = InMemoryResponseCache()
    with pytest.raises(Retryable):
        await votes(Scripted(say('["a"]'), Retryable("away", dependency="llm"), say('["a"]')), cache)
    model = Scripted(say('["a"]'))
    assert (await votes(model, cache)).value == ["a"]
    assert len(model.asked) == 1


async def test_without_somebody_to_agree_one_sample_is_drawn() -> None:
    model = Scripted(say())
    await GuardedChat(model).ask(REQUEST, read, votes=5)
    assert len(model.asked) == 1


async def test_who_pays_does_not_change_what_is_kept() -> None:
    cache = InMemoryResponseCache()
    model = Scripted(say())
    chat = GuardedChat(model, cache=cache)
    await chat.ask(REQUEST, read)
    await chat.ask(replace(REQUEST, account=Account("t", "other")), read)
    assert len(model.asked) == 1
