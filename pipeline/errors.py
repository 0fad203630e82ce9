"""The tree of everything that can go wrong, and what the runtime makes of it.

::

    ConvmineError
    ├── Retryable   it may work later: tried again in place with backoff; an outage is never a dead letter
    ├── Poison      it will never work: dead letter with the original bytes, and a call.failed that a person can read
    └── Config      the program is set up wrongly: the worker stops at start, naming the setting

Vendor errors are translated at the boundary of the room that talks to the vendor. Everything else that is raised is a
fault of ours; the runtime tries it a few times and then treats it as poison, so that no call blocks its partition.
"""

from __future__ import annotations


class ConvmineError(Exception):
    """An error with a message for people and, where there is one, a hint what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def in_one_line(self) -> str:
        """The message, and the hint behind it."""
        return self.message + (f" ({self.hint})" if self.hint else "")


class Retryable(ConvmineError):
    """A dependency is away, busy or slow.

    Args:
        message: what happened, for people.
        dependency: which one, for example ``qdrant`` or ``llm``.
        retry_after_s: seconds that the dependency asked us to wait, if it did.
        hint: what a person could do.
        alone: only this event is concerned, as by a recording that is still to come. It says nothing about whether
            others can be handled, and is tried until whoever raises it gives up.
    """

    def __init__(
        self,
        message: str,
        *,
        dependency: str,
        retry_after_s: float | None = None,
        hint: str | None = None,
        alone: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.dependency = dependency
        self.retry_after_s = retry_after_s
        self.alone = alone


class Poison(ConvmineError):
    """This event can never be handled, however often it is tried; the message is the reason that people read."""


class Config(ConvmineError):
    """A setting is missing or wrong.

    Args:
        setting: the environment variable.
        expected: what it should hold, in words.
        hint: what to do, when that is more than setting it.
    """

    def __init__(self, setting: str, expected: str, *, hint: str | None = None) -> None:
        super().__init__(f"{setting}: {expected}", hint=hint)
        self.setting = setting
        self.expected = expected
