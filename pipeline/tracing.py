"""Spans of traces, as the pipeline sees them: a port, and nothing at all where no trace is being made.

Whoever takes an event or a request in hand makes its span the current one (``within``). What is asked of others below
it (a language model, the store) is a ``step``, which is a span only where there is a current one. So nothing is passed
through the pipeline, and where traces are off a step costs one look at a context variable.

No attribute holds words of calls, and none a call's own id. Names are those of OpenTelemetry's semantic conventions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, Protocol

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

NONE: Final[Attributes] = {}


class Span(Protocol):
    """One stretch of work in a trace, from its start until ``end``."""

    @property
    def traceparent(self) -> str:
        """What carries this span to whoever goes on with the trace (W3C Trace Context); empty where there is none."""

    def call_it(self, name: str) -> None:
        """Name it anew, where its name is known only later."""

    def set(self, name: str, value: Value) -> None:
        """Set an attribute."""

    def note(self, event: str, attributes: Attributes = NONE) -> None:
        """Note what happened, and when."""

    def fail(self, error_type: str) -> None:
        """Say that it failed, with the class of the error and none of its words, which may be a call's."""

    def below(self, name: str, kind: Kind, attributes: Attributes = NONE) -> Span:
        """A span that this one is the parent of."""

    def end(self) -> None: ...


class Tracer(Protocol):
    """Begins traces, and goes on with those that others began."""

    def start(self, name: str, kind: Kind, attributes: Attributes = NONE, *, parent: str = "", link: str = "") -> Span:
        """A span below the ``parent`` of another process, else the first of a new trace.

        Args:
            name: what is done, such as ``process calls.recordings``.
            kind: of the span.
            attributes: of the span.
            parent: the traceparent of the span above; what is none counts as not given.
            link: the traceparent of a span in another trace that led to this one.
        """

    def passing(self, traceparent: str) -> Span | None:
        """The span of another process, for what goes on below it without a span of its own; None for no traceparent."""


class _Nothing:
    """The span where no trace is being made."""

    traceparent: Final = ""

    def call_it(self, name: str) -> None:
        """Nothing is kept."""

    def set(self, name: str, value: Value) -> None:
        """Nothing is kept."""

    def note(self, event: str, attributes: Attributes = NONE) -> None:
        """Nothing is kept."""

    def fail(self, error_type: str) -> None:
        """Nothing is kept."""

    def below(self, name: str, kind: Kind, attributes: Attributes = NONE) -> Span:
        """Nothing is below it either."""
        del name, kind, attributes
        return self

    def end(self) -> None:
        """Nothing is kept."""


NOTHING: Final[Span] = _Nothing()
_CURRENT: Final[ContextVar[Span]] = ContextVar("span", default=NOTHING)


def current() -> Span:
    """The span that what is done now belongs to."""
    return _CURRENT.get()


@contextmanager
def within(span: Span) -> Iterator[Span]:
    """Inside, also in tasks and threads begun there, this span is the current one; then it ends."""
    token = _CURRENT.set(span)
    try:
        yield span
    except BaseException as error:
        span.fail(type(error).__name__)
        raise
    finally:
        _CURRENT.reset(token)
        span.end()


@contextmanager
def step(name: str, kind: Kind, attributes: Attributes = NONE) -> Iterator[Span]:
    """What is done inside, as a span below the current one; where there is none, nothing."""
    above = _CURRENT.get()
    if above is NOTHING:
        yield NOTHING
        return
    with within(above.below(name, kind, attributes)) as span:
        yield span
