from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from llm_server import Fail, Hang, LlmServer, OnlyFormats, Raw, Say, llm_server

from pipeline.errors import Config, Poison, Retryable
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.openai_chat import OpenAIChat
from pipeline.ports import ChatMessage, ChatRequest
from pipeline.settings import LlmSettings

REQUEST = ChatRequest((ChatMessage("user", "hello"),), {"type": "object"}, "shape", max_tokens=77)


@asynccontextmanager
async def chat_with(server: LlmServer, timeout_s: float = 5.0) -> AsyncIterator[OpenAIChat]:
    model = OpenAIChat("m1", base_url=server.base_url, api_key="secret", timeout_s=timeout_s)
    try:
        yield model
    finally:
        await model.close()


async def test_an_answer_comes_with_its_tokens_and_the_schema_is_asked_for_strictly() -> None:
    with llm_server(Say("{}")) as server:
        async with chat_with(server) as model:
            answer = await model.answer(REQUEST)
    assert (answer.text, answer.model, answer.input_tokens, answer.output_tokens) == ("{}", "m1", 100, 20)
    (asked,) = server.requests
    assert asked["response_format"]["json_schema"] == {"name": "shape", "strict": True, "schema": {"type": "object"}}
    assert asked["max_tokens"] == 77
    assert server.keys == ["Bearer secret"]


@pytest.mark.parametrize("formats", [("json_object",), (None,)])
async def test_a_server_that_refuses_the_schema_gets_a_weaker_format_from_then_on(
    formats: tuple[str | None, ...],
) -> None:
    with llm_server(OnlyFormats(formats, "{}")) as server:
        async with chat_with(server) as model:
            await model.answer(REQUEST)
            asked_at_first = len(server.requests)
            await model.answer(REQUEST)
    assert asked_at_first == (2 if formats == ("json_object",) else 3)
    assert len(server.requests) == asked_at_first + 1


async def test_a_request_that_is_refused_in_every_format_is_poison_and_does_not_weaken_the_next() -> None:
    bad = Fail(400, "context too long")
    with llm_server(bad, bad, bad, Say("{}")) as server:
        async with chat_with(server) as model:
            with pytest.raises(Poison, match="context too long"):
                await model.answer(REQUEST)
            await model.answer(REQUEST)
    assert server.requests[-1]["response_format"]["type"] == "json_schema"


async def test_a_rate_limit_is_retryable_and_says_how_long_to_wait() -> None:
    with llm_server(Fail(429, headers={"retry-after": "7"})) as server:
        async with chat_with(server) as model:
            with pytest.raises(Retryable) as caught:
                await model.answer(REQUEST)
    assert (caught.value.retry_after_s, caught.value.dependency) == (7.0, "llm")
    assert len(server.requests) == 1  # the client itself does not try again


@pytest.mark.parametrize("status", [500, 502, 503, 408])
async def test_a_fault_of_the_server_is_retryable(status: int) -> None:
    with llm_server(Fail(status)) as server:
        async with chat_with(server) as model:
            with pytest.raises(Retryable, match=str(status)):
                await model.answer(REQUEST)


@pytest.mark.parametrize(
    ("status", "setting"),
    [(401, "CONVMINE_LLM_API_KEY"), (403, "CONVMINE_LLM_API_KEY"), (404, "CONVMINE_LLM_MODEL")],
)
async def test_a_wrong_key_or_model_is_a_matter_of_settings(status: int, setting: str) -> None:
    with llm_server(Fail(status)) as server:
        async with chat_with(server) as model:
            with pytest.raises(Config) as caught:
                await model.answer(REQUEST)
    assert caught.value.setting == setting


async def test_a_server_that_hangs_is_retryable() -> None:
    with llm_server(Hang()) as server:
        async with chat_with(server, timeout_s=0.2) as model:
            with pytest.raises(Retryable, match="cannot be reached"):
                await model.answer(REQUEST)


async def test_a_server_that_is_away_is_retryable() -> None:
    with llm_server(Say("{}")) as server:
        pass
    async with chat_with(server) as model:
        with pytest.raises(Retryable, match="cannot be reached"):
            await model.answer(REQUEST)


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (Say("{", finish_reason="length"), "cut off at 77 tokens"),
        (Say(None, refusal="I will not"), "refuses to answer: I will not"),
        (Say(None, finish_reason="content_filter"), "content filter"),
        (Say("  "), "empty"),
    ],
)
async def test_an_answer_that_is_none_is_named(step: Say, named: str) -> None:
    with llm_server(step) as server:
        async with chat_with(server) as model:
            with pytest.raises(Poison, match=named):
                await GuardedChat(model).ask(REQUEST, str)


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"{}", b"[]", b'{"choices": [{}]}'])
async def test_a_body_that_is_no_completion_is_no_crash(body: bytes) -> None:
    with llm_server(Raw(body)) as server:
        async with chat_with(server) as model:
            with pytest.raises((Retryable, Poison)):
                await model.answer(REQUEST)


def test_without_key_and_server_the_key_is_named() -> None:
    with pytest.raises(Config) as caught:
        OpenAIChat.of(LlmSettings())
    assert caught.value.setting == "CONVMINE_LLM_API_KEY"
