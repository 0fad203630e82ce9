"""Every metric that workers, gateway and dashboard register, with its type and labels; and the names in PromQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from pipeline.settings import GatewaySettings, KafkaSettings
from pipeline.stages import STAGES
from workers.gateway.access_log import GatewayMeasures
from workers.gateway.incoming.incoming import IncomingMeasures
from workers.gateway.kafka import WaitingPublisher
from workers.gateway.outgoing.measures import StreamMeasures
from workers.gateway.rates import Rates
from workers.health import Health
from workers.measures import Measures
from workers.tracing.export import Export

ROOT: Final = Path(__file__).parent.parent.parent
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
RULES: Final = sorted((PROMETHEUS / "rules").glob("*.yml"))
OF_PROMETHEUS: Final = {"up": ("job", "instance"), "ALERTS": ("alertname", "alertstate", "severity")}
"""What Prometheus itself adds, with their labels."""
OF_A_TARGET: Final = frozenset({"job", "instance"})
_WORDS: Final = {  # of PromQL
    "abs",
    "and",
    "bool",
    "by",
    "changes",
    "clamp_min",
    "count",
    "delta",
    "group",
    "histogram_quantile",
    "ignoring",
    "increase",
    "inf",
    "max",
    "max_over_time",
    "offset",
    "on",
    "or",
    "rate",
    "sum",
    "time",
    "topk",
    "unless",
    "vector",
    "without",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A family: its type, and the labels that its samples have."""

    kind: str
    labels: tuple[str, ...]


@cache
def in_code() -> Mapping[str, Metric]:
    """Families by the name that a page shows: a counter with ``_total``, an info with ``_info``."""
    measures = Measures()
    measures.of(STAGES[0])
    GatewayMeasures(measures.registry)
    IncomingMeasures(measures.registry, cast("Any", ()))
    StreamMeasures(measures.registry)
    Rates.of(GatewaySettings(), measures.registry)
    WaitingPublisher(KafkaSettings(), measures.registry)
    Export(lambda _spans: True, measures.registry, room=1).shutdown()
    return {**dict(_wrapped(measures.registry)), **dict(_of_health())}


def _wrapped(registry: CollectorRegistry) -> Iterator[tuple[str, Metric]]:
    for collector in registry._collector_to_names:  # noqa: SLF001 - the client has no public way to its labels
        if isinstance(collector, MetricWrapperBase):
            kind, name = str(collector._type), collector._name  # noqa: SLF001
            labels = collector._labelnames  # noqa: SLF001
            if kind == "info":
                yield f"{name}_info", Metric("gauge", ("version",))
            else:
                yield (f"{name}_total" if kind == "counter" else name), Metric(kind, tuple(labels))


def _of_health() -> Iterator[tuple[str, Metric]]:
    """Those of ``Health``, which are made when they are read, from a stage that has everything."""
    health, registry = Health(STAGES[:1], stall_s=60.0), Measures()
    registry.show(health)
    stage = health.of(STAGES[0])
    stage.assigned([("topic", 0)])
    stage.measured({("topic", 0): 1})
    stage.away("llm", "away", datetime.now(UTC))
    for family in registry.registry.collect():
        if family.name in {
            "convmine_lag",
            "convmine_dependency_away",
            "convmine_last_progress_seconds",
            "convmine_rebalances",
        }:
            sample = family.samples[0]
            yield sample.name, Metric(family.type, tuple(sample.labels))


@cache
def of_process() -> frozenset[str]:
    """Names of what the Prometheus client says of the process."""
    names = {sample.name for family in Measures().registry.collect() for sample in family.samples}
    return frozenset(name for name in names if name.startswith("process_"))


@cache
def rules() -> list[dict[str, Any]]:
    """All rules, of alerts and of records."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def sources(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The metrics that an expression reads, each with the labels that are matched on it."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    bare = re.sub(r"\$\w+", "", bare)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\boffset\s+\w+", "", bare)
    for found in re.finditer(r"([A-Za-z_:][\w:]*)\s*(\{[^}]*\})?(\s*\()?", bare):
        name, matchers, called = found.groups()
        if name in _WORDS or called or name == "Inf":
            continue
        yield name, frozenset(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers or ""))


def grouped(expression: str) -> frozenset[str]:
    """The labels that an expression groups or joins by."""
    found = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    return frozenset(label.strip() for labels in found for label in labels.split(",") if label.strip())


def unknown(expression: str) -> list[str]:
    """What is wrong with the names of an expression: metrics and labels that nobody has."""
    known, records = in_code(), {rule["record"]: rule for rule in rules() if "record" in rule}
    wrong, there = [], set(OF_A_TARGET) | {"le"}
    for name, matched in sources(expression):
        labels = _labels(name, known, records)
        if labels is None:
            wrong.append(name)
            continue
        there |= labels
        wrong += [f"{name}{{{label}}}" for label in sorted(matched - labels - OF_A_TARGET)]
    return wrong + [f"by {label}" for label in sorted(grouped(expression) - there)]


def _labels(name: str, known: Mapping[str, Metric], records: Mapping[str, dict[str, Any]]) -> frozenset[str] | None:
    if name in OF_PROMETHEUS:
        return frozenset(OF_PROMETHEUS[name])
    if name in of_process():
        return OF_A_TARGET
    if name in records:
        return grouped(records[name]["expr"]) | frozenset(records[name].get("labels", {})) | _through(name, records)
    if name in known and known[name].kind != "histogram":
        return frozenset(known[name].labels)
    family, _, part = name.rpartition("_")
    if part in {"bucket", "sum", "count"} and family in known and known[family].kind == "histogram":
        return frozenset(known[family].labels) | {"le"}
    return None


def _through(name: str, records: Mapping[str, dict[str, Any]]) -> frozenset[str]:
    """Labels that a record has of other records."""
    read = [source for source, _ in sources(records[name]["expr"]) if source in records and source != name]
    return frozenset(label for source in read for label in grouped(records[source]["expr"]))
