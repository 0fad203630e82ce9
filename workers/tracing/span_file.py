"""Spans in a file, a line of JSON each: for tests, for a picture, and where there is no collector."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConvmineError
from workers.tracing.export import Send

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True, slots=True)
class WrittenSpan:
    """A span as it stands in a file; times in nanoseconds since 1970, ``parent_id`` empty for the first of a trace."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    service: str
    failed: bool
    attributes: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    links: Sequence[Mapping[str, str]]


def append_to(path: Path) -> Send:
    """Sends spans to the end of this file, which several processes may write: each batch is one write."""

    def send(spans: Sequence[ReadableSpan]) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{json.dumps(_document(span), ensure_ascii=False)}\n" for span in spans)
        with path.open("ab", buffering=0) as file:
            file.write(lines.encode())
        return True

    return send


def read_spans(path: Path) -> list[WrittenSpan]:
    """The spans of a file, in the order in which they began.

    Raises:
        ConvmineError: it cannot be read, or holds something else.
    """
    try:
        return sorted(_spans(path), key=lambda span: (span.start_ns, span.end_ns))
    except OSError as error:
        raise ConvmineError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConvmineError(f"{path} is no file of spans", hint="CONVMINE_TRACING_EXPORT=file writes one") from error


def _spans(path: Path) -> Iterator[WrittenSpan]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield WrittenSpan(**json.loads(line))


def _document(span: ReadableSpan) -> dict[str, Any]:
    context, status = span.context, span.status
    assert context is not None
    return {
        "name": span.name,
        "kind": span.kind.name.lower(),
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "parent_id": "" if span.parent is None else f"{span.parent.span_id:016x}",
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "service": span.resource.attributes.get("service.name", ""),
        "failed": status.status_code.name == "ERROR",
        "attributes": dict(span.attributes or {}),
        "events": [
            {"name": event.name, "at_ns": event.timestamp, "attributes": dict(event.attributes or {})}
            for event in span.events
        ],
        "links": [
            {"trace_id": f"{link.context.trace_id:032x}", "span_id": f"{link.context.span_id:016x}"}
            for link in span.links
        ],
    }
