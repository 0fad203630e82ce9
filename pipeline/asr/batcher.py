"""One engine for everybody: stretches of all calls and of both lanes are recognised together, a batch at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from itertools import chain, islice

from pipeline.dependencies import answered, noting_answers
from pipeline.errors import Config, Retryable
from pipeline.ports import AsrEngine, Recognition, Speech


@dataclass(eq=False, slots=True)
class _Caller:
    """One call of ``recognise``: whether it has failed, and which dependencies answered while it was worked on."""

    failed: bool = False
    answered: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A stretch that waits for its words, since when (on the loop's clock), and for whom."""

    speech: Speech
    caller: _Caller
    answer: asyncio.Future[Recognition]
    since: float

    @property
    def is_wanted(self) -> bool:
        """It has no answer yet, and its caller has neither failed nor gone."""
        return not self.answer.done() and not self.caller.failed

    def fail(self, error: Exception) -> None:
        self.caller.failed = True
        if not self.answer.done():
            self.answer.set_exception(error)


class Batching:
    """An ``AsrEngine`` that gathers the stretches of all calls of ``recognise`` into batches for another.

    A batch goes as soon as it is full, has a hurried stretch, or its oldest one has waited long enough, and never while
    another is with the engine: under load that is what fills the next. Hurried stretches go first, else it goes by
    arrival; as long as hurried ones fill every batch the others wait. What a cancelled caller still has waiting is
    dropped.

    An error of the engine goes to the caller that it is about: where several share the batch, each is tried again by
    itself. Only what is wrong for all of them (the device is away, the key is refused) goes to all at once.
    """

    def __init__(self, engine: AsrEngine, *, size: int, wait_ms: int) -> None:
        self._engine = engine
        self._size = size
        self._wait_s = wait_ms / 1_000
        self._hurried: deque[_Stretch] = deque()
        self._others: deque[_Stretch] = deque()
        self._arrival = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def sample_rate_hz(self) -> int:
        return self._engine.sample_rate_hz

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise the stretches in company; the first failure ends the call, and what of it has not begun.

        Raises:
            Retryable: the engine's device or server is away, or it was closed meanwhile.
            Poison: the engine refuses this audio.
            Config: the engine's server refuses the key or does not have the model.
        """
        if self._closed:
            raise self._closing()
        loop = asyncio.get_running_loop()
        caller, since = _Caller(), loop.time()
        stretches = [_Stretch(speech, caller, loop.create_future(), since) for speech in speeches]
        for stretch in stretches:
            (self._hurried if stretch.speech.hurried else self._others).append(stretch)
        self._begin()
        try:
            return list(await asyncio.gather(*(stretch.answer for stretch in stretches)))
        finally:
            for stretch in stretches:
                stretch.answer.cancel()
            for dependency in caller.answered:
                answered(dependency)

    async def close(self) -> None:
        """Finish the batch that is with the engine, give up what waits, and close the engine."""
        self._closed = True
        for stretch in self._drain():
            stretch.fail(self._closing())
        self._arrival.set()
        if self._work is not None:
            await asyncio.wait((self._work,))
        await self._engine.close()

    def _begin(self) -> None:
        self._arrival.set()
        if self._work is None or self._work.done():
            # A context of its own: what a batch does belongs to no single caller.
            self._work = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def _run(self) -> None:
        """Batch after batch, as long as somebody waits."""
        batch: list[_Stretch] = []
        try:
            while await self._company():
                batch = self._take()
                await self._recognise(batch)
        except BaseException:  # the loop ends, or the engine's thread was shut down: nobody must wait for ever
            for stretch in (*batch, *self._drain()):
                stretch.fail(self._closing())
            raise

    async def _company(self) -> bool:
        """Wait until the next batch is full, hurried or due; false if nobody waits any more."""
        loop = asyncio.get_running_loop()
        while waiting := self._waiting():
            due_s = min(stretch.since for stretch in waiting) + self._wait_s - loop.time()
            if len(waiting) >= self._size or waiting[0].speech.hurried or due_s <= 0:
                return True
            self._arrival.clear()
            timer = loop.call_later(due_s, self._arrival.set)
            try:
                await self._arrival.wait()
            finally:
                timer.cancel()
        return False

    def _waiting(self) -> list[_Stretch]:
        """Those in the next batch, were it to go now; what was cancelled is forgotten."""
        for queue in (self._hurried, self._others):
            while queue and not queue[0].is_wanted:
                queue.popleft()
        alive = (it for it in chain(self._hurried, self._others) if it.is_wanted)
        return list(islice(alive, self._size))

    def _take(self) -> list[_Stretch]:
        batch = self._waiting()
        taken = set(batch)
        for queue in (self._hurried, self._others):
            while queue and (queue[0] in taken or not queue[0].is_wanted):
                queue.popleft()
        return batch

    def _drain(self) -> list[_Stretch]:
        waiting = [it for it in chain(self._hurried, self._others) if it.is_wanted]
        self._hurried.clear()
        self._others.clear()
        return waiting

    async def _recognise(self, batch: Sequence[_Stretch]) -> None:
        error = await self._ask(batch)
        if error is None:
            return
        shares = _by_caller(batch)
        if len(shares) == 1 or _concerns_all(error):
            for stretch in batch:
                stretch.fail(error)
            return
        for share in shares:
            alive = [stretch for stretch in share if stretch.is_wanted]
            if alive and (own := await self._ask(alive)) is not None:
                for stretch in alive:
                    stretch.fail(own)

    async def _ask(self, batch: Sequence[_Stretch]) -> Exception | None:
        """Have the stretches recognised, and give the answers out; the error, if there was one."""
        with noting_answers() as noted:
            try:
                results = await self._engine.recognise([stretch.speech for stretch in batch])
                pairs = list(zip(batch, results, strict=True))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
                return error
        for stretch, result in pairs:
            stretch.caller.answered |= noted
            if not stretch.answer.done():
                stretch.answer.set_result(result)
        return None

    def _closing(self) -> Retryable:
        return Retryable(f"{self.name} was closed before it had heard everything", dependency=self.name)


def _by_caller(batch: Sequence[_Stretch]) -> list[list[_Stretch]]:
    shares: dict[_Caller, list[_Stretch]] = {}
    for stretch in batch:
        shares.setdefault(stretch.caller, []).append(stretch)
    return list(shares.values())


def _concerns_all(error: Exception) -> bool:
    return isinstance(error, Config) or (isinstance(error, Retryable) and not error.alone)
