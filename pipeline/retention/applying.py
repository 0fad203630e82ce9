"""The rules applied to all stocks: what is due for each kind and tenant, and its removal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.retention.kinds import KINDS, KindName
from pipeline.retention.rules import ALL, Rules
from pipeline.retention.stock import Due, Stock

Stocks = Mapping[KindName, Stock]
"""What is kept of each kind; a kind of which nothing can be kept has none. In the order in which they are cleared."""


@dataclass(frozen=True, slots=True)
class Applies:
    """A rule as it applies now to one kind of one tenant's things: what is of before ``before`` is due."""

    kind: KindName
    tenant: str
    keep: timedelta
    before: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What is due by a rule."""

    applies: Applies
    due: Due


@dataclass(frozen=True, slots=True)
class Removed:
    """How many things were removed by a rule."""

    applies: Applies
    count: int


def applying(rules: Rules, kinds: Iterable[KindName], tenants: Iterable[str], now: datetime) -> Iterator[Applies]:
    """The rule of each kind and tenant, where there is one."""
    in_order = sorted({*tenants, *rules.named})
    for kind in kinds:
        for tenant in in_order if KINDS[kind].by_tenant else [ALL]:
            if (keep := rules.keep(kind, tenant)) is not None:
                yield Applies(kind, tenant, keep, now - keep)


async def standing(stocks: Stocks, rules: Rules, tenants: Iterable[str], now: datetime) -> list[Standing]:
    """What is due by each rule.

    Raises:
        Retryable: a place is away.
    """
    return [
        Standing(one, await stocks[one.kind].due(one.tenant, one.before))
        for one in applying(rules, stocks, tenants, now)
    ]


async def apply(stocks: Stocks, rules: Rules, tenants: Iterable[str], now: datetime) -> AsyncIterator[Removed]:
    """Remove what is due, kind by kind; what was removed is gone whatever comes after.

    Raises:
        Retryable: a place is away; the rest is removed the next time.
    """
    for one in applying(rules, stocks, tenants, now):
        yield Removed(one, await stocks[one.kind].remove(one.tenant, one.before))
