"""The domain's figures in Prometheus' types."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from pipeline.figures import FIGURES, label_values


class PrometheusMeter:
    """A ``Meter`` in a registry; a name or a label that ``pipeline.figures`` does not have is a fault of ours.

    Args:
        registry: where the figures are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters: Final = {
            figure.name: Counter(figure.name, figure.says, figure.labels, registry=registry)
            for figure in FIGURES
            if not figure.bounds
        }
        self._histograms: Final = {
            figure.name: Histogram(figure.name, figure.says, figure.labels, registry=registry, buckets=figure.bounds)
            for figure in FIGURES
            if figure.bounds
        }

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        values = label_values(name, labels)
        counter = self._counters[name]
        (counter.labels(*values) if values else counter).inc(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        values = label_values(name, labels)
        histogram = self._histograms[name]
        (histogram.labels(*values) if values else histogram).observe(value)
