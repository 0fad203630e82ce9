from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from gateway_app import KEYS, client_of

from pipeline.questions.question import Question
from pipeline.store.answers import Found
from workers.gateway.app import create_app
from workers.gateway.bounds import Limits
from workers.gateway.door import SCOPES


class Waiting:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    async def answer(self, _: Question) -> Any:
        self.asked.release()
        await self.go.wait()
        return Found(())


def served(waiting: Waiting, limits: Limits) -> FastAPI:
    return create_app(lambda _: waiting, KEYS.get, limits=limits)


async def test_a_request_too_many_is_told_to_come_back_and_those_at_work_are_answered() -> None:
    waiting = Waiting()
    async with client_of(served(waiting, Limits(at_once=2))) as client:
        at_work = [asyncio.create_task(client.get("/v1/calls")) for _ in range(2)]
        for _ in at_work:
            await waiting.asked.acquire()
        refused = await client.get("/v1/calls")
        waiting.go.set()
        assert [(await one).status_code for one in at_work] == [200, 200]
        after = await client.get("/v1/calls")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert after.status_code == 200


async def test_strangers_take_nobodys_place() -> None:
    waiting = Waiting()
    app = served(waiting, Limits(at_once=1))
    async with client_of(app, None) as stranger, client_of(app) as client:
        assert {(await stranger.get("/v1/calls")).status_code for _ in range(3)} == {401}
        waiting.go.set()
        assert (await client.get("/v1/calls")).status_code == 200


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async with client_of(served(Waiting(), Limits(timeout_s=0.05))) as client:
        answer = await client.get("/v1/calls")
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:convmine:problem:too-slow")


async def test_a_long_answer_may_go_on_while_it_gets_on() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(8):
            await asyncio.sleep(0.05)
            yield b"x"

    async def long() -> StreamingResponse:
        return StreamingResponse(parts())

    app = served(Waiting(), Limits(timeout_s=0.2))
    app.get("/v1/long", openapi_extra={SCOPES: ["analyst"]}, response_model=None)(long)
    async with client_of(app) as client:
        answer = await client.get("/v1/long")
    assert (answer.status_code, answer.content) == (200, b"x" * 8)


async def test_a_body_that_is_too_large_is_refused_announced_or_not() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    async with client_of(served(Waiting(), Limits(max_body_bytes=1_000))) as client:
        announced = await client.post("/v1/questions", content=b"x" * 1_001)
        streamed = await client.post("/v1/questions", content=pieces())
        fits = await client.post("/v1/questions", content=b"x" * 1_000)
    assert (announced.status_code, streamed.status_code, fits.status_code) == (413, 413, 422)
    assert isinstance(announced, httpx.Response)
