from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from llm_server import Fail, Hang, LlmServer, OnlyFormats, Raw, Say, completion, llm_server

from pipeline.errors import Config, Poison, Retryable
from pipeline.llm.guarded import AnswerInvalid, GuardedChat
from pipeline.llm.openai_chat import OpenAIChat
from pipeline.llm.tolerant_json import read_json
from pipeline.llm.withheld import Why, Withheld
from pipeline.ports import ChatMessage, ChatRequest
from pipeline.settings import LlmSettings, load

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
    bad = Fail(400, "a role that nobody knows")
    with llm_server(bad, bad, bad, Say("{}")) as server:
        async with chat_with(server) as model:
            with pytest.raises(Poison, match="a role that nobody knows"):
                await model.answer(REQUEST)
            await model.answer(REQUEST)
    assert server.requests[-1]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("refusal", "why", "named"),
    [
        (Fail(400, "This model's maximum context length is 4096 tokens"), Why.TOO_LONG, "too long for the model: This"),
        (Fail(400, "max_tokens is too large: 77"), Why.TOO_LONG, "no answers of that length"),
        (Fail(400, "triggering Azure OpenAI's content management policy"), Why.FILTERED, "content filter refuses"),
    ],
)
async def test_a_refusal_that_is_about_something_else_is_named_and_weakens_nothing(
    refusal: Fail, why: Why, named: str
) -> None:
    with llm_server(refusal, Say("{}")) as server:
        async with chat_with(server) as model:
            with pytest.raises(Withheld, match=named) as caught:
                await model.answer(REQUEST)
            await model.answer(REQUEST)
    assert caught.value.why is why
    assert [request["response_format"]["type"] for request in server.requests] == ["json_schema"] * 2


async def test_a_server_is_asked_without_the_parameters_that_it_refuses_from_then_on() -> None:
    script = (
        Fail(400, "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
        Fail(400, "Unsupported value: 'temperature' does not support 0 with this model."),
        Say("{}"),
    )
    with llm_server(*script) as server:
        async with chat_with(server) as model:
            await model.answer(REQUEST)
            await model.answer(REQUEST)
    assert len(server.requests) == 4
    for request in server.requests[2:]:
        assert request["max_completion_tokens"] == 77
        assert {"max_tokens", "temperature"} & set(request) == set()
        assert request["response_format"]["type"] == "json_schema"


async def test_after_an_hour_a_server_is_held_to_the_schema_again() -> None:
    now = 0.0
    with llm_server(OnlyFormats(("json_object",), "{}")) as server:
        model = OpenAIChat("m1", base_url=server.base_url, api_key=None, timeout_s=5, clock=lambda: now)
        await model.answer(REQUEST)
        now = 3_000.0
        await model.answer(REQUEST)
        now = 4_000.0
        await model.answer(REQUEST)
        await model.close()
    asked = [request["response_format"]["type"] for request in server.requests]
    assert asked == ["json_schema", "json_object", "json_object", "json_schema", "json_object"]


async def test_an_answer_that_the_server_threw_away_as_no_json_is_an_answer() -> None:
    error = {"code": "json_validate_failed", "message": "Failed to generate JSON", "failed_generation": "{'a': 1}"}
    with llm_server(Raw(json.dumps({"error": error}).encode(), 400), Say("{}")) as server:
        async with chat_with(server) as model:
            assert (await model.answer(REQUEST)).text == "{'a': 1}"
            await model.answer(REQUEST)
    assert server.requests[-1]["response_format"]["type"] == "json_schema"


async def test_an_error_that_comes_as_200_is_named() -> None:
    error = {"code": 400, "type": "exceed_context_size_error", "message": "request exceeds the available context size"}
    with llm_server(Raw(json.dumps({"error": error}).encode()), Raw(b'{"error": {"message": "no GPU"}}')) as server:
        async with chat_with(server) as model:
            with pytest.raises(Withheld, match="too long"):
                await model.answer(REQUEST)
            with pytest.raises(Retryable, match="no GPU"):
                await model.answer(REQUEST)


async def test_headers_and_query_of_the_settings_are_sent_and_no_key_where_none_is_set() -> None:
    with azure() as (url, seen):
        model = OpenAIChat.of(
            LlmSettings(base_url=url, headers=("api-key=a=b", "OpenAI-Organization=org"), query=("api-version=v1",))
        )
        await model.answer(REQUEST)
        await model.close()
    ((path, headers),) = seen
    assert path == "/openai/deployments/d/chat/completions?api-version=v1"
    assert (headers["api-key"], headers["openai-organization"]) == ("a=b", "org")
    assert "authorization" not in headers


async def test_an_authorization_of_the_settings_is_sent() -> None:
    with azure() as (url, seen):
        model = OpenAIChat.of(LlmSettings(base_url=url, headers=("authorization=Bearer token",)))
        await model.answer(REQUEST)
        await model.close()
    assert seen[0][1]["authorization"] == "Bearer token"


@contextmanager
def azure() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server that notes the address and the headers that it is asked with."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Noting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps(completion({"model": "m1"}, "{}")).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}/openai/deployments/d", seen
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


async def test_half_of_a_surrogate_pair_can_be_sent_back() -> None:
    body = json.dumps(completion({"model": "m1"}, "half \ud83d")).encode()
    with llm_server(Raw(body)) as server:
        async with chat_with(server) as model:
            answer = await model.answer(REQUEST)
    assert answer.text.encode() == "half \ufffd".encode()


async def test_an_account_without_money_is_said_to_be_one() -> None:
    error = {"code": "insufficient_quota", "type": "insufficient_quota", "message": "You exceeded your current quota"}
    with llm_server(Raw(json.dumps({"error": error}).encode(), 429)) as server:
        async with chat_with(server) as model:
            with pytest.raises(Retryable) as caught:
                await model.answer(REQUEST)
    assert caught.value.hint == "the account has no money left"


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
            with pytest.raises(Retryable, match=r"gave no answer in 0\.2 s"):
                await model.answer(REQUEST)


async def test_a_server_that_sends_an_answer_byte_by_byte_is_not_waited_for_longer() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = OpenAIChat("m1", base_url=f"http://127.0.0.1:{port}/v1", api_key=None, timeout_s=0.4)
    with pytest.raises(Retryable, match=r"no answer in 0\.4 s"):
        await asyncio.wait_for(model.answer(REQUEST), 5)
    await model.close()
    server.close()


async def test_a_server_without_any_format_is_read_through_what_it_says_around_its_json() -> None:
    said = "<think>what may he mean?</think>Here it is:\n```json\n{'a': [1,],}\n```"
    with llm_server(OnlyFormats((None,), said)) as server:
        async with chat_with(server) as model:
            asked = await GuardedChat(model, reasks=0).ask(REQUEST, read_json)
    assert asked.value == {"a": [1]}


async def test_a_server_that_is_away_is_retryable() -> None:
    with llm_server(Say("{}")) as server:
        pass
    async with chat_with(server) as model:
        with pytest.raises(Retryable, match=r"cannot be reached: .*Connect call failed"):
            await model.answer(REQUEST)


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"", "cannot be reached: Connection error"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: appl", "cannot be reached: Connection error"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "cannot be reached: Connection error"),
        (b"220 mail.example ESMTP\r\n", "cannot be read: .*Bad status line"),
    ],
)
async def test_a_connection_that_breaks_off_is_retryable_and_no_time_out(sent: bytes, named: str) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = OpenAIChat("m1", base_url=f"http://127.0.0.1:{port}/v1", api_key=None, timeout_s=5)
    with pytest.raises(Retryable, match=named):
        await model.answer(REQUEST)
    await model.close()
    server.close()


def checked(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AnswerInvalid(str(error)) from error


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (Say("{", finish_reason="length"), "cut off at 300 tokens"),
        (Say(None, refusal="I will not"), "refuses to answer: I will not"),
        (Say(None, finish_reason="content_filter"), "content filter"),
        (Say("  "), "empty"),
    ],
)
async def test_an_answer_that_is_none_is_named(step: Say, named: str) -> None:
    with llm_server(step) as server:
        async with chat_with(server) as model:
            with pytest.raises(Poison, match=named):
                await GuardedChat(model, most_tokens=300).ask(REQUEST, checked)


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


def test_headers_are_read_as_secrets_and_a_wrong_one_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONVMINE_LLM_HEADERS", "api-key=hush,X-Team=b=c")
    monkeypatch.setenv("CONVMINE_LLM_QUERY", "api-version=2024-10-21")
    settings = load()
    assert [one.get_secret_value() for one in settings.llm.headers] == ["api-key=hush", "X-Team=b=c"]
    assert settings.llm.query == ("api-version=2024-10-21",)
    assert "hush" not in repr(settings)
    monkeypatch.setenv("CONVMINE_LLM_HEADERS", "hush")
    with pytest.raises(Config, match="expected name=value") as caught:
        load()
    assert caught.value.setting == "CONVMINE_LLM_HEADERS"
    assert "hush" not in str(caught.value)
