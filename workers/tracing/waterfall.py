"""One trace as rows from top to bottom, each below what led to it: the common ground of picture and table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import ConvmineError
from workers.tracing.span_file import WrittenSpan

_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A span in its place: when it began after the first one, how long it took (both in ms), and below what.

    ``stage`` is who did it; what no stage did, the service did, such as a gateway.
    """

    name: str
    stage: str
    kind: str
    depth: int
    at_ms: float
    ms: float
    failed: bool
    retries: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A trace: its rows, and how long it took from the first start to the last end, in ms."""

    trace_id: str
    rows: tuple[Row, ...]
    ms: float

    @property
    def stages(self) -> tuple[str, ...]:
        """Who took part, in order of appearance."""
        return tuple(dict.fromkeys(row.stage for row in self.rows))


def chosen(spans: Sequence[WrittenSpan], *, trace: str = "", call: str = "") -> Waterfall:
    """The trace whose id begins so, or of the call with this pseudonym; without either the one with most spans.

    Raises:
        ConvmineError: there is none, or more than one.
    """
    wanted = {
        span.trace_id
        for span in spans
        if span.trace_id.startswith(trace) and (not call or span.attributes.get("convmine.call") == call)
    }
    if not wanted:
        raise ConvmineError("there is no such trace" if trace or call else "there is no trace")
    if trace and len(wanted) > 1:
        raise ConvmineError(f"{len(wanted)} traces begin with {trace}", hint="give more of it")
    sizes = Counter(span.trace_id for span in spans if span.trace_id in wanted)
    ((trace_id, _),) = sizes.most_common(1)
    return waterfall(trace_id, [span for span in spans if span.trace_id == trace_id])


def waterfall(trace_id: str, spans: Sequence[WrittenSpan]) -> Waterfall:
    """The rows of a trace; a span whose parent is not there stands at the left."""
    known = {span.span_id for span in spans}
    below: dict[str, list[WrittenSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: one.start_ns):
        below[span.parent_id if span.parent_id in known else ""].append(span)
    first, last = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    return Waterfall(trace_id, tuple(_rows(below, "", "", 0, first)), (last - first) / _MS)


def _rows(
    below: Mapping[str, Sequence[WrittenSpan]], parent: str, stage: str, depth: int, first_ns: int
) -> Iterator[Row]:
    for span in below.get(parent, ()):
        mine = str(span.attributes.get("convmine.stage", stage or span.service))
        yield Row(
            name=span.name,
            stage=mine,
            kind=span.kind,
            depth=depth,
            at_ms=(span.start_ns - first_ns) / _MS,
            ms=(span.end_ns - span.start_ns) / _MS,
            failed=span.failed,
            retries=sum(event["name"] == "retry" for event in span.events),
        )
        yield from _rows(below, span.span_id, mine, depth + 1, first_ns)


def told(ms: float) -> str:
    """A time for people: ``3.2 ms``, ``480 ms``, ``12.3 s``."""
    if ms < 10:  # noqa: PLR2004 - three digits at most
        return f"{ms:.1f} ms"
    return f"{ms:,.0f} ms" if ms < 1_000 else f"{ms / 1_000:,.1f} s"  # noqa: PLR2004 - a second
