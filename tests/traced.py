"""Spans for tests: made by the tracer that runs in production, and read back from the file that it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.settings import TracingSettings
from pipeline.tracing import Tracer
from workers.tracing.opened import tracer_of
from workers.tracing.span_file import WrittenSpan, read_spans


@dataclass(frozen=True)
class Traced:
    """A tracer, and what it has made when its block is left."""

    tracer: Tracer
    file: Path

    @property
    def spans(self) -> list[WrittenSpan]:
        return read_spans(self.file) if self.file.exists() else []

    def named(self, name: str) -> list[WrittenSpan]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def traced_into(folder: Path, *, sample_ratio: float = 1.0) -> Iterator[Traced]:
    """A tracer that writes into this folder until the block is left."""
    file = folder / "spans.jsonl"
    with tracer_of(TracingSettings(export="file", path=file, sample_ratio=sample_ratio)) as tracer:
        assert tracer is not None
        yield Traced(tracer, file)
