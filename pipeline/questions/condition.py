"""One condition of a question, as a value and as people write it: ``role=customer``, ``started>=7d``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.questions.fields import NoField, field_named
from pipeline.questions.refusal import refusal
from pipeline.store.known import nearest

Comparison = Literal["is", "is_not", "at_least", "below"]

_WRITTEN: Final = re.compile(r"^\s*(?P<field>\w+)\s*(?P<sign>!=|>=|=|<)\s*(?P<values>.+?)\s*$", re.DOTALL)
_VALUE: Final = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|\Z)|([^,]*)(?:,|\Z)')
_SIGNS: Final[Mapping[str, Comparison]] = {"=": "is", "!=": "is_not", ">=": "at_least", "<": "below"}
_SIGN_OF: Final = {comparison: sign for sign, comparison in _SIGNS.items()}
_AGO: Final = re.compile(r"^(\d{1,6})([mhdw])$")
_SHOWN: Final = 80
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class Condition(BaseModel):
    """A field and what it must be: one of these values, none of them, at least this, or below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: Annotated[str, Field(max_length=40)]
    op: Comparison = "is"
    values: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=50)
    ]

    @field_validator("values", mode="before")
    @classmethod
    def _one_is_a_list(cls, values: object) -> object:
        return (values,) if isinstance(values, str) else values

    def __str__(self) -> str:
        return f"{self.field}{_SIGN_OF[self.op]}{','.join(map(_quoted, self.values))}"


def _quoted(value: str) -> str:
    """A value as CSV has it (RFC 4180), so that one with a comma stays one value."""
    needs_quotes = value != value.strip() or any(mark in value for mark in ',"\r\n')
    doubled = value.replace('"', '""')
    return f'"{doubled}"' if needs_quotes else value


def _values_in(text: str) -> tuple[str, ...]:
    found = ((quoted.replace('""', '"') or bare.strip()) for quoted, bare in _VALUE.findall(text))
    return tuple(value for value in found if value)


def parse_condition(text: str) -> Condition:
    """A condition as people write it.

    Raises:
        NoField: it is none, there is no such field, or it cannot have this value; the hint says what there is.
    """
    written = _WRITTEN.match(text)
    if written is None:
        raise NoField(f"{text!r} is no condition", hint="such as role=customer, intent!=greeting, started>=7d")
    values = _values_in(written["values"])
    if not values:
        raise NoField(f"{text!r} is no condition", hint="a value is missing")
    try:
        condition = Condition(field=written["field"], op=_SIGNS[written["sign"]], values=values)
    except ValidationError as error:
        raise NoField(f"{text[:_SHOWN]!r} is no condition", hint=refusal(error)) from None
    check(condition)
    return condition


def check(condition: Condition) -> None:
    """Nothing, where a condition can be asked.

    Raises:
        NoField: there is no such field, it is not compared so, or it cannot have this value.
    """
    field = field_named(condition.field)
    compares = condition.op in {"at_least", "below"}
    if compares != (field.type != "name"):
        signs = "= or !=" if field.type == "name" else ">= or <"
        raise NoField(f"{condition}: {field.name} is compared with {signs}")
    if compares:
        if len(condition.values) > 1:
            raise NoField(f"{condition}: one value is compared with")
        number_of(condition, datetime.now(UTC))
    for value in condition.values:
        if field.values and value not in field.values:
            near = ", ".join(nearest(value, field.values))
            raise NoField(
                f"{field.name} is never {value!r}", hint=f"nearest: {near}; all: {', '.join(sorted(field.values))}"
            )


def number_of(condition: Condition, now: datetime) -> float:
    """What is compared with: a number, or an instant in seconds.

    Raises:
        NoField: the value is neither.
    """
    (value,) = condition.values
    try:
        if field_named(condition.field).type == "time":
            return parse_since(value, now).timestamp()
        number = float(value)
    except ValueError as error:
        said = str(error) if condition.field == "started" else f"{value!r} is no number"
        raise NoField(f"{condition}: {said}") from None
    if not isfinite(number):
        raise NoField(f"{condition}: {value!r} is no number")
    return number


def parse_since(text: str, now: datetime) -> datetime:
    """An instant: ``7d`` (also m, h, w) before now, or an ISO date or time, in UTC unless it says otherwise.

    Raises:
        ValueError: it is neither; the message says what is expected.
    """
    if ago := _AGO.match(text):
        try:
            return now - int(ago[1]) * _UNITS[ago[2]]
        except OverflowError:
            raise ValueError(f"{text!r} lies before the calendar begins") from None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a time ago such as 90m, 12h, 7d, 4w nor a date such as 2026-03-31"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
