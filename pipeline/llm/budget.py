"""Caps on tokens and money: a call's, a scenario's and a tenant's of a day; looked at before a request is sent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from pipeline.errors import Poison
from pipeline.llm.accounts import Accounts, Amount
from pipeline.ports import Account
from pipeline.settings import BudgetSettings

CALLS_KNOWN: Final = 10_000
"""Calls whose spending a worker remembers; the one that was longest without a request is forgotten first."""


class Spent(Poison):
    """A cap leaves no room for the request, which was not sent.

    Args:
        message: which cap, what is used of it, and when it begins anew.
        setting: the variable of the cap.
        scope: ``call``, ``scenario`` or ``day``.
        resets_at: when the cap begins anew; None for that of a call.
    """

    def __init__(self, message: str, *, setting: str = "", scope: str = "", resets_at: datetime | None = None) -> None:
        super().__init__(message, hint=f"raise {setting}" if setting else None)
        self.setting = setting
        self.scope = scope
        self.resets_at = resets_at


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be used in a scope; None is no cap."""

    scope: str
    tokens: int | None
    usd: float | None

    @property
    def is_set(self) -> bool:
        return self.tokens is not None or self.usd is not None

    def passed_by(self, amount: Amount) -> str | None:
        """Which of both an amount would pass: ``tokens``, ``usd`` or None."""
        if self.tokens is not None and amount.tokens > self.tokens:
            return "tokens"
        return "usd" if self.usd is not None and amount.usd > self.usd else None


def caps_of(settings: BudgetSettings) -> tuple[Cap, ...]:
    """The caps that are set, the narrowest first."""
    caps = (
        Cap("call", settings.call_tokens, settings.call_usd),
        Cap("scenario", settings.scenario_tokens, settings.scenario_usd),
        Cap("day", settings.day_tokens, settings.day_usd),
    )
    return tuple(cap for cap in caps if cap.is_set)


@dataclass(frozen=True, slots=True)
class _Scope:
    """A cap as it concerns one account; ``whose`` tells accounts apart that do not share it."""

    cap: Cap
    account: Account
    whose: tuple[str, ...]


class Budget:
    """Lets requests through as long as the caps leave room for the most that they may take.

    What is used beyond a cap: by one worker nothing, unless a request takes more than was estimated for it; in a fleet
    also what the other workers use in the seconds until it is known (``WRITTEN_EVERY_S`` and ``READ_EVERY_S``), and
    what a worker had used of a call before it was started again.

    Args:
        caps: as ``caps_of`` gives them.
        accounts: what was used today.
    """

    def __init__(self, caps: Sequence[Cap], accounts: Accounts) -> None:
        self._caps = tuple(caps)
        self._accounts = accounts
        self._calls: OrderedDict[tuple[str, ...], Amount] = OrderedDict()
        self._reserved: dict[tuple[str, ...], Amount] = {}
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def room(self, account: Account, need: Amount) -> AsyncIterator[None]:
        """Hold room for a request until the block is left, where what it took must have been recorded.

        Where only requests that are under way stand in the way, it waits for them: they may take less than was held.

        Raises:
            Spent: what is used and what the request may take pass a cap.
        """
        scopes = [_Scope(cap, account, _whose(cap, account)) for cap in self._caps if _applies(cap, account)]
        if any(scope.cap.scope != "call" for scope in scopes):
            await self._accounts.look(account.tenant_id)
        while self._is_full(scopes, need):
            await self._freed.wait()
        self._reserve(scopes, need)
        try:
            yield
        finally:
            self._reserve(scopes, Amount() - need)
            self._freed.set()
            self._freed = asyncio.Event()

    def used(self, account: Account, amount: Amount) -> None:
        """Note what a request took, for the cap of its call; for the others the accounts know it."""
        whose = ("call", account.tenant_id, account.call_id)
        self._calls[whose] = self._calls.pop(whose, Amount()) + amount
        if len(self._calls) > CALLS_KNOWN:
            self._calls.popitem(last=False)

    def _is_full(self, scopes: Sequence[_Scope], need: Amount) -> bool:
        """Whether there is no room now, but there may be when requests that are under way have ended."""
        full = False
        for scope in scopes:
            used = self._used(scope)
            if unit := scope.cap.passed_by(used + need):
                raise self._spent(scope, unit, used, need)
            full = full or scope.cap.passed_by(used + self._reserved.get(scope.whose, Amount()) + need) is not None
        return full

    def _used(self, scope: _Scope) -> Amount:
        account = scope.account
        if scope.cap.scope == "call":
            return self._calls.get(scope.whose, Amount())
        return self._accounts.used(account.tenant_id, account.scenario if scope.cap.scope == "scenario" else None)

    def _reserve(self, scopes: Sequence[_Scope], need: Amount) -> None:
        for scope in scopes:
            held = self._reserved.pop(scope.whose, Amount()) + need
            if held.tokens:
                self._reserved[scope.whose] = held

    def _spent(self, scope: _Scope, unit: str, used: Amount, need: Amount) -> Spent:
        cap, account = scope.cap, scope.account
        setting = f"CONVMINE_BUDGET_{cap.scope.upper()}_{unit.upper()}"
        figures = (
            f"{used.tokens} of {cap.tokens} tokens are used, and the request may take {need.tokens}"
            if unit == "tokens"
            else f"{used.usd:.4f} of {cap.usd:g} USD are used, and the request may take {need.usd:.4f}"
        )
        what = {"call": "the call", "scenario": f"the scenario {account.scenario!r} today", "day": "today"}[cap.scope]
        resets_at = None
        if cap.scope != "call":
            resets_at = datetime.combine(self._accounts.today() + timedelta(days=1), time(tzinfo=UTC))
        until = f"; it begins anew at {resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else ""
        message = f"the budget for {what} is spent ({setting}): {figures}{until}"
        return Spent(message, setting=setting, scope=cap.scope, resets_at=resets_at)


def _applies(cap: Cap, account: Account) -> bool:
    return cap.scope != "call" or bool(account.call_id)


def _whose(cap: Cap, account: Account) -> tuple[str, ...]:
    parts = {"call": (account.call_id,), "scenario": (account.scenario,), "day": ()}[cap.scope]
    return (cap.scope, account.tenant_id, *parts)
