"""Which dependencies answered while an event was handled: what shows that an outage of theirs is over.

An event that was handled without asking a dependency says nothing about it. So whoever talks to one says when it has
answered, at the same boundary at which its errors are translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ANSWERED: Final[ContextVar[set[str] | None]] = ContextVar("answered", default=None)


def answered(dependency: str) -> None:
    """This dependency, by the name that its ``Retryable`` has, has just answered."""
    if (noted := _ANSWERED.get()) is not None:
        noted.add(dependency)


@contextmanager
def noting_answers() -> Iterator[set[str]]:
    """The names of the dependencies that answer inside, also in tasks and threads begun there."""
    noted: set[str] = set()
    token = _ANSWERED.set(noted)
    try:
        yield noted
    finally:
        _ANSWERED.reset(token)
