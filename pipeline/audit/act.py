"""What somebody does, as it goes into the log: from a question and its answer to what was asked and which calls shown.

Pure functions; nothing of what was said in a call comes through here but its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, Final

from pipeline.audit.entry import MOST_CALLS, MOST_TEXT, Result
from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.export.rows import RowPage
from pipeline.export.sql import SqlAnswer
from pipeline.questions.condition import Condition
from pipeline.questions.question import Question

ERASE: Final = "erase"
_CALL: Final = "call_id"
_CUSTOMER: Final = "customer_id"
_NAMES: Final = frozenset({_CALL, _CUSTOMER})
_FAILED: Final = (Retryable, Config, Poison)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does, and how it ended; all ids of calls and customers, however many."""

    action: str
    about: str = ""
    calls: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    call_count: int = 0
    result: Result = "answered"
    reason: str | None = None

    def showing(self, answer: Any) -> Act:  # noqa: ANN401 - whatever answers there are
        """The same, with the calls and customers of an answer."""
        found = set(_named_in(answer))
        calls = _together(self.calls, (name for kind, name in found if kind == _CALL))
        customers = _together(self.customers, (name for kind, name in found if kind == _CUSTOMER))
        return replace(self, calls=calls, customers=customers, call_count=len(calls))

    def ending(self, error: Exception) -> Act:
        """The same, where there was no answer: nothing was shown."""
        refused = isinstance(error, ConvmineError) and not isinstance(error, _FAILED)
        return replace(self, result="refused" if refused else "failed", reason=type(error).__name__)


def asked(question: Question) -> Act:
    """A question."""
    said = question.model_dump(mode="json", exclude_defaults=True)
    call = getattr(question, "call", None)
    calls = () if call is None else (call,)
    return Act(question.kind, _json(said), calls, tuple(_customers(question)))


def command(action: str, *, calls: Sequence[str] = (), **about: object) -> Act:
    """A command, with what it was told that matters; ``calls`` are those that it shows or changes."""
    return Act(action, _json(about), tuple(calls), call_count=len(calls))


def erasure(calls: Sequence[str], *, customer: str | None = None) -> Act:
    """Calls that were erased, by their ids or as all of a customer."""
    told = {} if customer is None else {"customer": customer}
    return replace(command(ERASE, calls=calls, **told), customers=tuple(told.values()))


def _json(said: object) -> str:
    return json.dumps(said, ensure_ascii=False, default=str)[:MOST_TEXT]


def _customers(question: Question) -> Iterator[str]:
    """Those that its conditions name."""
    for value in vars(question).values():
        for one in value if isinstance(value, tuple) else ():
            if isinstance(one, Condition) and one.field == "customer" and one.op == "is":
                yield from one.values


def _together(asked: tuple[str, ...], found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*asked, *sorted(found)]))


def _named_in(answer: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - likewise
    """All values of fields and columns that name a call or a customer, with the name of the field."""
    if isinstance(answer, RowPage | SqlAnswer):
        places = [(at, name) for at, name in enumerate(answer.columns) if name in _NAMES]
        yield from ((name, str(row[at])) for at, name in places for row in answer.rows if row[at] is not None)
    elif isinstance(answer, tuple | list):
        for one in answer:
            yield from _named_in(one)
    elif isinstance(answer, dict):
        yield from ((name, str(answer[name])) for name in _NAMES if answer.get(name) is not None)
    elif is_dataclass(answer):
        inside = _fields(answer.__class__)
        named = _NAMES.intersection(inside)
        yield from ((name, str(value)) for name in named if (value := getattr(answer, name)) is not None)
        for name in inside if _CALL not in named else ():  # what is of one call has no other in it
            yield from _named_in(getattr(answer, name))


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def first_of(names: Sequence[str]) -> tuple[str, ...]:
    """As many as an entry has."""
    return tuple(names[:MOST_CALLS])
