"""Erasures asked for while a worker runs: obeyed from then on, and what the worker had in hand is removed, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol

import structlog

from pipeline.erasure.erased import Erased, customer_digest
from pipeline.erasure.places import Cleared
from pipeline.errors import ConvmineError, Poison
from pipeline.privacy.vault import Subject
from schemas.reference import ErasureRequested
from workers.followed import Followed
from workers.records import Record, read_event

AGAIN: Final = timedelta(days=1)
"""A worker that starts clears what was erased so lately once more: it may have written before it stopped."""
_QUIET_S: Final = 60.0
"""Seconds in which the events of a call that are at work should end; after that it is cleared, and again later."""
_PAUSE_S: Final = 10.0
"""Seconds until a place that was away is tried again; they double up to ten minutes."""
_LONGEST_PAUSE_S: Final = 600.0

Clear = Callable[[Subject], Awaitable[Cleared]]
"""Removes a call from every place of this process."""
log = structlog.get_logger()


class Working(Protocol):
    """A worker of one stage."""

    async def let_fall(self, key: str) -> None:
        """Wait until no event of the call (``tenant:call``) is at work, and keep nothing of it."""


class Erasures:
    """Follows the topic of erasures: ``erased`` is what stages ask; each new call is cleared away.

    Args:
        followed: the topic.
        now: the time, in UTC.
    """

    def __init__(self, followed: Followed, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._followed = followed
        self._now = now
        self._new: asyncio.Queue[Subject] = asyncio.Queue()
        self.erased = Erased(self._note)

    async def read(self) -> None:
        """Take what was asked for so far; before that no event may be handled.

        Raises:
            Retryable: the broker is away, or the topic is missing.
        """
        for record in await self._followed.whole():
            self.take(record)

    async def follow(self) -> NoReturn:
        """Take what is asked for from now on."""
        await self._followed.follow(self.take)

    async def clear(self, workers: Iterable[Working], clear: Clear) -> NoReturn:
        """Clear away each new call once nothing of it is at work in this process, and until every place was reached."""
        working, pause_s = tuple(workers), _PAUSE_S
        while True:
            subject = await self._new.get()
            is_quiet, is_whole = await _is_quiet(working, subject), await _is_cleared(subject, clear)
            if is_quiet and is_whole:
                pause_s = _PAUSE_S
                continue
            self._new.put_nowait(subject)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def take(self, record: Record) -> None:
        """Take one record of the topic; never raises. What was erased once stays so, whatever comes."""
        try:
            inbound = read_event(record)
        except Poison as error:
            log.warning("an erasure cannot be read, and is not obeyed", offset=record.offset, reason=error.message)
            return
        if inbound is None or not isinstance(asked := inbound.payload, ErasureRequested):
            log.warning("an erasure is of a newer version, and is not obeyed: update convmine", offset=record.offset)
        elif asked.call_id is not None:
            self.erased.add(inbound.tenant_id, asked.call_id, asked.requested_at)
        elif asked.customer_id is not None:
            self.erased.add_customer(customer_digest(inbound.tenant_id, asked.customer_id), asked.requested_at)

    def _note(self, tenant_id: str, call_id: str) -> None:
        since = self.erased.since(tenant_id, call_id)
        if since is not None and self._now() - since < AGAIN:
            self._new.put_nowait(Subject(tenant_id, call_id))


async def _is_quiet(workers: Sequence[Working], subject: Subject) -> bool:
    try:
        async with asyncio.timeout(_QUIET_S):
            for worker in workers:
                await worker.let_fall(str(subject))
    except (ConvmineError, TimeoutError) as error:
        log.warning("an erased call is still at work", call=str(subject), reason=str(error) or "it takes long")
        return False
    return True


async def _is_cleared(subject: Subject, clear: Clear) -> bool:
    try:
        cleared = await clear(subject)
    except ConvmineError as error:
        log.warning("an erased call is not removed yet", call=str(subject), reason=error.message)
        return False
    for place in cleared.not_reached:
        log.warning("an erased call is not removed yet", call=str(subject), place=place.place, reason=place.why)
    if not cleared.not_reached:
        log.info("erased", call=str(subject), removed={one.place: one.removed for one in cleared.removed})
    return not cleared.not_reached
