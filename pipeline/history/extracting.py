"""Stored calls mined again: each becomes what the stages would have made of its transcript, in the new version."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.extract.findings import IntentExtractor
from pipeline.extract.stage import STAGE, conversation_of, mine
from pipeline.flow.stage import of_whole
from pipeline.handling import Handler, Inbound, Position, follow
from pipeline.history.stored_calls import StoredCall, stored_calls
from pipeline.ids import stable_id
from pipeline.llm.budget import Spent
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Scenarios
from pipeline.stages import intents, transcripts
from schemas.envelope import message

TRIES: Final = 4
"""How often a call is tried while something is away or busy, before the run stops."""
_OF_A_CALL: Final = "call"
_AHEAD: Final = 128
"""Calls that are read at a time, and held until they are mined."""
_SOURCE: Final = "/convmine/reextract"

T = TypeVar("T")


class Stopped(ConvmineError):
    """A run cannot go on; ``done`` of ``wanted`` calls are in the new version, and the next run does the rest."""

    def __init__(self, cause: ConvmineError, *, done: int, wanted: int) -> None:
        message = f"{cause.message}; {done:,} of {wanted:,} calls are done{' and are not paid again' if done else ''}"
        super().__init__(message, hint="; ".join(filter(None, [cause.hint, "convmine reextract goes on from there"])))
        self.done = done
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Mined:
    """What came of the calls: how many are done now, how many had no words, and why others failed, by id."""

    done: int
    wordless: int
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reextraction:
    """How calls are mined again.

    Args:
        tenant_id: whose calls.
        stored: where their words are.
        index: the handler of the index stage, on the new version.
        done: notes that a call is there.
        extractor: mines.
        scenarios: what there is to be found, with the version of the prompt that is to run.
        default_scenario: for calls that name none.
        delay_s: seconds to wait after the given try (from 1) failed with this error.
        at_once: calls at a time.
        sleep: waits.
    """

    tenant_id: str
    stored: VectorStore
    index: Handler
    done: Callable[[str], Awaitable[None]]
    extractor: IntentExtractor
    scenarios: Scenarios
    default_scenario: str
    delay_s: Callable[[int, BaseException], float]
    at_once: int
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def run(self, call_ids: Sequence[str], told: Callable[[int], None] = lambda _: None) -> Mined:
        """Mine the calls, so many at a time; ``told`` is how many have been looked at.

        Raises:
            Stopped: no budget is left, something is away or set up wrongly. What was under way is waited for, as it is
                paid for, and noted.
        """
        ahead = _Ahead(call_ids, self._read)
        failed: list[tuple[str, str]] = []
        ended: list[bool] = []

        async def work() -> None:
            try:
                while (following := await ahead.following()) is not None:
                    call_id, call = following
                    if (reason := await self._unless_failed(call_id, call)) is not None:
                        failed.append((call_id, reason))
                    else:
                        ended.append(call is not None)
                    told(len(ended) + len(failed))
            except BaseException:
                ahead.stop()
                raise

        ends = await asyncio.gather(*(work() for _ in range(min(self.at_once, len(call_ids)))), return_exceptions=True)
        for failure in filter(None, ends):
            if isinstance(failure, ConvmineError):
                raise Stopped(failure, done=sum(ended), wanted=len(call_ids)) from failure
            raise failure
        return Mined(sum(ended), len(ended) - sum(ended), tuple(sorted(failed)))

    async def _read(self, call_ids: Sequence[str]) -> Mapping[str, StoredCall]:
        return await self._patiently(lambda: stored_calls(self.stored, self.tenant_id, call_ids))

    async def _unless_failed(self, call_id: str, call: StoredCall | None) -> str | None:
        """Mine a call, if there is something to mine; why it can never be, or None."""
        if call is None:
            return None
        try:
            await self._patiently(lambda: self._again(call))
            await self._patiently(lambda: self.done(call_id))
        except Poison as error:
            if isinstance(error, Spent) and error.scope != _OF_A_CALL:
                raise
            return error.message
        return None

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """What comes of it; tried again while something is away or busy."""
        tries = 0
        while True:
            tries += 1
            try:
                return await work()
            except Retryable as error:
                if tries == TRIES:
                    raise
                await self.sleep(self.delay_s(tries, error))

    async def _again(self, call: StoredCall) -> None:
        transcript = call.transcript
        conversation = conversation_of(transcript, self.scenarios, self.default_scenario, self.tenant_id)
        insight = await mine(self.tenant_id, transcript, conversation, self.extractor)
        told = _as_told(self.tenant_id, call)
        mined = Inbound(follow(told, insight, stage=STAGE, topic=intents(transcript.lane)).message, told.position)
        state, _ = of_whole(mined, insight)
        await self.index(mined)
        await self.index(Inbound(state.message, told.position))


class _Ahead:
    """Calls one after the other, read some time before they are mined, many at once."""

    def __init__(
        self, call_ids: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Mapping[str, StoredCall]]]
    ) -> None:
        self._waiting = deque(call_ids)
        self._at_hand: deque[tuple[str, StoredCall | None]] = deque()
        self._read = read
        self._reading = asyncio.Lock()

    async def following(self) -> tuple[str, StoredCall | None] | None:
        """The next call, without words as None; None after the last."""
        async with self._reading:
            if not self._at_hand and self._waiting:
                ids = [self._waiting.popleft() for _ in range(min(_AHEAD, len(self._waiting)))]
                calls = await self._read(ids)
                self._at_hand.extend((call_id, calls.get(call_id)) for call_id in ids)
            return self._at_hand.popleft() if self._at_hand else None

    def stop(self) -> None:
        """There are no further calls."""
        self._waiting.clear()
        self._at_hand.clear()


def _as_told(tenant_id: str, call: StoredCall) -> Inbound:
    """The transcript as the event that it came by; its time is the call's beginning."""
    transcript = call.transcript
    event = message(
        transcript,
        id=stable_id("reextract", tenant_id, transcript.call_id, transcript.revision),
        source=_SOURCE,
        time=call.started_at,
        subject=transcript.call_id,
        tenant_id=tenant_id,
    )
    return Inbound(event, Position(transcripts(transcript.lane), 0, 0))
