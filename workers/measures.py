"""What a worker measures, in Prometheus' types; no label is ever a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.ports import Meter
from pipeline.stages import Stage
from workers.health import Health
from workers.prometheus_meter import PrometheusMeter

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800)
"""Upper bounds of handler times: from a flow state (1 ms) to the speech recognition of a long recording (30 min)."""
_LABELS: Final = ("stage", "lane")


@dataclass(frozen=True, slots=True)
class StageMeasures:
    """The measures of one stage, looked up once, so that an event costs no look-up of labels.

    ``in_flight`` and ``held`` cost nothing an event with ``set_function``: they are then asked for when they are read.
    """

    handled: Counter
    repeated: Counter
    retried: Counter
    dead: Counter
    skipped: Counter
    erased: Counter
    released: Counter
    seconds: Histogram
    in_flight: Gauge
    held: Gauge
    meter: Meter


class Measures:
    """The registry of one process: what the runtime and the domain count, what ``Health`` knows, the process itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ours = self.registry
        self.meter = PrometheusMeter(ours)
        self._events = Counter("convmine_events", "Events by outcome.", (*_LABELS, "outcome"), registry=ours)
        self._seconds = Histogram(
            "convmine_handler_seconds", "Seconds a handler took.", _LABELS, registry=ours, buckets=SECONDS
        )
        self._in_flight = Gauge("convmine_in_flight", "Events at work.", _LABELS, registry=ours)
        self._held = Gauge(
            "convmine_held", "Handled events still needed, not yet acknowledged.", _LABELS, registry=ours
        )
        Info("convmine_build", "What runs.", registry=ours).info({"version": _version()})
        ProcessCollector(registry=ours)

    def of(self, stage: Stage) -> StageMeasures:
        """The measures of one stage; from now on they are shown, at zero."""
        labels = (stage.name, str(stage.lane))
        return StageMeasures(
            handled=self._events.labels(*labels, "handled"),
            repeated=self._events.labels(*labels, "repeated"),
            retried=self._events.labels(*labels, "retried"),
            dead=self._events.labels(*labels, "dead"),
            skipped=self._events.labels(*labels, "skipped"),
            erased=self._events.labels(*labels, "erased"),
            released=self._events.labels(*labels, "released"),
            seconds=self._seconds.labels(*labels),
            in_flight=self._in_flight.labels(*labels),
            held=self._held.labels(*labels),
            meter=self.meter,
        )

    def show(self, health: Health) -> None:
        """Show lag, progress, rebalances and dependencies that are away, too, as they are when they are read."""
        self.registry.register(_HealthView(health))

    def counted(self, stage: Stage, outcome: str) -> int:
        """How many events had this outcome so far."""
        labels = {"stage": stage.name, "lane": str(stage.lane), "outcome": outcome}
        return int(self.registry.get_sample_value("convmine_events_total", labels) or 0)


class _HealthView(Collector):
    """``Health`` as metrics: what was revoked is no longer there, and nothing is kept twice."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily("convmine_lag", "Events that wait.", labels=(*_LABELS, "topic", "partition"))
        away = GaugeMetricFamily(
            "convmine_dependency_away", "1 while events wait for a dependency.", labels=(*_LABELS, "dependency")
        )
        progress = GaugeMetricFamily(
            "convmine_last_progress_seconds", "When an event was last taken or settled, since 1970.", labels=_LABELS
        )
        rebalances = CounterMetricFamily("convmine_rebalances", "Assignments of partitions.", labels=_LABELS)
        for stage in self._health.stages:
            labels = (stage.stage.name, str(stage.stage.lane))
            for (topic, partition), waiting in stage.lag.items():
                lag.add_metric((*labels, topic, str(partition)), waiting)
            gone = {outage.dependency for outage in self._health.outages(stage)}
            for dependency in sorted(gone | stage.known_dependencies):
                away.add_metric((*labels, dependency), dependency in gone)
            progress.add_metric(labels, self._health.progress_time(stage))
            rebalances.add_metric(labels, stage.assignments)
        yield from (lag, away, progress, rebalances)


def _version() -> str:
    try:
        return version("convmine")
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"
