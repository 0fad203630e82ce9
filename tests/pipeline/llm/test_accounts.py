from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from cache_places import DAY_S, Clock
from ledger_places import TODAY, purpose, usage
from simulated_time import now, simulated
from structlog.testing import capture_logs

from pipeline.errors import Retryable
from pipeline.llm.accounts import Accounts, Amount
from pipeline.llm.distinct import distinct
from pipeline.llm.usage import Purpose, Usage
from pipeline.testing import InMemoryLedger

ONE = Amount(120, 0.25)
"""What one answer of ``usage()`` takes."""


class Faulty(InMemoryLedger):
    """A ledger that fails, or takes its time, while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.takes_s = 0.0
        self.writes = self.reads = 0

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        self.writes += 1
        await self._trouble()
        await super().add(used)

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        self.reads += 1
        found = await super().read(tenant_id, since)
        await self._trouble()
        return found

    async def _trouble(self) -> None:
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error


def accounts_of(ledger: InMemoryLedger, clock: Clock | None = None) -> Accounts:
    return Accounts(ledger, now=clock or Clock(), clock=now)


def times(count: int) -> Amount:
    return Amount(count * ONE.tokens, count * ONE.usd)


def test_what_is_recorded_is_known_at_once_and_written_within_a_second() -> None:
    async def main() -> None:
        ledger = Faulty()
        accounts = accounts_of(ledger)
        for number in range(10):
            accounts.record(purpose(), usage(), call=f"acme:c{number // 2}")
            assert accounts.used("acme") == times(number + 1)
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        written = ledger.kept[purpose()]
        assert (written.requests, distinct(written.calls)) == (10, 5)
        assert ledger.writes <= 3
        assert accounts.used("acme") == times(10)
        await accounts.close()

    simulated(main())


def test_scenarios_and_tenants_are_told_apart() -> None:
    async def main() -> None:
        accounts = accounts_of(InMemoryLedger())
        accounts.record(purpose(), usage(), call="")
        accounts.record(purpose(scenario="chat", stage="suggest"), usage(2), call="")
        accounts.record(purpose(tenant_id="umbrella"), usage(4), call="")
        for _ in range(2):  # before and after they are written
            assert accounts.used("acme", "telecom") == times(1)
            assert accounts.used("acme", "chat") == times(2)
            assert accounts.used("acme") == times(3)
            assert accounts.used("umbrella") == times(4)
            await asyncio.sleep(1)
        await accounts.close()

    simulated(main())


def test_what_another_worker_used_is_known_after_seconds_and_counted_once() -> None:
    async def main() -> None:
        ledger = InMemoryLedger()
        one, other = accounts_of(ledger), accounts_of(ledger)
        other.record(purpose(), usage(), call="")
        await other.look("acme")
        one.record(purpose(), usage(2), call="")
        await asyncio.sleep(6)
        for accounts in (one, other):
            await accounts.look("acme")
            assert accounts.used("acme") == times(3)
        one.record(purpose(), usage(4), call="")
        assert (one.used("acme"), other.used("acme")) == (times(7), times(3))
        await asyncio.sleep(4)
        await other.look("acme")
        assert other.used("acme") == times(3)  # not read again within five seconds
        await asyncio.sleep(1)
        await other.look("acme")
        assert other.used("acme") == times(7)
        await one.close()
        await other.close()

    simulated(main())


def test_a_read_in_the_middle_of_writes_counts_nothing_twice() -> None:
    async def main() -> None:
        ledger = Faulty()
        ledger.takes_s = 0.7
        accounts = accounts_of(ledger)
        for number in range(1, 60):
            accounts.record(purpose(), usage(), call="")
            if number % 3 == 0:
                await accounts.look("acme")
            assert accounts.used("acme") == times(number)
            await asyncio.sleep(0.37)
        await accounts.close()
        assert ledger.kept[purpose()].requests == 59
        assert ledger.reads > 1

    simulated(main())


def test_a_new_day_begins_at_nothing() -> None:
    async def main() -> None:
        clock = Clock()
        accounts = accounts_of(InMemoryLedger(), clock)
        accounts.record(purpose(), usage(), call="")
        clock.s += DAY_S
        assert accounts.today() == TODAY + timedelta(days=1)
        await asyncio.sleep(6)
        await accounts.look("acme")
        assert accounts.used("acme") == Amount()
        accounts.record(purpose(day=accounts.today()), usage(2), call="")
        assert accounts.used("acme") == times(2)
        await accounts.close()

    simulated(main())


@pytest.mark.parametrize("takes_s", [0.0, 60.0])
def test_a_ledger_that_is_away_stops_nobody_and_gets_everything_when_it_is_back(takes_s: float) -> None:
    async def main() -> None:
        ledger = Faulty()
        ledger.error, ledger.takes_s = Retryable("the disk is full", dependency="ledger", hint="make room"), takes_s
        accounts = accounts_of(ledger)
        with capture_logs() as logs:
            for number in range(1, 40):
                accounts.record(purpose(), usage(), call=f"acme:c{number}")
                began = now()
                await accounts.look("acme")
                assert now() - began <= 12.0  # its own patience, and that of a write before it
                assert accounts.used("acme") == times(number)
                await asyncio.sleep(1)
        said = [entry["event"] for entry in logs]
        assert 1 <= len(said) <= 3
        assert all("the ledger fails" in one for one in said)
        ledger.error, ledger.takes_s = None, 0.0
        await asyncio.sleep(12)
        written = ledger.kept[purpose()]
        assert (written.requests, distinct(written.calls)) == (39, 39)
        await accounts.close()

    simulated(main())


def test_what_is_not_yet_written_is_written_at_the_end() -> None:
    async def main() -> None:
        ledger = Faulty()
        accounts = accounts_of(ledger)
        accounts.record(purpose(), usage(), call="")
        await asyncio.sleep(0.5)  # the first was written at once
        accounts.record(purpose(), usage(2), call="")
        began = now()
        await accounts.close()
        assert now() - began < 0.1
        assert ledger.kept[purpose()].requests == 3

    simulated(main())


def test_what_cannot_be_written_at_the_end_is_said() -> None:
    async def main() -> None:
        ledger = Faulty()
        ledger.error = OSError("no space left")
        accounts = accounts_of(ledger)
        accounts.record(purpose(), usage(3), call="")
        with capture_logs() as logs:
            await accounts.close()
        assert logs[-1]["event"] == "what was used could not be written down"
        assert (logs[-1]["requests"], logs[-1]["usd"]) == (3, 0.75)

    simulated(main())
