"""Conditions of questions: a field and what it must be. ``Client.fields`` lists the fields."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypedDict

Value = str | int | float | date
"""A name, a number, a time ago such as ``7d``, or a date; an instant without a zone is taken for UTC."""


class Condition(TypedDict):
    """A field and what it must be; ``equal`` and the others here make them."""

    field: str
    op: Literal["is", "is_not", "at_least", "below"]
    values: list[str]


def equal(field: str, *values: Value) -> Condition:
    """The field is one of these."""
    return Condition(field=field, op="is", values=_written(values))


def unequal(field: str, *values: Value) -> Condition:
    """The field is none of these."""
    return Condition(field=field, op="is_not", values=_written(values))


def at_least(field: str, value: Value) -> Condition:
    """A number or a time is this or more: ``at_least("started", "7d")`` are the last seven days."""
    return Condition(field=field, op="at_least", values=_written((value,)))


def below(field: str, value: Value) -> Condition:
    """A number or a time is less than this."""
    return Condition(field=field, op="below", values=_written((value,)))


def _written(values: tuple[Value, ...]) -> list[str]:
    return [value.isoformat() if isinstance(value, date) else str(value) for value in values]
