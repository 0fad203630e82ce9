"""The gateway over HTTP, to wait for and to await: ``Client`` and ``AsyncClient``."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from convmine_client import questions
from convmine_client.errors import Busy, ConvmineError, Unavailable, error_of
from convmine_client.questions import Page, Question, Rows
from convmine_client.streams import SILENCE_S, Course, Lines, StreamEvent

T = TypeVar("T")
P = ParamSpec("P")
M = TypeVar("M", bound=Callable[..., Any])
_PROBLEM = "application/problem+json"
_STREAMS = "/v1/streams"


@dataclass(frozen=True)
class Retries:
    """How often a question is asked again where the gateway is busy or away, and after how many seconds.

    It waits as long as the gateway says (``Retry-After``); where it says nothing, ``first_s``, doubling, half of it by
    chance. What would take longer than ``longest_s`` is raised at once.
    """

    times: int = 2
    first_s: float = 0.5
    longest_s: float = 30.0

    def wait_s(self, attempt: int, error: ConvmineError) -> float | None:
        """Seconds to wait after the attempt with this number, from 0; None where to give up."""
        again = isinstance(error, Busy | Unavailable) and error.status in {None, 429, 502, 503, 504}
        if not again or attempt >= self.times:
            return None
        own = self.first_s * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        wait = own if error.retry_after_s is None else error.retry_after_s
        return wait if wait <= self.longest_s else None

    def wait_again_s(self, attempt: int, error: ConvmineError, course: Course, *, connected: bool) -> float:
        """Seconds until a stream comes back; one that was open once comes back for as long as it takes.

        Raises:
            ConvmineError: it is refused, or was never open and has tried often enough.
        """
        if not connected:
            wait_s = self.wait_s(attempt, error)
            if wait_s is None:
                raise error
            return wait_s
        if not isinstance(error, Busy | Unavailable):
            raise error
        return course.wait_s(attempt, self.longest_s)


def _method(method: M, question: Callable[..., object]) -> M:
    """A method that looks like the function of its question."""
    parameters = [Parameter("self", Parameter.POSITIONAL_ONLY), *signature(question).parameters.values()]
    method.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # what inspect.signature looks for first
    method.__name__, method.__doc__ = question.__name__, question.__doc__
    return method


def _asks(question: Callable[P, Question[T]]) -> Callable[Concatenate[Client, P], T]:
    def method(client: Client, /, *args: P.args, **named: P.kwargs) -> T:
        return client.answer(question(*args, **named))

    return _method(method, question)


def _lists(question: Callable[P, Rows[T]]) -> Callable[Concatenate[Client, P], Iterator[T]]:
    def method(client: Client, /, *args: P.args, **named: P.kwargs) -> Iterator[T]:
        asked: Rows[T] | None = question(*args, **named)
        while asked is not None:
            page = client.answer(asked)
            yield from page.items
            asked = _following(asked, page)

    return _method(method, question)


def _async_asks(question: Callable[P, Question[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    async def method(client: AsyncClient, /, *args: P.args, **named: P.kwargs) -> T:
        return await client.answer(question(*args, **named))

    return _method(method, question)


def _async_lists(question: Callable[P, Rows[T]]) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    async def method(client: AsyncClient, /, *args: P.args, **named: P.kwargs) -> AsyncIterator[T]:
        asked: Rows[T] | None = question(*args, **named)
        while asked is not None:
            page = await client.answer(asked)
            for row in page.items:
                yield row
            asked = _following(asked, page)

    return _method(method, question)


def _following(asked: Rows[T], page: Page[T]) -> Rows[T] | None:
    return None if page.next is None else asked.after(page.next)


class Client:
    """Asks a gateway.

    Each question is a method; those that list rows go on from page to page by themselves. ``answer`` takes any question
    of ``convmine_client.questions``, such as one page.

    Args:
        url: address of the gateway, such as ``https://convmine.example``.
        key: API key, of ``convmine keys new``.
        timeout_s: seconds that one request may take.
        retries: how questions are asked again.
        transport: what carries requests, where that is not the network.

    Raises:
        ConvmineError: one of ``convmine_client.errors``.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=url, headers=_headers(key), timeout=timeout_s, transport=transport)
        self._retries = retries or Retries()

    search = _asks(questions.search)
    calls = _lists(questions.calls)
    utterances = _lists(questions.utterances)
    intents = _lists(questions.intents)
    suggestions = _lists(questions.suggestions)
    aggregate = _asks(questions.aggregate)
    similar = _asks(questions.similar)
    compare = _asks(questions.compare)
    trend = _asks(questions.trend)
    coach = _asks(questions.coach)
    flow = _asks(questions.flow)
    call = _asks(questions.call)
    transcript = _asks(questions.transcript)
    ask = _asks(questions.ask)
    sql = _asks(questions.sql)
    fields = _asks(questions.fields)

    def answer(self, question: Question[T]) -> T:
        """The answer to a question."""
        attempt = 0
        while True:
            try:
                return self._once(question)
            except ConvmineError as error:  # noqa: PERF203 - the loop is there for what fails
                wait_s = self._retries.wait_s(attempt, error)
                if wait_s is None:
                    raise
                time.sleep(wait_s)
                attempt += 1

    def stream(
        self,
        *,
        call: str | None = None,
        agent: str | None = None,
        of: Sequence[str] = (),
        lane: str | None = None,
        last_event_id: str = "",
    ) -> Iterator[StreamEvent]:
        """What happens in calls, as it happens, for ever; where the connection breaks, it goes on from there.

        Args:
            call: of this call alone.
            agent: of the calls of this agent alone.
            of: what: suggestions, recaps, checklists, alerts, transcript, flow; the first four where nothing is said.
            lane: live or batch: advice of that lane alone.
            last_event_id: go on after the event with this id; otherwise, from now on.

        Raises:
            ConvmineError: the gateway refuses, or does not answer when it is first asked.
        """
        course, attempt, connected = Course(call, agent, of, lane, last_event_id), 0, False
        while True:
            lines = Lines(course)
            try:
                with self._http.stream(
                    "GET", _STREAMS, params=course.query, headers=course.headers, timeout=_stream_timeout(self._http)
                ) as response:
                    if not response.is_success:
                        response.read()
                        raise _error(response)
                    connected, attempt = True, 0
                    for chunk in response.iter_bytes():
                        yield from lines.take(chunk)
            except httpx.TransportError as error:
                wait_s = self._retries.wait_again_s(
                    attempt, _away(self._http.base_url, error), course, connected=connected
                )
            except ConvmineError as error:
                wait_s = self._retries.wait_again_s(attempt, error, course, connected=connected)
            else:
                wait_s = course.wait_s(0, self._retries.longest_s)
            attempt += 1
            time.sleep(wait_s)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:  # noqa: PYI034 - Self is not yet in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _once(self, question: Question[T]) -> T:
        try:
            response = self._http.request(question.method, question.path, json=question.body)
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error
        return _read(question, response)


class AsyncClient:
    """``Client`` to be awaited; rows are iterated over by ``async for``."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(key), timeout=timeout_s, transport=transport)
        self._retries = retries or Retries()

    search = _async_asks(questions.search)
    calls = _async_lists(questions.calls)
    utterances = _async_lists(questions.utterances)
    intents = _async_lists(questions.intents)
    suggestions = _async_lists(questions.suggestions)
    aggregate = _async_asks(questions.aggregate)
    similar = _async_asks(questions.similar)
    compare = _async_asks(questions.compare)
    trend = _async_asks(questions.trend)
    coach = _async_asks(questions.coach)
    flow = _async_asks(questions.flow)
    call = _async_asks(questions.call)
    transcript = _async_asks(questions.transcript)
    ask = _async_asks(questions.ask)
    sql = _async_asks(questions.sql)
    fields = _async_asks(questions.fields)

    async def answer(self, question: Question[T]) -> T:
        """The answer to a question."""
        attempt = 0
        while True:
            try:
                return await self._once(question)
            except ConvmineError as error:  # noqa: PERF203 - the loop is there for what fails
                wait_s = self._retries.wait_s(attempt, error)
                if wait_s is None:
                    raise
                await asyncio.sleep(wait_s)
                attempt += 1

    async def stream(
        self,
        *,
        call: str | None = None,
        agent: str | None = None,
        of: Sequence[str] = (),
        lane: str | None = None,
        last_event_id: str = "",
    ) -> AsyncIterator[StreamEvent]:
        """``Client.stream``, to be iterated over by ``async for``."""
        course, attempt, connected = Course(call, agent, of, lane, last_event_id), 0, False
        while True:
            lines = Lines(course)
            try:
                async with self._http.stream(
                    "GET", _STREAMS, params=course.query, headers=course.headers, timeout=_stream_timeout(self._http)
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        raise _error(response)
                    connected, attempt = True, 0
                    async for chunk in response.aiter_bytes():
                        for event in lines.take(chunk):
                            yield event
            except httpx.TransportError as error:
                wait_s = self._retries.wait_again_s(
                    attempt, _away(self._http.base_url, error), course, connected=connected
                )
            except ConvmineError as error:
                wait_s = self._retries.wait_again_s(attempt, error, course, connected=connected)
            else:
                wait_s = course.wait_s(0, self._retries.longest_s)
            attempt += 1
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034 - likewise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _once(self, question: Question[T]) -> T:
        try:
            response = await self._http.request(question.method, question.path, json=question.body)
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error
        return _read(question, response)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Accept": "application/json"}


def _stream_timeout(http: httpx.Client | httpx.AsyncClient) -> httpx.Timeout:
    """Those of the client, but that a stream may be silent for longer."""
    ours = http.timeout
    return httpx.Timeout(connect=ours.connect, read=SILENCE_S, write=ours.write, pool=ours.pool)


def _error(response: httpx.Response) -> ConvmineError:
    kind = response.headers.get("content-type", "")
    problem = _json(response) if kind.startswith(_PROBLEM) else None
    said = problem if isinstance(problem, dict) else {}
    return error_of(response.status_code, said, response.headers.get("retry-after"))


def _read(question: Question[T], response: httpx.Response) -> T:
    """What a response says: an answer, or an error."""
    if not response.is_success:
        raise _error(response)
    try:
        return question.read(_json(response))
    except (KeyError, TypeError) as error:
        raise Unavailable(f"{response.url} answers otherwise than is expected: {error!r}", status=200) from error


def _json(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON can hold
    try:
        return response.json()
    except ValueError as error:
        raise Unavailable(f"{response.url} answers without JSON", status=response.status_code) from error


def _away(url: httpx.URL, error: httpx.TransportError) -> Unavailable:
    return Unavailable(f"{url} does not answer: {error or type(error).__name__}")
