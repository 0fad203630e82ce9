"""The domain's figures in Prometheus' types."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from pipeline.figures import FIGURES


class PrometheusMeter:
    """A ``Meter`` in a registry; a name or a label that ``pipeline.figures`` does not have is a fault of ours.

    Args:
        registry: where the figures are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._labels: Final = {figure.name: figure.labels for figure in FIGURES}
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
        self._counters[name].labels(*self._values(name, labels)).inc(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._histograms[name].labels(*self._values(name, labels)).observe(value)

    def _values(self, name: str, labels: dict[str, str]) -> tuple[str, ...]:
        known = self._labels[name]
        if unknown := labels.keys() - set(known):
            raise ValueError(f"{name} has no label {', '.join(sorted(unknown))}")
        return tuple(labels.get(label, "") for label in known)
