import io
import json
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from speech import noise

from pipeline.asr.engine_openai import build
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import AsrEngine, Speech, TimedWord
from pipeline.settings import AsrSettings

Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Server:
    """A transcription server: remembers what it was sent, answers what it was told."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, bytes]] = field(default_factory=list)
    paths: list[tuple[str, str | None]] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    hang: bool = False
    port: int = 0

    def answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.answers.append((status, body, headers or {}))


def content(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            form = BytesParser(policy=HTTP).parsebytes(head + body)
            assert isinstance(form, EmailMessage)
            fields = {str(it.get_param("name", header="content-disposition")): content(it) for it in form.iter_parts()}
            state.requests.append(fields)
            state.paths.append((self.path, self.headers.get("Authorization")))
            if state.hang:
                state.released.wait(10)
            status, answer, headers = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # a client that has given up
                self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden parameter
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = http.server_port
    thread = Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    yield state
    state.released.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
async def engine(server: Server) -> AsyncIterator[AsrEngine]:
    settings = {
        "base_url": f"http://127.0.0.1:{server.port}/v1",
        "model": "whisper-1",
        "api_key": "key",
        "timeout_s": 2,
    }
    made = build(AsrSettings.model_validate({"engine": "openai", **settings}))
    yield made
    await made.close()


def speech(seconds: float = 0.5, language: str | None = "en-US", vocabulary: tuple[str, ...] = ()) -> Speech:
    return Speech(noise(seconds, -20), 16_000, language, vocabulary)


async def test_a_span_travels_as_a_wav_file_with_its_language(server: Server, engine: AsrEngine) -> None:
    server.answer(
        200,
        {"text": " Hello there. ", "language": "english", "segments": [{"avg_logprob": -0.105, "no_speech_prob": 0.0}]},
    )
    (result,) = await engine.recognise([speech()])
    assert (result.text, result.language) == ("Hello there.", "en-US")
    assert result.confidence == pytest.approx(0.9, abs=0.01)
    sent = server.requests[0]
    assert (sent["model"], sent["language"], sent["response_format"]) == (b"whisper-1", b"en", b"verbose_json")
    with wave.open(io.BytesIO(sent["file"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 8_000)
    assert server.paths == [("/v1/audio/transcriptions", "Bearer key")]


async def test_many_spans_come_back_in_their_order(server: Server, engine: AsrEngine) -> None:
    server.answer(200, {"text": "same"})
    results = await engine.recognise([speech(0.1 * length, None) for length in range(1, 12)])
    assert [it.text for it in results] == ["same"] * 11
    assert all("language" not in sent for sent in server.requests)
    assert results[0].confidence is None


async def test_a_server_without_verbose_json_is_asked_for_json_and_from_then_on(
    server: Server, engine: AsrEngine
) -> None:
    server.answer(400, {"error": {"message": "response_format 'verbose_json' is not compatible with model"}})
    server.answer(200, {"text": "hello"})
    assert (await engine.recognise([speech()]))[0].text == "hello"
    await engine.recognise([speech()])
    assert [sent["response_format"] for sent in server.requests] == [b"verbose_json", b"json", b"json"]


async def test_a_server_that_gives_no_word_times_is_not_asked_for_them_again(server: Server, engine: AsrEngine) -> None:
    server.answer(400, {"error": {"message": "timestamp_granularities is not supported"}})
    server.answer(200, {"text": "hello", "segments": [{"avg_logprob": -0.1, "no_speech_prob": 0.0}]})
    result = (await engine.recognise([speech()]))[0]
    assert (result.text, result.words) == ("hello", ())
    assert result.confidence == pytest.approx(0.9, abs=0.01)
    await engine.recognise([speech()])
    assert ["timestamp_granularities[]" in sent for sent in server.requests] == [True, False, False]
    assert {sent["response_format"] for sent in server.requests} == {b"verbose_json"}


async def test_a_server_that_takes_neither_details_nor_prompts_still_transcribes(
    server: Server, engine: AsrEngine
) -> None:
    server.answer(400, {"error": {"message": "'prompt' is not supported for this model"}})
    server.answer(422, {"error": {"message": "response_format must be json"}})
    server.answer(200, {"text": "hello"})
    assert (await engine.recognise([speech(vocabulary=("blue sky",))]))[0].text == "hello"
    last = server.requests[-1]
    assert len(server.requests) == 3
    assert last["response_format"] == b"json"
    assert not {"prompt", "timestamp_granularities[]"} & set(last)


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(server: Server, engine: AsrEngine) -> None:
    server.answer(400, {"error": {"message": "timestamp_granularities, response_format, prompt: all wrong"}})
    with pytest.raises(Poison):
        await engine.recognise([speech()])
    assert len(server.requests) == 4


@pytest.mark.parametrize("inside", [False, True])
async def test_the_words_come_with_their_times_wherever_the_server_puts_them(
    server: Server, engine: AsrEngine, *, inside: bool
) -> None:
    words = [{"word": " Hello", "start": 0.1, "end": 0.25}, {"word": "there", "start": 0.3, "end": 9.0}]
    segment = {"avg_logprob": -0.1, "no_speech_prob": 0.0}
    body = {"segments": [segment | {"words": words}]} if inside else {"segments": [segment], "words": words}
    server.answer(200, {"text": "Hello there", **body})
    (result,) = await engine.recognise([speech(0.5)])
    assert result.words == (TimedWord("Hello", 100, 250), TimedWord("there", 300, 500))


async def test_the_vocabulary_goes_along_as_a_prompt_that_the_server_does_not_cut(
    server: Server, engine: AsrEngine
) -> None:
    server.answer(200, {"text": "hello"})
    await engine.recognise([speech(vocabulary=("blue sky", "北星"))])
    await engine.recognise([speech(vocabulary=tuple(f"term {number}" for number in range(100)))])
    await engine.recognise([speech()])
    short, long = (sent["prompt"] for sent in server.requests[:2])
    assert short.decode() == "blue sky, 北星."
    assert long.startswith(b"term 0, term 1, ")
    assert len(long) <= 448
    assert "prompt" not in server.requests[2]


async def test_segments_that_are_likely_silence_give_no_words(server: Server, engine: AsrEngine) -> None:
    server.answer(200, {"text": "Thank you.", "segments": [{"avg_logprob": -1.4, "no_speech_prob": 0.9}]})
    (result,) = await engine.recognise([speech()])
    assert (result.text, result.cut) == ("", "no_speech")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Retryable), (503, Retryable), (500, Retryable), (400, Poison), (413, Poison), (401, Config), (404, Config)],
)
async def test_each_refusal_is_what_it_means_and_is_asked_once(
    server: Server, engine: AsrEngine, status: int, kind: type[Exception]
) -> None:
    server.answer(status, {"error": {"message": "no"}})
    with pytest.raises(kind):
        await engine.recognise([speech()])
    assert len(server.requests) == 1


async def test_the_wait_that_the_server_asks_for_is_carried(server: Server, engine: AsrEngine) -> None:
    server.answer(429, {"error": {"message": "slow down"}}, {"Retry-After": "12"})
    with pytest.raises(Retryable) as caught:
        await engine.recognise([speech()])
    assert caught.value.retry_after_s == 12.0


async def test_one_span_that_is_refused_ends_the_call_with_its_reason(server: Server, engine: AsrEngine) -> None:
    server.answer(200, {"text": "hello"})
    server.answer(400, {"error": {"message": "too short"}})
    with pytest.raises(Poison, match="the transcription server refuses the request"):
        await engine.recognise([speech(), speech(), speech()])


async def test_a_server_that_hangs_or_is_away_is_retryable(server: Server, engine: AsrEngine) -> None:
    server.answer(200, {"text": "late"})
    server.hang = True
    with pytest.raises(Retryable, match="cannot be reached"):
        await engine.recognise([speech()])
    away = build(AsrSettings(engine="openai", base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(Retryable, match="cannot be reached"):
        await away.recognise([speech()])
    await away.close()


def test_openais_own_server_without_a_key_is_a_config_error() -> None:
    with pytest.raises(Config, match="CONVMINE_ASR_API_KEY"):
        build(AsrSettings(engine="openai"))
