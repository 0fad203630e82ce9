"""Traces and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.values import Group, NamedSecrets, Positive, Seconds


class TracingSettings(Group):
    """OpenTelemetry traces: one call across all stages. Off unless they are set; then the extra `tracing` is needed."""

    export: Literal["off", "otlp", "file"] = "off"
    """Where spans go: nowhere, to a collector (OTLP over HTTP), or into a file of JSON lines."""
    endpoint: str = "http://localhost:4318/v1/traces"
    """Address of the collector."""
    headers: NamedSecrets = ()
    """Headers that the collector is sent, as `name=value`, parted by commas. Their values are kept secret."""
    timeout_s: Seconds = 5.0
    """Seconds after which a batch of spans that does not arrive is given up; no event waits for it."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "spans.jsonl"
    """File of the export `file`, which is appended to."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How many of the traces that begin in this process are kept, 0 to 1; those that come in are kept or not as they
    were where they began.
    """
    service: str = "convmine"
    """Name of this process in traces (`service.name`), such as `convmine-extract`."""
    queue: Positive = 8_192
    """Spans that may wait for their export; what finds no room is dropped and counted."""
    show_calls: bool = False
    """Whether spans of events name their call, by a digest of tenant and call id (`convmine.call`)."""

    @property
    def header_values(self) -> dict[str, str]:
        """The headers by name, with what they hold."""
        return dict(header.get_secret_value().split("=", 1) for header in self.headers)


class LogSettings(Group):
    """How much is logged, and for whom."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on is logged, on standard error; `convmine demo` logs errors alone where this is `info`."""
    format: Literal["auto", "json", "console"] = "auto"
    """JSON lines, or lines for people; `auto` is lines for people on a terminal, else JSON."""
