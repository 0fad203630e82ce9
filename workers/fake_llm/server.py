"""The server: an OpenAI-compatible API that answers by a script, else by rule, on one event loop."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from workers.fake_llm.completions import error_reply, json_reply
from workers.fake_llm.embeddings import embedded
from workers.fake_llm.question import NotAQuestion, read_question
from workers.fake_llm.rate_limit import RateLimit
from workers.fake_llm.replies import reply_to
from workers.fake_llm.script import Course, Script
from workers.fake_llm.wire import BadRequest, HttpRequest, Reply, read_request, write_reply

MODEL: Final = "fake-llm"
"""The model that it lists; it answers for every name."""
_KEPT: Final = 10_000
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a model, as it came: its path, its body and the ``Authorization`` header."""

    path: str
    body: dict[str, Any]
    authorization: str


@dataclass(slots=True)
class Stats:
    """What came and what became of it; ``refused`` are those beyond the limit of requests, ``open`` wait now."""

    asked: int = 0
    refused: int = 0
    open: int = 0
    most_open: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    """Answers by kind of step; embeddings among them."""


class FakeLlm:
    """Answers requests one connection at a time each; nothing is kept on disk.

    Args:
        script: the steps of chat answers.
        delay_s: seconds until an answer whose step names none.
        limit: of chat requests and embeddings; without one there is none.
    """

    def __init__(self, script: Script | None = None, *, delay_s: float = 0.0, limit: RateLimit | None = None) -> None:
        self._course = Course(script or Script())
        self._delay_s = delay_s
        self._limit = limit
        self.stats = Stats()
        self.requests: deque[Asked] = deque(maxlen=_KEPT)
        """The newest requests, oldest first."""

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listen until the context ends; gives the address up to ``/v1``. Port 0 takes a free one.

        Raises:
            OSError: the address is taken or not ours.
        """
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._serve(reader, writer)
            except asyncio.CancelledError:
                pass  # the server ends; asyncio's streams would log it as a fault
            finally:
                connections.discard(task)

        server = await asyncio.start_server(connected, host, port, backlog=1_024)
        try:
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for task in tuple(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, until either side closes it."""
        try:
            while request := await read_request(reader):
                reply = self._reply(request)
                await self._wait(reply, reader)
                if reply.ending != "hung":
                    await write_reply(writer, reply)
                if reply.ending != "whole" or request.headers.get("connection", "").lower() == "close":
                    break
        except BadRequest as error:
            with suppress(ConnectionError):
                await write_reply(writer, error_reply(400, str(error)))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _wait(self, reply: Reply, reader: asyncio.StreamReader) -> None:
        stats = self.stats
        stats.open += 1
        stats.most_open = max(stats.most_open, stats.open)
        try:
            if reply.ending == "hung":
                await reader.read(1)  # until the client gives up
            elif reply.delay_s:
                await asyncio.sleep(reply.delay_s)
        finally:
            stats.open -= 1

    def _reply(self, request: HttpRequest) -> Reply:
        """The whole API, by method and path."""
        answers: dict[tuple[str, str], Callable[[HttpRequest], Reply]] = {
            ("POST", "/v1/chat/completions"): self._limited(self._chat),
            ("POST", "/v1/embeddings"): self._limited(self._embeddings),
            ("GET", "/v1/models"): _models,
            ("GET", "/stats"): self._told,
        }
        answer = answers.get((request.method, request.path))
        if answer is None:
            return error_reply(404, f"there is no {request.method} {request.path} here", code="unknown_url")
        try:
            return answer(request)
        except NotAQuestion as error:
            return error_reply(400, str(error))
        except Exception as error:  # noqa: BLE001 - a schema may be anything; a client is told, and not left alone
            return error_reply(500, f"this server cannot answer that: {type(error).__name__}: {error}")

    def _limited(self, answer: Callable[[dict[str, Any]], Reply]) -> Callable[[HttpRequest], Reply]:
        def within_limit(request: HttpRequest) -> Reply:
            asked = self._asked(request)
            if self._limit is None:
                return answer(asked)
            grant = self._limit.take()
            if grant.passed:
                reply = answer(asked)
                return replace(reply, headers={**grant.headers, **reply.headers})
            self.stats.refused += 1
            message = f"Rate limit reached: {grant.limit} requests a minute."
            return error_reply(_TOO_MANY, message, code="rate_limit_exceeded", headers=grant.headers)

        return within_limit

    def _asked(self, request: HttpRequest) -> dict[str, Any]:
        """The body of a request, which is counted and kept."""
        self.stats.asked += 1
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise NotAQuestion("the body is no JSON") from error
        if not isinstance(body, dict):
            raise NotAQuestion("the body is no JSON object")
        self.requests.append(Asked(request.path, body, request.headers.get("authorization", "")))
        return body

    def _chat(self, asked: dict[str, Any]) -> Reply:
        question = read_question(asked)
        step = self._course.next_step(question)
        self._count(step.answer)
        reply = reply_to(question, step)
        return reply if reply.delay_s is not None else replace(reply, delay_s=self._delay_s)

    def _embeddings(self, asked: dict[str, Any]) -> Reply:
        reply = json_reply(embedded(asked))
        self._count("embeddings")
        return reply

    def _count(self, kind: str) -> None:
        self.stats.answered[kind] = self.stats.answered.get(kind, 0) + 1

    def _told(self, request: HttpRequest) -> Reply:
        del request
        return json_reply(asdict(self.stats))


def _models(request: HttpRequest) -> Reply:
    del request
    model = {"id": MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "convmine"}
    return json_reply({"object": "list", "data": [model]})
