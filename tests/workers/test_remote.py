"""Through the gateway a question has the same answer, and the same error, as from the store."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from gateway_app import KEYS, client_of, made_gateway, made_store
from structlog.testing import capture_logs

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.questions.answering import KINDS, StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.fields import NoField
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import (
    Aggregate,
    Coach,
    Compare,
    Flow,
    Query,
    Question,
    ReadTranscript,
    Rows,
    Search,
    ShowCall,
    Similar,
    Trend,
)
from pipeline.store.known import Unknown
from pipeline.store.marks import NoMark
from pipeline.testing import InMemoryStore
from workers.gateway.app import create_app
from workers.remote import RemoteAnswers, remote_answers

CUSTOMER = (parse_condition("role=customer"),)
QUESTIONS: tuple[Question, ...] = (
    Search(text="price", where=CUSTOMER),
    Query(where=CUSTOMER, sort="-started"),
    Query(of="calls"),
    Query(of="utterances"),
    Query(of="suggestions"),
    Rows(of="intents", limit=2),
    Aggregate(by=("intent",), metric="win_rate"),
    Compare(a=(parse_condition("agent=ann"),), b=(parse_condition("agent=bob"),)),
    Trend(),
    Similar(call="call-one"),
    Coach(agent="ann"),
    Flow(scenario="telecom"),
    ShowCall(call="call-two"),
    ReadTranscript(call="call-one"),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: f"{one.kind}-{getattr(one, 'of', '')}")
async def test_an_answer_is_the_same_value_as_from_the_store(question: Question) -> None:
    store = await made_store()
    there = await StoredAnswers(store, Asker("acme")).answer(question)
    async with client_of(made_gateway(store)) as client:
        assert await RemoteAnswers(client).answer(question) == there


def test_every_kind_of_question_is_asked_here() -> None:
    assert {type(question) for question in QUESTIONS} == set(KINDS)


class Failing:
    """Answers nothing, for one reason."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def answer(self, _: Question) -> Any:
        raise self._error


def failing(error: Exception) -> FastAPI:
    return create_app(lambda _: Failing(error), KEYS.get)


@pytest.mark.parametrize(
    "error",
    [
        NoField("there is no field 'colour'", hint="nearest: call"),
        NoMark("'x' is no mark"),
        TooWide("too many", hint="narrow it"),
        Unknown("no call named 'x'", hint="nearest: call-one"),
        ConvmineError("these words are no question", hint="ask another"),
    ],
)
async def test_what_is_wrong_with_a_question_is_the_same_error(error: ConvmineError) -> None:
    async with client_of(failing(error)) as client:
        with pytest.raises(type(error)) as raised:
            await RemoteAnswers(client).answer(Trend())
    assert (raised.value.message, raised.value.hint) == (error.message, error.hint)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Retryable("x", dependency="qdrant"), Retryable), (Config("X", "y"), Poison), (KeyError(), Poison)],
)
async def test_what_ails_the_gateway_says_so(error: Exception, kind: type[ConvmineError]) -> None:
    with capture_logs():
        async with client_of(failing(error)) as client:
            with pytest.raises(kind, match="the gateway at http://gateway/"):
                await RemoteAnswers(client).answer(Trend())


@pytest.mark.parametrize(("key", "said"), [("nobody", "does not know this key"), ("publisher", "needs a key with")])
async def test_a_key_that_does_not_do_names_its_setting(key: str, said: str) -> None:
    async with client_of(made_gateway(InMemoryStore()), key) as client:
        with pytest.raises(Config, match=said) as raised:
            await RemoteAnswers(client).answer(Trend())
    assert raised.value.setting == "CONVMINE_GATEWAY_KEY"


@pytest.mark.parametrize(
    ("status", "content_type", "body", "kind"),
    [
        (502, "text/html", "<h1>Bad gateway</h1>", Retryable),
        (404, "text/html", "<h1>nginx</h1>", Config),
        (301, "text/html", "", Config),
        (404, "application/problem+json", "{}", Config),
        (200, "text/html", "<h1>Welcome</h1>", Poison),
        (200, "application/json", "{}", Poison),
    ],
)
async def test_what_is_no_gateway_is_told_apart(
    status: int, content_type: str, body: str, kind: type[ConvmineError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=body, headers={"content-type": content_type})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://web") as client:
        with pytest.raises(kind):
            await RemoteAnswers(client).answer(Trend())


async def test_a_gateway_that_is_away_is_waited_for_and_a_path_before_it_is_kept() -> None:
    async with remote_answers("http://127.0.0.1:9/calls", "key") as answers:
        with pytest.raises(Retryable, match=r"127\.0\.0\.1:9/calls"):
            await answers.answer(Trend())
