"""Spans go out beside the work: an exporter that is away, slow or broken costs spans, counted, and no time."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kafka_node import free_port
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from pipeline.errors import ConvmineError
from pipeline.settings import TracingSettings
from pipeline.tracing import Tracer
from workers.tracing.export import BATCH, Export
from workers.tracing.opened import tracer_of
from workers.tracing.opentelemetry_tracer import OpenTelemetryTracer
from workers.tracing.span_file import read_spans


def counted(registry: CollectorRegistry, outcome: str) -> float:
    return registry.get_sample_value("convmine_trace_spans_total", {"outcome": outcome}) or 0.0


def tracer_to(export: Export) -> Tracer:
    return OpenTelemetryTracer(export, service="s", instance="i", ratio=1.0)


def test_what_finds_no_room_is_dropped_and_counted_and_nobody_waits() -> None:
    hangs, registry = threading.Event(), CollectorRegistry()

    def send(spans: Sequence[object]) -> bool:
        del spans
        return hangs.wait(30)

    export = Export(send, registry, room=100, every_s=0.01)
    tracer = tracer_to(export)
    began = time.process_time()
    for _ in range(5_000):
        tracer.start("x", "internal").end()
    assert time.process_time() - began < 5
    hangs.set()
    export.close(10)
    assert counted(registry, "dropped") >= 5_000 - 100 - BATCH
    assert sum(counted(registry, outcome) for outcome in ("dropped", "sent")) == 5_000


def test_at_the_end_what_waits_is_sent() -> None:
    got: list[object] = []

    def send(spans: Sequence[object]) -> bool:
        got.extend(spans)
        return True

    export = Export(send, registry := CollectorRegistry(), room=5_000, every_s=60)
    tracer = tracer_to(export)
    for _ in range(2_000):
        tracer.start("x", "internal").end()
    export.close(10)
    assert len(got) == counted(registry, "sent") == 2_000
    tracer.start("too late", "internal").end()
    assert counted(registry, "dropped") == 1


def test_an_exporter_that_hangs_does_not_hold_the_process() -> None:
    hangs, registry = threading.Event(), CollectorRegistry()
    export = Export(lambda _spans: hangs.wait(30), registry, room=5_000, every_s=60)
    tracer = tracer_to(export)
    for _ in range(BATCH + 10):
        tracer.start("x", "internal").end()
    began = time.monotonic()
    export.close(0.2)
    assert time.monotonic() - began < 10
    assert counted(registry, "dropped") == 10
    hangs.set()


def test_an_exporter_that_raises_is_asked_again_for_the_next_spans() -> None:
    registry, fails = CollectorRegistry(), iter([True, False])

    def send(spans: Sequence[object]) -> bool:
        del spans
        if next(fails):
            raise OSError("a full disk")
        return True

    export = Export(send, registry, room=5_000, every_s=0.01)
    tracer = tracer_to(export)
    for outcome in ("failed", "sent"):
        tracer.start("x", "internal").end()
        _until(registry, outcome)
    export.close(5)
    assert (counted(registry, "failed"), counted(registry, "sent")) == (1, 1)


def _until(registry: CollectorRegistry, outcome: str) -> None:
    deadline = time.monotonic() + 20
    while not counted(registry, outcome):
        assert time.monotonic() < deadline, f"no span was {outcome}"
        time.sleep(0.01)


def test_a_collector_that_is_away_costs_spans_and_no_error() -> None:
    registry = CollectorRegistry()
    away = TracingSettings(export="otlp", endpoint=f"http://127.0.0.1:{free_port()}/v1/traces", timeout_s=0.2)
    with tracer_of(away, registry) as tracer:
        assert tracer is not None
        tracer.start("x", "internal").end()
    assert counted(registry, "failed") == 1


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[dict[str, str], ExportTraceServiceRequest]]]]:
    """What an OpenTelemetry collector is to us: a server that takes OTLP over HTTP."""
    got: list[tuple[dict[str, str], ExportTraceServiceRequest]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            got.append((dict(self.headers), ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is said of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collector_gets_spans_with_our_headers_and_the_name_of_the_service() -> None:
    with collector() as (endpoint, got):
        headers = (SecretStr("authorization=Bearer hidden"),)
        settings = TracingSettings(export="otlp", endpoint=endpoint, headers=headers, service="convmine-asr")
        assert "hidden" not in repr(settings)
        with tracer_of(settings) as tracer:
            assert tracer is not None
            tracer.start("process calls.recordings", "consumer", {"messaging.kafka.offset": 7}).end()
    ((sent, request),) = got
    assert {name.lower(): value for name, value in sent.items()}["authorization"] == "Bearer hidden"
    (resource,) = request.resource_spans
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "convmine-asr"
    (span,) = resource.scope_spans[0].spans
    assert (span.name, len(span.trace_id), span.parent_span_id) == ("process calls.recordings", 16, b"")


def test_a_file_that_is_none_of_spans_is_said_to_be_none(tmp_path: Path) -> None:
    for text in ("no JSON\n", '{"name": "x"}\n', "[1]\n"):
        (tmp_path / "f").write_text(text)
        with pytest.raises(ConvmineError, match="is no file of spans"):
            read_spans(tmp_path / "f")
