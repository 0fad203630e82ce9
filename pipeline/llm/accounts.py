"""What was used today: by this process at once, by others a few seconds later; written down within a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import inf
from typing import Final

import structlog

from pipeline.llm.distinct import sketch_of
from pipeline.llm.usage import Purpose, Usage, UsageLedger

WRITTEN_EVERY_S: Final = 1.0
"""Between two writes: what a kill may take of the accounts."""
READ_EVERY_S: Final = 5.0
"""How old what is known of other workers may be when a cap is checked."""
# Longer than SQLite waits for another process.
_PATIENCE_S: Final = 6.0
# After trouble nobody waits for the ledger for so long.
_REST_S: Final = 10.0
_LOG_EVERY_S: Final = 60.0

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, and US dollars as far as prices are known."""

    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.usd - other.usd)


@dataclass(slots=True)
class _Kept:
    """What the ledger has of one tenant and day, by scenario; ``read_at`` is when all of it was last read."""

    day: date
    read_at: float = -inf
    scenarios: dict[str, Amount] = field(default_factory=dict)

    def add(self, purpose: Purpose, usage: Usage) -> None:
        before = self.scenarios.get(purpose.scenario, Amount())
        self.scenarios[purpose.scenario] = before + amount_of(usage)


class Accounts:
    """Adds up what is used, and writes it to a ledger whose trouble stops nobody.

    While the ledger is away the sums wait in memory, the caps of a day know of this process alone, and it is said once
    a minute.

    Args:
        ledger: what keeps the sums.
        now: the time, in seconds since 1970.
        clock: seconds that never go back.
        every_s: seconds between two writes.
    """

    def __init__(
        self,
        ledger: UsageLedger,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = WRITTEN_EVERY_S,
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._clock = clock
        self._every_s = every_s
        self._pending: dict[Purpose, Usage] = {}
        self._callers: dict[Purpose, set[str]] = {}
        self._writing: dict[Purpose, Usage] = {}
        self._kept: dict[str, _Kept] = {}
        self._at_the_ledger = asyncio.Lock()
        self._closing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._rests_until = self._silent_until = clock()

    def today(self) -> date:
        """The present day in UTC."""
        return datetime.fromtimestamp(self._now(), UTC).date()

    def record(self, purpose: Purpose, usage: Usage, *, call: str) -> None:
        """Add what one answer took; ``call`` (``tenant:call``) is only counted, and empty where it is about no call.

        Needs a running event loop.
        """
        self._pending[purpose] = self._pending.get(purpose, Usage()) + usage
        self._callers.setdefault(purpose, set()).update({call} - {""})
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_all())

    async def look(self, tenant_id: str) -> None:
        """See to it that what others used is known as of a few seconds ago, if the ledger answers."""
        if self._is_known(tenant_id):
            return
        async with self._at_the_ledger:
            if not self._is_known(tenant_id):
                await self._read(tenant_id)

    def used(self, tenant_id: str, scenario: str | None = None) -> Amount:
        """What is known to be used today: for one scenario of a tenant, or for all of them."""
        kept, day = self._kept_today(tenant_id), self.today()
        found = sum((one for name, one in kept.scenarios.items() if scenario in {None, name}), Amount())
        for purpose, usage in [*self._pending.items(), *self._writing.items()]:
            if (purpose.day, purpose.tenant_id) == (day, tenant_id) and scenario in {None, purpose.scenario}:
                found += amount_of(usage)
        return found

    async def close(self) -> None:
        """Write what is not yet written, then close the ledger."""
        self._closing.set()
        if self._writer is not None:
            await self._writer
        if self._pending:
            await self._write()
        if self._pending:
            lost = sum(self._pending.values(), Usage())
            _log.error("what was used could not be written down", requests=lost.requests, usd=lost.usd)
        await self._ledger.close()

    async def _write_all(self) -> None:
        while self._pending and not self._closing.is_set():
            await self._write()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._closing.wait()
            except TimeoutError:
                continue

    async def _write(self) -> None:
        async with self._at_the_ledger:
            if self._rests() and not self._closing.is_set():
                return
            self._writing, self._pending = self._with_calls(), {}
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._ledger.add(self._writing)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the ledger, calls can be mined without
                self._failed(error)
                for purpose, usage in self._writing.items():
                    self._pending[purpose] = self._pending.get(purpose, Usage()) + usage
            else:
                for purpose, usage in self._writing.items():
                    if purpose.day == self.today():
                        self._kept_today(purpose.tenant_id).add(purpose, usage)
            finally:
                self._writing = {}

    def _with_calls(self) -> dict[Purpose, Usage]:
        callers, self._callers = self._callers, {}
        sketches = {purpose: Usage(calls=sketch_of(calls)) for purpose, calls in callers.items()}
        return {purpose: usage + sketches.get(purpose, Usage()) for purpose, usage in self._pending.items()}

    async def _read(self, tenant_id: str) -> None:
        if self._rests():
            return
        day = self.today()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await self._ledger.read(tenant_id, day)
        except Exception as error:  # noqa: BLE001 - likewise
            self._failed(error)
            return
        kept = _Kept(day, self._clock())
        for purpose, usage in found.items():
            if purpose.day == day:
                kept.add(purpose, usage)
        self._kept[tenant_id] = kept

    def _kept_today(self, tenant_id: str) -> _Kept:
        kept = self._kept.get(tenant_id)
        if kept is None or kept.day != self.today():
            kept = self._kept[tenant_id] = _Kept(self.today())
        return kept

    def _is_known(self, tenant_id: str) -> bool:
        return self._clock() - self._kept_today(tenant_id).read_at < READ_EVERY_S

    def _rests(self) -> bool:
        return self._clock() < self._rests_until

    def _failed(self, error: Exception) -> None:
        self._rests_until = self._clock() + _REST_S
        if self._clock() < self._silent_until:
            return
        self._silent_until = self._clock() + _LOG_EVERY_S
        why = f"no answer in {_PATIENCE_S:g} s" if isinstance(error, TimeoutError) else str(error) or repr(error)
        _log.warning(
            "the ledger fails: what is used is added up in memory until it answers",
            error=why,
            hint=getattr(error, "hint", None),
        )


def amount_of(usage: Usage) -> Amount:
    """Its tokens and money."""
    return Amount(usage.tokens, usage.usd)
