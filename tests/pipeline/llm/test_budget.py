from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from cache_places import DAY_S, Clock
from hypothesis import given
from hypothesis import strategies as st
from ledger_places import purpose, usage
from simulated_time import now, simulated

from pipeline.errors import Poison
from pipeline.llm import budget as budget_module
from pipeline.llm.accounts import Accounts, Amount
from pipeline.llm.budget import Budget, Spent, caps_of
from pipeline.llm.usage import Usage
from pipeline.ports import Account
from pipeline.settings import BudgetSettings
from pipeline.testing import InMemoryLedger

CALL = Account("acme", "c1", "extract", "telecom")


class Purse:
    """A budget with its accounts, and answers that take what a test says."""

    def __init__(self, settings: BudgetSettings, ledger: InMemoryLedger | None = None) -> None:
        self.clock = Clock()
        self.accounts = Accounts(ledger or InMemoryLedger(), now=self.clock, clock=now)
        self.budget = Budget(caps_of(settings), self.accounts)

    async def pay(self, need: Amount, took: Amount | None = None, account: Account = CALL, for_s: float = 0.0) -> None:
        """Hold room for ``need``, wait, and record what it took."""
        took = took or need
        async with self.budget.room(account, need):
            await asyncio.sleep(for_s)
            one = Usage(requests=1, input_tokens=took.tokens, usd=took.usd)
            at = purpose(day=self.accounts.today(), tenant_id=account.tenant_id, scenario=account.scenario)
            self.accounts.record(at, one, call=account.call_id)
            self.budget.used(account, took)


def tokens(count: int) -> Amount:
    return Amount(count, 0.0)


@pytest.mark.parametrize(
    ("cap", "scope", "need"),
    [
        (BudgetSettings(call_tokens=1_000), "call", tokens(400)),
        (BudgetSettings(call_usd=1.0), "call", Amount(1, 0.4)),
        (BudgetSettings(scenario_tokens=1_000), "scenario", tokens(400)),
        (BudgetSettings(scenario_usd=1.0), "scenario", Amount(1, 0.4)),
        (BudgetSettings(day_tokens=1_000), "day", tokens(400)),
        (BudgetSettings(day_usd=1.0), "day", Amount(1, 0.4)),
    ],
)
def test_what_would_pass_a_cap_is_not_sent_and_it_is_said_which_one(
    cap: BudgetSettings, scope: str, need: Amount
) -> None:
    async def main() -> None:
        purse = Purse(cap)
        await purse.pay(need)
        await purse.pay(need)
        with pytest.raises(Spent) as caught:
            await purse.pay(need)
        spent = caught.value
        assert isinstance(spent, Poison)
        assert (spent.scope, spent.setting) == (scope, f"CONVMINE_BUDGET_{next(iter(cap.model_fields_set)).upper()}")
        assert spent.setting in spent.message
        assert ("800 of 1000 tokens" in spent.message) or ("0.8000 of 1 USD" in spent.message)
        assert spent.resets_at == (None if scope == "call" else datetime(2026, 9, 22, tzinfo=UTC))
        assert ("begins anew at 2026-09-22 00:00 UTC" in spent.message) == (scope != "call")
        await purse.accounts.close()

    simulated(main())


def test_a_cap_is_reached_exactly() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(day_tokens=1_000))
        await purse.pay(tokens(400))
        await purse.pay(tokens(600))
        with pytest.raises(Spent):
            await purse.pay(tokens(1))
        await purse.accounts.close()

    simulated(main())


def test_each_call_scenario_and_tenant_has_its_own() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(call_tokens=300, scenario_tokens=500, day_tokens=700))
        await purse.pay(tokens(300))
        with pytest.raises(Spent, match="the budget for the call"):
            await purse.pay(tokens(1))
        other_call = Account("acme", "c2", "extract", "telecom")
        await purse.pay(tokens(200), account=other_call)
        with pytest.raises(Spent, match="the scenario 'telecom' today"):
            await purse.pay(tokens(1), account=other_call)
        await purse.pay(tokens(200), account=Account("acme", "c3", "extract", "chat"))
        with pytest.raises(Spent, match="the budget for today"):
            await purse.pay(tokens(1), account=Account("acme", "c4", "extract", "chat"))
        await purse.pay(tokens(300), account=Account("umbrella", "c1", "extract", "telecom"))
        await purse.accounts.close()

    simulated(main())


def test_a_new_day_has_a_new_budget_and_a_call_keeps_its_own() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(call_tokens=1_500, day_tokens=1_000))
        await purse.pay(tokens(1_000))
        with pytest.raises(Spent, match="today"):
            await purse.pay(tokens(500))
        purse.clock.s += DAY_S
        await purse.pay(tokens(500))
        with pytest.raises(Spent, match="the call"):
            await purse.pay(tokens(1))
        await purse.accounts.close()

    simulated(main())


def test_what_was_used_before_the_start_counts_for_the_day() -> None:
    async def main() -> None:
        ledger = InMemoryLedger()
        await ledger.add({purpose(): usage(5)})
        purse = Purse(BudgetSettings(day_tokens=700), ledger)
        with pytest.raises(Spent, match="600 of 700"):
            await purse.pay(tokens(101))
        await purse.pay(tokens(100))
        await purse.accounts.close()

    simulated(main())


def test_requests_under_way_are_waited_for_where_they_may_take_less() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(day_tokens=1_000))
        began = now()
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(purse.pay(tokens(500), tokens(100), for_s=1))
        assert now() - began == pytest.approx(5)  # two at first, then one at a time
        assert purse.accounts.used("acme") == tokens(600)
        with pytest.raises(Spent):
            await purse.pay(tokens(500))
        await purse.accounts.close()

    simulated(main())


def test_a_request_that_fails_gives_its_room_back() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(day_tokens=1_000))
        for _ in range(3):
            with pytest.raises(OSError, match="cut"):
                async with purse.budget.room(CALL, tokens(1_000)):
                    raise OSError("cut")
        waiting = asyncio.ensure_future(purse.pay(tokens(1_000), for_s=5))
        await asyncio.sleep(1)
        late = asyncio.ensure_future(purse.pay(tokens(1_000)))
        await asyncio.sleep(1)
        waiting.cancel()
        await late
        await purse.accounts.close()

    simulated(main())


def test_a_request_without_a_call_has_no_cap_of_a_call() -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(call_tokens=10))
        await purse.pay(tokens(100), account=Account("acme", "", "suggest", "telecom"))
        await purse.accounts.close()

    simulated(main())


def test_without_caps_nothing_is_asked_of_the_ledger() -> None:
    class Untouched(InMemoryLedger):
        read = None  # type: ignore[assignment]  # to be called is the failure

    async def main() -> None:
        await Purse(BudgetSettings(call_tokens=10**9), Untouched()).pay(tokens(10**6))
        await Purse(BudgetSettings(), Untouched()).pay(tokens(10**6))

    simulated(main())


def test_of_very_many_calls_the_longest_unheard_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_module, "CALLS_KNOWN", 2)

    async def main() -> None:
        purse = Purse(BudgetSettings(call_tokens=100))
        calls = [Account("acme", f"c{number}", "extract", "telecom") for number in range(3)]
        for account in (calls[0], calls[1], calls[0], calls[2]):
            await purse.pay(tokens(50), account=account)
        with pytest.raises(Spent):
            await purse.pay(tokens(1), account=calls[0])
        await purse.pay(tokens(100), account=calls[1])
        await purse.accounts.close()

    simulated(main())


@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1), st.floats(0, 5)), min_size=1, max_size=30),
    st.integers(200, 2_000),
)
def test_whatever_comes_at_once_a_cap_is_never_passed_and_room_that_is_left_is_used(
    requests: list[tuple[int, float, float]], cap: int
) -> None:
    async def main() -> None:
        purse = Purse(BudgetSettings(day_tokens=cap))

        async def one(need: int, share: float, for_s: float) -> int:
            try:
                await purse.pay(tokens(need), tokens(max(1, int(need * share))), for_s=for_s)
            except Spent:
                return need
            return 0

        refused = await asyncio.gather(*(one(*request) for request in requests))
        used = purse.accounts.used("acme").tokens
        assert used <= cap
        assert all(used + need > cap for need in refused if need)
        await purse.accounts.close()

    simulated(main())
