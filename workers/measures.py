"""Counters of a worker, in Prometheus' types; no label is ever a call."""

from __future__ import annotations

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram

from pipeline.stages import Stage


class Measures:
    """What the runtime counts: events by outcome (handled, retried, dead, skipped), and the seconds handlers take."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter(
            "convmine_events", "Events by outcome", ("stage", "lane", "outcome"), registry=self.registry
        )
        self._seconds = Histogram(
            "convmine_handler_seconds", "Seconds a handler took", ("stage", "lane"), registry=self.registry
        )

    def count(self, stage: Stage, outcome: str) -> None:
        """One event more with this outcome."""
        self._events.labels(stage.name, stage.lane, outcome).inc()

    def counted(self, stage: Stage, outcome: str) -> int:
        """How many events had this outcome so far."""
        labels = {"stage": stage.name, "lane": str(stage.lane), "outcome": outcome}
        return int(self.registry.get_sample_value("convmine_events_total", labels) or 0)

    def time(self, stage: Stage) -> AbstractContextManager[object]:
        """Time the handler of a stage."""
        return self._seconds.labels(stage.name, stage.lane).time()
