"""What streams measure; no label has a call, an agent or a tenant."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Way = Literal["sse", "socket"]


class StreamMeasures:
    """Streams that are open, events that came, and why streams ended."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        ours = registry or CollectorRegistry()
        self._open = Gauge("convmine_gateway_streams", "Streams that are open.", ("way",), registry=ours)
        self._ended = Counter(
            "convmine_gateway_streams_ended", "Streams by why they ended.", ("reason",), registry=ours
        )
        self._taken = Counter("convmine_gateway_stream_events", "Events taken for streams.", ("event",), registry=ours)
        self._skipped = Counter(
            "convmine_gateway_stream_skipped", "Records that are not streamed, by why.", ("reason",), registry=ours
        )
        self._away = Gauge("convmine_gateway_streams_away", "1 while nothing can be read.", registry=ours)
        self._away.set(1)

    def opened(self, way: Way) -> None:
        """A stream was opened."""
        self._open.labels(way).inc()

    def ended(self, way: Way, reason: str) -> None:
        """It was closed: left, slow, drained, expired."""
        self._open.labels(way).dec()
        self._ended.labels(reason).inc()

    def taken(self, event: str) -> None:
        """An event came, by its name."""
        self._taken.labels(event).inc()

    def skipped(self, reason: str) -> None:
        """A record was passed over: unreadable, unknown, repeated, erased."""
        self._skipped.labels(reason).inc()

    def is_away(self, away: bool) -> None:  # noqa: FBT001 - it is the value
        """Whether nothing can be read."""
        self._away.set(int(away))
