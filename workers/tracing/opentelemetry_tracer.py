"""The port ``Tracer`` on OpenTelemetry's SDK."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, cast

from pipeline.tracing import NONE, Attributes, Kind, Span, Value
from workers.tracing.export import Export

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST: Final = 512
"""Characters of a traceparent that are looked at: version 00 has 55, later ones may have more."""
_FLAGS: Final = 3
"""Sampled, and random id; what other bits mean is not known, and they are not passed on."""


class OpenTelemetryTracer:
    """Makes spans, and hands those that are sampled to an ``Export`` when they end.

    Whether a trace is sampled is decided where it begins, and told to all that go on with it (``traceparent``).

    Args:
        export: takes spans.
        service: ``service.name`` of this process.
        instance: ``service.instance.id`` of this process.
        ratio: how many of the traces that begin here are sampled, 0 to 1.
    """

    def __init__(self, export: Export, *, service: str, instance: str, ratio: float) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        about = {"service.name": service, "service.instance.id": instance, "service.version": _version()}
        provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)), resource=Resource(about), shutdown_on_exit=False
        )
        provider.add_span_processor(cast("SpanProcessor", export))
        self._tracer = provider.get_tracer("convmine")

    def start(self, name: str, kind: Kind, attributes: Attributes = NONE, *, parent: str = "", link: str = "") -> Span:
        """As ``Tracer`` has it."""
        from opentelemetry.trace import Link

        linked = _context_of(link)
        links = [] if linked is None else [Link(linked)]
        span = self._tracer.start_span(name, _below(parent), _kind(kind), attributes, links)
        return _Span(self._tracer, span)

    def passing(self, traceparent: str) -> Span | None:
        """As ``Tracer`` has it."""
        from opentelemetry.trace import NonRecordingSpan

        context = _context_of(traceparent)
        return None if context is None else _Span(self._tracer, NonRecordingSpan(context))


class _Span:
    """The port ``Span`` on a span of OpenTelemetry's."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def call_it(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def note(self, event: str, attributes: Attributes = NONE) -> None:
        self._span.add_event(event, attributes)

    def fail(self, error_type: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", error_type)
        self._span.set_status(StatusCode.ERROR)

    def below(self, name: str, kind: Kind, attributes: Attributes = NONE) -> Span:
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        above = set_span_in_context(self._span, Context())
        return _Span(self._tracer, self._tracer.start_span(name, above, _kind(kind), attributes))

    def end(self) -> None:
        self._span.end()


def _below(traceparent: str) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    context = _context_of(traceparent)
    return Context() if context is None else set_span_in_context(NonRecordingSpan(context), Context())


def _context_of(traceparent: str) -> trace.SpanContext | None:
    """What a traceparent says; None where it says nothing: it comes from outside.

    Source: W3C Trace Context, 3.2: a later version may have more behind the flags; all zeros are no id.
    """
    from opentelemetry.trace import SpanContext, TraceFlags

    found = _TRACEPARENT.fullmatch(traceparent) if len(traceparent) <= _LONGEST else None
    if found is None or (traceparent.startswith("00-") and found[4]):
        return None
    flags = TraceFlags(int(found[3], 16) & _FLAGS)
    context = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


def _kind(kind: Kind) -> Any:  # noqa: ANN401 - an enumeration that is not loaded before it is used
    from opentelemetry.trace import SpanKind

    return SpanKind[kind.upper()]


def _version() -> str:
    try:
        return version("convmine")
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"
