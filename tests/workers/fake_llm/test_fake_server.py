from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import openai
import pytest

from workers.fake_llm import (
    ContentFilter,
    ContextTooLong,
    Cut,
    Empty,
    Failure,
    Hung,
    NoJsonSchema,
    Page,
    Refusal,
    Served,
    Step,
    Streamed,
    Text,
    Truncated,
    serve,
)

HELLO: Any = [{"role": "user", "content": "hello"}]
JSON_SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


@contextmanager
def client_of(server: Served, timeout_s: float = 5.0) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="secret", max_retries=0, timeout=timeout_s) as client:
        yield client


def ask(*steps: Step, timeout_s: float = 5.0, **arguments: Any) -> Any:
    with serve(*steps) as server, client_of(server, timeout_s) as client:
        return client.chat.completions.create(model="m1", messages=HELLO, **arguments)


def test_an_answer_is_a_completion_with_its_tokens() -> None:
    completion = ask(Text(text="good day"))
    (choice,) = completion.choices
    assert (completion.model, choice.message.content, choice.finish_reason) == ("m1", "good day", "stop")
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (2, 2, 4)


@pytest.mark.parametrize(
    ("step", "content", "refusal", "reason"),
    [
        (Refusal(text="I will not"), None, "I will not", "stop"),
        (ContentFilter(), None, None, "content_filter"),
        (Empty(), "", None, "stop"),
        (Truncated(), "A conversatio", None, "length"),
    ],
)
def test_an_answer_that_is_none_ends_as_its_step_says(
    step: Step, content: str | None, refusal: str | None, reason: str
) -> None:
    (choice,) = ask(step).choices
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == (content, refusal, reason)


def test_a_valid_answer_is_cut_at_the_tokens_that_are_asked_for() -> None:
    completion = ask(max_tokens=2)
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 2


def test_a_busy_server_says_how_long_to_wait() -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        ask(Failure(status=429, retry_after_s=3))
    assert caught.value.response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (404, openai.NotFoundError), (500, openai.InternalServerError)],
)
def test_an_http_error_is_the_one_of_its_step(status: int, error: type[openai.APIStatusError]) -> None:
    with pytest.raises(error, match="scripted failure"):
        ask(Failure(status=status))


@pytest.mark.parametrize("where", ["before", "headers", "body"])
def test_a_cut_connection_is_an_error_of_the_connection(where: Any) -> None:
    with pytest.raises(openai.APIConnectionError):
        ask(Cut(where=where))


def test_a_hung_answer_comes_never_and_does_not_keep_the_server_from_ending() -> None:
    with serve(Hung()) as server, client_of(server, 0.2) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="m1", messages=HELLO)
        waiting = threading.Thread(target=_hang, args=(server,), daemon=True)
        waiting.start()
        while server.stats.asked < 2:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_slow_answer_takes_its_time() -> None:
    began = time.monotonic()
    ask(Text(text="at last", delay_s=0.3))
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("server", ["openai", "azure", "vllm", "ollama"])
def test_a_schema_is_refused_as_each_server_does_and_a_weaker_format_is_answered(server: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="json_schema"):
        ask(NoJsonSchema(server=server), response_format=JSON_SCHEMA)
    assert ask(NoJsonSchema(server=server), response_format={"type": "json_object"}).choices[0].message.content == "{}"


def test_a_context_that_is_too_long_is_refused_and_a_shorter_one_answered() -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(ContextTooLong(tokens=1))
    assert caught.value.code == "context_length_exceeded"
    assert ask(ContextTooLong(tokens=2)).choices


def test_a_stream_brings_the_words_in_pieces_and_the_usage_last() -> None:
    text = "one two three four five six seven eight nine ten"
    with serve(Text(text=text)) as server, client_of(server) as client:
        chunks = list(
            client.chat.completions.create(
                model="m1", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == text
    assert len([piece for piece in pieces if piece]) > 1
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12


def test_a_stream_that_nobody_asked_for_is_one_of_events() -> None:
    with serve(Streamed()) as server:
        answer = httpx.post(_chat(server), json=_body())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_page_is_what_a_proxy_would_send() -> None:
    with serve(Page(status=502)) as server:
        answer = httpx.post(_chat(server), json=_body())
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")


def test_beyond_its_limit_it_refuses_and_counts() -> None:
    with serve(Text(text="x"), requests_per_minute=60, burst=2) as server:
        answers = [httpx.post(_chat(server), json=_body()) for _ in range(3)]
        stats = httpx.get(server.base_url.removesuffix("/v1") + "/stats").json()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
    assert answers[2].headers["retry-after"] == "1"
    assert (stats["asked"], stats["refused"], stats["answered"]) == (3, 1, {"text": 2})


def test_embeddings_are_the_same_for_the_same_text_and_near_for_shared_words() -> None:
    with serve() as server, client_of(server) as client:
        texts = ["cancel my contract", "cancel the contract", "good morning", ""]
        rows = [one.embedding for one in client.embeddings.create(model="e1", input=texts).data]
        again = client.embeddings.create(model="e1", input=texts[0], encoding_format="float").data[0].embedding
    assert rows[0] == pytest.approx(again, abs=1e-6)
    assert all(sum(x * x for x in row) == pytest.approx(1, abs=1e-5) for row in rows)
    near, far = (sum(a * b for a, b in zip(rows[0], row, strict=True)) for row in rows[1:3])
    assert near > far


def test_it_lists_a_model_and_keeps_what_it_was_asked() -> None:
    with serve() as server, client_of(server) as client:
        assert [model.id for model in client.models.list()] == ["fake-llm"]
        client.chat.completions.create(model="m1", messages=HELLO)
        assert [(one.path, one.authorization) for one in server.asked] == [("/v1/chat/completions", "Bearer secret")]
        assert server.requests[0]["messages"] == HELLO


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"model": "m1"}', b'{"messages": 3, "model": "m1"}', b'{"messages": [], "model": "m1"}'],
)
def test_a_body_that_is_no_question_is_a_bad_request_and_no_crash(body: bytes) -> None:
    with serve() as server:
        answer = httpx.post(_chat(server), content=body)
        assert httpx.post(_chat(server), json=_body()).status_code == 200
    assert answer.status_code == 400
    assert "body" in answer.json()["error"]["message"]


def test_a_schema_that_cannot_be_read_is_an_error_that_says_so_and_no_crash() -> None:
    response_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#/nowhere"}}}
    with serve() as server:
        answer = httpx.post(_chat(server), json=_body() | {"response_format": response_format})
        assert httpx.post(_chat(server), json=_body()).status_code == 200
    assert answer.status_code == 500
    assert "cannot answer" in answer.json()["error"]["message"]


def test_what_it_does_not_have_is_not_found() -> None:
    with serve() as server:
        answer = httpx.get(server.base_url + "/files")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_a_taken_port_is_an_error_and_no_hang() -> None:
    with (
        serve() as server,
        pytest.raises(OSError, match="address"),
        serve(port=int(server.base_url.split(":")[2][:-3])),
    ):
        pass


def test_a_message_in_parts_is_read_as_one_text() -> None:
    parts = [{"type": "text", "text": "call "}, {"type": "text", "text": "7"}]
    with serve(Text(text="seen", containing="call 7"), Empty()) as server:
        answer = httpx.post(_chat(server), json={"model": "m", "messages": [{"role": "user", "content": parts}]})
    assert json.loads(answer.text)["choices"][0]["message"]["content"] == "seen"


def _hang(server: Served) -> None:
    with suppress(httpx.TransportError):  # its connection is cut when the server ends
        httpx.post(_chat(server), json=_body(), timeout=60)


def _chat(server: Served) -> str:
    return server.base_url + "/chat/completions"


def _body() -> dict[str, Any]:
    return {"model": "m1", "messages": HELLO}
