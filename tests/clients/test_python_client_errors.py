from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpx
import pytest
from gateway_app import AGENTS, made_gateway, made_store

from convmine_client import AsyncClient, Busy, Client, Invalid, NotFound, Refused, Retries, Unavailable

Handle = Callable[[httpx.Request], httpx.Response]
QUICK = Retries(times=2, first_s=0.001)


def problem(status: int, **members: Any) -> httpx.Response:
    headers = {"content-type": "application/problem+json", **members.pop("headers", {})}
    return httpx.Response(status, json={"status": status, "detail": "it is so", **members}, headers=headers)


@contextmanager
def client(handle: Handle, retries: Retries = QUICK) -> Iterator[Client]:
    with Client("http://gateway/convmine", "cmk_1", retries=retries, transport=httpx.MockTransport(handle)) as found:
        yield found


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Invalid), (401, Refused), (403, Refused), (404, NotFound), (422, Invalid), (500, Unavailable)],
)
def test_problems_become_errors_that_are_not_asked_again(status: int, error: type[Exception]) -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return problem(status, type="urn:convmine:problem:x", hint="do this", errors=[{"detail": "d", "pointer": "/a"}])

    with client(handle) as ours, pytest.raises(error) as raised:
        ours.call("c-1")
    assert len(asked) == 1
    assert str(asked[0].url) == "http://gateway/convmine/v1/questions", "the path of the address is kept"
    assert asked[0].headers["authorization"] == "Bearer cmk_1"
    said = raised.value
    assert isinstance(said, Invalid | Refused | NotFound | Unavailable)
    assert (said.detail, said.hint, said.status, said.type) == ("it is so", "do this", status, "urn:convmine:problem:x")
    assert said.errors == ({"detail": "d", "pointer": "/a"},)


def test_a_busy_gateway_is_asked_again_after_as_long_as_it_says() -> None:
    replies = iter([problem(429, headers={"retry-after": "1"}), httpx.Response(200, json={"items": []})])
    begun = monotonic()
    with client(lambda _: next(replies)) as ours:
        assert ours.search("price").items == []
    assert monotonic() - begun >= 1


def test_a_wait_that_is_too_long_is_left_to_the_caller() -> None:
    with client(lambda _: problem(429, headers={"retry-after": "3600"})) as ours, pytest.raises(Busy) as raised:
        ours.search("price")
    assert raised.value.retry_after_s == 3_600


def test_who_does_not_answer_is_unavailable_after_the_last_attempt() -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("refused", request=request)

    with client(handle) as ours, pytest.raises(Unavailable, match="does not answer"):
        ours.search("price")
    assert len(asked) == 3


@pytest.mark.parametrize("body", [b"<html>", b'{"rows": []}'])
def test_what_is_no_answer_is_said_to_be_none(body: bytes) -> None:
    with client(lambda _: httpx.Response(200, content=body)) as ours, pytest.raises(Unavailable):
        ours.search("price")


def test_words_are_shown_as_a_question_before_it_is_asked() -> None:
    meant = {"kind": "aggregate", "by": ["intent"]}

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/v1/ask"):
            return httpx.Response(200, json={"question": meant, "command": "convmine aggregate --by intent"})
        return httpx.Response(200, json={"asked": json.loads(request.content)})

    with client(handle) as ours:
        found = ours.ask("which intents are there?")
        assert found.command == "convmine aggregate --by intent"
        assert ours.answer(found.question) == {"asked": meant}


async def test_rows_come_page_after_page_from_the_gateway_itself() -> None:
    gateway = made_gateway(await made_store())
    async with AsyncClient("http://gateway", "analyst", transport=httpx.ASGITransport(gateway)) as ours:
        assert {row["call_id"] async for row in ours.calls(limit=1)} == set(AGENTS)
        with pytest.raises(NotFound):
            await ours.transcript("call-umbrella")
        assert "role" in {field["name"] for field in (await ours.fields())["items"]}
    async with AsyncClient("http://gateway", "nobody", transport=httpx.ASGITransport(gateway)) as stranger:
        with pytest.raises(Refused):
            await stranger.search("price")
