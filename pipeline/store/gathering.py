"""Requests of many callers sent together: what comes while one is on its way goes with the next.

Nothing waits for company by the clock: with nothing on its way, a request goes at once; beside others only a full one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipeline.dependencies import answered, noting_answers
from pipeline.errors import Poison

T = TypeVar("T")
A = TypeVar("A")


@dataclass(eq=False, slots=True)
class _Asked(Generic[T, A]):
    """What one caller asks for, under which condition, and its answer; ``ids`` stand once in a request."""

    items: Sequence[T]
    ids: frozenset[str]
    condition: object
    answer: asyncio.Future[A]
    answered: set[str] = field(default_factory=set)


class Gathering(Generic[T, A]):
    """Gathers what is asked for under equal conditions.

    Calls that share an id are sent in their order, each after the one before has its answer. What a caller has waiting
    when it is cancelled is dropped; for what is on its way it waits, so that nothing of it happens after it has ended.
    An error goes to all that shared the request; of what is refused for good, each is tried by itself.

    Args:
        send: sends items under a condition; its answer goes to all that shared the request.
        most: items of one request; more only where one caller brings more.
        id_of: names what is written by an item; without it, items may go side by side.
        at_once: requests on their way; with two, one is made ready while the other is being answered.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T], object], Awaitable[A]],
        *,
        most: int,
        id_of: Callable[[T], str] | None = None,
        at_once: int = 1,
    ) -> None:
        self._send = send
        self._most = most
        self._id_of = id_of
        self._at_once = at_once
        self._waiting: deque[_Asked[T, A]] = deque()
        self._under_way: dict[asyncio.Task[None], Sequence[_Asked[T, A]]] = {}

    async def ask(self, items: Sequence[T], condition: object = None) -> A:
        """The answer to these items, sent in company.

        Raises:
            Exception: what ``send`` raises.
        """
        loop = asyncio.get_running_loop()
        ids = frozenset(map(self._id_of, items)) if self._id_of else frozenset[str]()
        asked: _Asked[T, A] = _Asked(items, ids, condition, loop.create_future())
        self._waiting.append(asked)
        loop.call_soon(self._begin)  # after all that is asked in this turn of the loop
        try:
            return await asyncio.shield(asked.answer)
        except asyncio.CancelledError:
            await self._let_go(asked)
            raise
        finally:
            for dependency in asked.answered:
                answered(dependency)

    def _begin(self) -> None:
        """Send what may go now."""
        while len(self._under_way) < self._at_once and self._is_time() and (company := self._take()):
            # A context of its own: what is sent belongs to no single caller.
            task = asyncio.get_running_loop().create_task(self._answer(company), context=Context())
            self._under_way[task] = company
            task.add_done_callback(self._answered)

    def _is_time(self) -> bool:
        return not self._under_way or sum(len(asked.items) for asked in self._waiting) >= self._most

    def _answered(self, task: asyncio.Task[None]) -> None:
        for asked in self._under_way.pop(task):
            asked.answer.cancel()  # without effect on those that have theirs
        if not task.cancelled():
            self._begin()

    def _take(self) -> list[_Asked[T, A]]:
        """The next that can go together; the first that cannot is waited for by all behind it."""
        company: list[_Asked[T, A]] = []
        ids = {id_ for others in self._under_way.values() for asked in others for id_ in asked.ids}
        room = self._most
        while self._waiting:
            first = self._waiting[0]
            fits = len(first.items) <= room and first.condition == company[0].condition if company else True
            if not fits or not ids.isdisjoint(first.ids):
                break
            company.append(self._waiting.popleft())
            ids |= first.ids
            room -= len(first.items)
        return company

    async def _answer(self, company: Sequence[_Asked[T, A]]) -> None:
        error = await self._try(company)
        if isinstance(error, Poison) and len(company) > 1:
            for asked in company:
                _fail([asked], await self._try([asked]))
        else:
            _fail(company, error)

    async def _try(self, company: Sequence[_Asked[T, A]]) -> Exception | None:
        """Send what they ask for and give out the answer; the error, if there was one."""
        items = [item for asked in company for item in asked.items]
        with noting_answers() as noted:
            try:
                answer = await self._send(items, company[0].condition)
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
                return error
        for asked in company:
            asked.answered = noted
            asked.answer.set_result(answer)
        return None

    async def _let_go(self, asked: _Asked[T, A]) -> None:
        if asked in self._waiting:
            self._waiting.remove(asked)
            return
        await asyncio.wait([asked.answer])
        if not asked.answer.cancelled():
            asked.answer.exception()  # looked at, so that nobody is told that nobody did


def _fail(company: Sequence[_Asked[T, A]], error: Exception | None) -> None:
    if error is not None:
        for asked in company:
            asked.answer.set_exception(error)
