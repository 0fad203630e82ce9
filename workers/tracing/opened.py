"""The tracer that the settings name, or none."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from pipeline.errors import Config
from pipeline.settings import Settings, TracingSettings
from pipeline.stages import Stage
from pipeline.tracing import Tracer
from workers.tracing.export import Export, Send
from workers.tracing.hops import Hops

HopsOf = Callable[[Stage | None], Hops | None]
"""The hops of a stage, or of who reads nothing; None where traces are off."""
FLUSH_S: Final = 5.0
"""Seconds that spans which wait are given at the end: within what a worker has for leaving."""


@contextmanager
def tracer_of(settings: TracingSettings, registry: CollectorRegistry | None = None) -> Iterator[Tracer | None]:
    """Make spans until the block is left, and send what waits then; None where traces are off.

    Args:
        settings: where spans go, and of how many traces.
        registry: where it is counted what became of them.

    Raises:
        Config: the extra ``tracing`` is not installed.
    """
    if settings.export == "off":
        yield None
        return
    try:
        from workers.tracing.opentelemetry_tracer import OpenTelemetryTracer

        export = Export(_send(settings), registry or CollectorRegistry(), room=settings.queue)
        instance = f"{socket.gethostname()}:{os.getpid()}"
        tracer = OpenTelemetryTracer(export, service=settings.service, instance=instance, ratio=settings.sample_ratio)
    except ImportError as error:
        reason = "traces need a package that is not installed"
        raise Config("CONVMINE_TRACING_EXPORT", reason, hint="pip install 'convmine[tracing]'") from error
    try:
        yield tracer
    finally:
        export.close(FLUSH_S)


@contextmanager
def hops_from(settings: Settings, registry: CollectorRegistry | None = None) -> Iterator[HopsOf]:
    """The hops of this process over Kafka, as ``tracer_of`` has their spans.

    Raises:
        Config: the extra ``tracing`` is not installed.
    """
    with tracer_of(settings.tracing, registry) as tracer:
        prefix, show_calls = settings.kafka.topic_prefix, settings.tracing.show_calls

        def hops_of(stage: Stage | None) -> Hops | None:
            return None if tracer is None else Hops(tracer, prefix=prefix, stage=stage, show_calls=show_calls)

        yield hops_of


def _send(settings: TracingSettings) -> Send:
    if settings.export == "file":
        from workers.tracing.span_file import append_to

        return append_to(settings.path)
    from workers.tracing.otlp import send_to

    return send_to(settings.endpoint, settings.header_values, timeout_s=settings.timeout_s)
