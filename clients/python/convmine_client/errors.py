"""What can go wrong, by what to do about it; the gateway tells it as RFC 9457 has it.

::

    ConvmineError
    ├── NotFound      nothing of that name is stored, or not for this key
    ├── Invalid       the question is wrong: ``detail`` and ``hint`` say what, ``errors`` where
    ├── Refused       the key is not valid, or may not do this
    ├── Busy          too many requests: ask again after ``retry_after_s``
    └── Unavailable   the gateway, or what it asks, is away or answers otherwise than is expected
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ConvmineError(Exception):
    """A request that was not answered.

    Args:
        detail: what happened, for people.
        hint: what to do about it.
        type: the kind of problem, a URN such as ``urn:convmine:problem:no-field``.
        status: of HTTP; None where there was no response.
        errors: each thing that is wrong with the request: ``detail``, and its ``pointer`` or ``parameter``.
        retry_after_s: seconds after which to ask again, where the gateway says so.
    """

    def __init__(  # noqa: PLR0913 - the members of a problem, each named
        self,
        detail: str,
        *,
        hint: str | None = None,
        type: str = "about:blank",  # noqa: A002 - the member's name in RFC 9457
        status: int | None = None,
        errors: tuple[Mapping[str, Any], ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{detail} ({hint})" if hint else detail)
        self.detail = detail
        self.hint = hint
        self.type = type
        self.status = status
        self.errors = errors
        self.retry_after_s = retry_after_s


class NotFound(ConvmineError):
    """Nothing of that name is stored, or not for this key."""


class Invalid(ConvmineError):
    """The question is wrong, or goes through too much."""


class Refused(ConvmineError):
    """The key is not valid, or may not do this."""


class Busy(ConvmineError):
    """Too many requests at once."""


class Unavailable(ConvmineError):
    """No answer, or none that can be read."""


_BY_STATUS: Mapping[int, type[ConvmineError]] = {401: Refused, 403: Refused, 404: NotFound, 429: Busy}


def error_of(status: int, problem: Mapping[str, Any], retry_after: str | None) -> ConvmineError:
    """The error that a response tells; ``problem`` is empty where its body is none."""
    kind = _BY_STATUS.get(status) or (Unavailable if status >= 500 or not problem else Invalid)  # noqa: PLR2004 - HTTP's
    return kind(
        str(problem.get("detail") or f"the gateway answers {status}"),
        hint=problem.get("hint"),
        type=str(problem.get("type", "about:blank")),
        status=status,
        errors=tuple(problem.get("errors") or ()),
        retry_after_s=float(retry_after) if retry_after and retry_after.isdecimal() else None,
    )
