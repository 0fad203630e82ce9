"""Spans to a collector: OTLP over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workers.tracing.export import Send

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def send_to(endpoint: str, headers: Mapping[str, str], *, timeout_s: float) -> Send:
    """Sends spans to this address, with these headers; one batch is given up after so many seconds."""
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    # It would log each batch that does not arrive, with the answer; ours says it once.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint, headers=dict(headers), timeout=timeout_s, compression=Compression.Gzip)

    def send(spans: Sequence[ReadableSpan]) -> bool:
        return exporter.export(spans) is SpanExportResult.SUCCESS

    return send
