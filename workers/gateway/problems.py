"""What the gateway says where it cannot answer, as RFC 9457 has it, and which of our errors each problem is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.questions.fields import NoField
from pipeline.questions.narrowing import TooWide
from pipeline.store.known import Unknown
from pipeline.store.marks import NoMark

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:convmine:problem:"
_WAIT_S: Final = 2
"""Seconds after which to ask again where nobody knows better."""


class WrongValue(BaseModel):
    """One thing that is wrong with a request: what, and where in its body or which of its parameters."""

    model_config = ConfigDict(frozen=True)

    detail: str
    pointer: Annotated[str | None, Field(description="JSON pointer into the body (RFC 6901)")] = None
    parameter: Annotated[str | None, Field(description="Name of the query's or the path's parameter")] = None


class Problem(BaseModel):
    """Why there is no answer (RFC 9457); ``hint`` says what to do, ``errors`` all that is wrong with a request."""

    model_config = ConfigDict(frozen=True)

    type: Annotated[str, Field(examples=[f"{_TYPE}no-field"])]
    title: str
    status: int
    detail: str
    hint: str | None = None
    errors: tuple[WrongValue, ...] | None = None


class NotServed(ConvmineError):
    """Something that this gateway was not given what it needs for."""


@dataclass(frozen=True, slots=True)
class _Kind:
    slug: str
    status: int
    title: str


_KINDS: Final[Mapping[type[ConvmineError], _Kind]] = {
    NoField: _Kind("no-field", 422, "There is no such field or value"),
    NoMark: _Kind("no-mark", 422, "That is no mark of a page"),
    TooWide: _Kind("too-wide", 422, "The question goes through too many calls"),
    Unknown: _Kind("unknown", 404, "Nothing of that name is stored"),
    NotServed: _Kind("not-served", 501, "This gateway cannot do that"),
    Retryable: _Kind("away", 503, "Something is away or busy"),
    Config: _Kind("misconfigured", 500, "The gateway is set up wrongly"),
    Poison: _Kind("impossible", 422, "This cannot be answered"),
    ConvmineError: _Kind("refused", 422, "This cannot be answered"),
}
"""From the narrowest error to the widest."""
_SAID: Final[Mapping[int, tuple[str, str]]] = {
    400: ("unreadable", "The request cannot be read"),
    401: ("no-key", "A valid key is needed"),
    403: ("not-allowed", "This key may not do that"),
    404: ("no-page", "There is no such page"),
    405: ("no-method", "The page has no such method"),
    409: ("conflict", "The call has ended, or does not allow it"),
    410: ("gone", "It is not there any more"),
    413: ("too-large", "The body is too large"),
    416: ("beyond", "The file is not as long as that"),
    422: ("not-valid", "The request is not valid"),
    429: ("busy", "Too many requests at once"),
    500: ("fault", "A fault of the gateway"),
    504: ("too-slow", "The answer took too long"),
}
_OF_THE_GATEWAY: Final = frozenset({Retryable, Config, Poison})
_READ: Final[Mapping[str, type[ConvmineError]]] = {
    _TYPE + kind.slug: error for error, kind in _KINDS.items() if error not in _OF_THE_GATEWAY
}


def problem(status: int, detail: str, *, hint: str | None = None, errors: tuple[WrongValue, ...] = ()) -> Problem:
    """A problem of the request itself, or of the gateway."""
    slug, title = _SAID.get(status, ("http", "The request failed"))
    return Problem(type=_TYPE + slug, title=title, status=status, detail=detail, hint=hint, errors=errors or None)


def problem_of(error: ConvmineError) -> Problem:
    """An error as a problem; of what is away or set up wrongly it tells no addresses and no settings."""
    kind = next(kind for type_, kind in _KINDS.items() if isinstance(error, type_))
    detail, hint = error.message, error.hint
    if isinstance(error, Retryable):
        detail, hint = f"{error.dependency} does not answer at the moment", "ask again in a while"
    elif isinstance(error, Config):
        detail, hint = "whoever runs the gateway finds in its log which setting is wrong", None
    elif isinstance(error, Poison):
        detail, hint = "what stores or reads the calls refuses this request", None
    return Problem(type=_TYPE + kind.slug, title=kind.title, status=kind.status, detail=detail, hint=hint)


def wait_s(error: ConvmineError) -> int | None:
    """Whole seconds after which to ask again; None where that does not help."""
    if not isinstance(error, Retryable):
        return None
    return _WAIT_S if error.retry_after_s is None else max(1, ceil(error.retry_after_s))


def error_of(problem: Problem) -> ConvmineError | None:
    """The error about the question that a problem was made of; None where it is of another kind."""
    error = _READ.get(problem.type)
    return None if error is None else error(problem.detail, hint=problem.hint)
