"""What a dashboard is made of: rows of panels, each a title, a unit and Prometheus expressions with their legends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "table"]
Unit = Literal["short", "s", "percentunit", "currencyUSD", "reqps", "bytes", "dateTimeFromNow"]


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and what its lines are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture; ``width`` in columns, ``says`` is shown beside its title."""

    title: str
    unit: Unit
    queries: Sequence[Query]
    says: str = ""
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 7


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a page: the values of a label of a metric."""

    name: str
    metric: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; ``uid`` is its name in addresses and in the name of its file."""

    uid: str
    title: str
    says: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    since: str = "now-6h"


def panel(title: str, unit: Unit, *queries: tuple[str, str], says: str = "", width: int = 8) -> Panel:
    """Lines over time."""
    return Panel(title, unit, [Query(*query) for query in queries], says, width=width)


def stat(title: str, unit: Unit, expression: str, says: str = "") -> Panel:
    """One number."""
    return Panel(title, unit, [Query(expression)], says, kind="stat", width=6, height=4)
