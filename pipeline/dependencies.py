"""Which dependencies answered while an event was handled: what shows that an outage of theirs is over.

An event that was handled without asking a dependency says nothing about it. So whoever talks to one says when it has
answered, at the same boundary at which its errors are translated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


def _nothing() -> None:
    """What is done at an answer if nothing is to be done."""


@dataclass(frozen=True, slots=True)
class _Notes:
    answers: set[str]
    then: Callable[[], None]


_ANSWERED: Final[ContextVar[_Notes | None]] = ContextVar("answered", default=None)


def answered(dependency: str) -> None:
    """This dependency, by the name that its ``Retryable`` has, has just answered."""
    if (notes := _ANSWERED.get()) is not None:
        notes.answers.add(dependency)
        notes.then()


@contextmanager
def noting_answers(then: Callable[[], None] = _nothing) -> Iterator[set[str]]:
    """The names of the dependencies that answer inside, also in tasks and threads begun there; ``then`` at each."""
    noted: set[str] = set()
    token = _ANSWERED.set(_Notes(noted, then))
    try:
        yield noted
    finally:
        _ANSWERED.reset(token)
