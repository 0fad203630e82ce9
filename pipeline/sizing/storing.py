"""What is kept of the calls, and how large that grows: Kafka by the retention of each topic, the store, recordings."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.sizing.costs import Costs
from pipeline.sizing.demand import Demand
from pipeline.stages import DAY, TOPICS

GB = 1e9


@dataclass(frozen=True, slots=True)
class TopicSize:
    """Bytes that a topic gets in a day, and that lie there when its retention is full, one copy."""

    name: str
    day_bytes: float
    days: float

    @property
    def kept_bytes(self) -> float:
        return self.day_bytes * self.days


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes; ``kafka_bytes`` with all copies. ``peak_bytes_s`` is what producers write in the busiest hour."""

    topics: tuple[TopicSize, ...]
    kafka_bytes: float
    peak_bytes_s: float
    points: float
    store_bytes: float
    store_memory_bytes: float
    recording_bytes: float


def storage_of(demand: Demand, costs: Costs) -> Storage:
    """What lies there once every retention is full.

    Compacted topics are left out: they hold the last record of each key, which does not grow with the calls of a day,
    but for the state of live calls, which is kept for a day and counted where its bytes are measured.
    """
    bounds, points = costs.bounds, costs.points
    minutes = {lane: demand.of(lane) * demand.minutes for lane in ("batch", "live")}
    sizes = []
    for topic in TOPICS:
        each = costs.topics.get(topic.name)
        if each is not None and topic.retention_ms is not None:
            day = each.batch * minutes["batch"] + each.live * minutes["live"]
            if day:
                sizes.append(TopicSize(topic.name, day, topic.retention_ms / DAY))
    day_points = sum(points.per_minute.get(lane, 0.0) * whole for lane, whole in minutes.items())
    kept = day_points * bounds.store_days
    return Storage(
        tuple(sorted(sizes, key=lambda one: -one.kept_bytes)),
        sum(one.kept_bytes for one in sizes) * bounds.replication,
        sum(one.day_bytes for one in sizes) / 86_400 * demand.peak,
        kept,
        kept * points.bytes,
        kept * points.in_memory_bytes,
        minutes["batch"] * bounds.recording_bytes_per_minute * bounds.recording_days,
    )
