"""From where to where a replay reads: what was asked for, as offsets, and what of it retention has removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.settings import KafkaSettings
from workers.edge import Edge, Partition, Spans
from workers.kafka_clients import admin_client

Place = datetime | int
"""A time, or an offset."""
Start = Place | Literal["earliest"]
_NEAR: Final = 16
"""Offsets that are read for the first record: markers of transactions have offsets, too."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A partition of which a part that was asked for is gone; ``oldest_at`` is when the oldest record was written."""

    place: Partition
    oldest: int
    oldest_at: datetime | None


class Topics:
    """The topics of one installation as a replay asks about them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._edge = Edge(settings)

    def spans(self, topics: Sequence[str], start: Start, until: Place | None, now: datetime) -> Spans:
        """The offsets to read of each partition; to its present end where nothing else is asked for.

        Raises:
            ConvmineError: a topic is missing, the offset lies behind the end of each partition, or retention has
                removed a part of what was asked for; the message says what is left.
        """
        whole = self._edge.spans(topics)
        if missing := sorted(set(topics) - {topic for topic, _ in whole}):
            raise ConvmineError(
                f"Kafka at {self._settings.bootstrap_servers} has no topic {', '.join(missing)}",
                hint="run: convmine topics apply",
            )
        starts = {place: span.start for place, span in whole.items()} if start == "earliest" else self._at(whole, start)
        if isinstance(start, int):
            _within(whole, start)
        kept = self._kept(topics) if isinstance(start, datetime) else {}
        if gone := [
            place for place in whole if is_removed(start, whole[place], starts[place], now=now, kept=kept.get(place[0]))
        ]:
            raise _gone(start, self._removed(gone, whole))
        stops = {place: span.stop for place, span in whole.items()} if until is None else self._at(whole, until)
        return {
            place: range(max(span.start, starts[place]), min(span.stop, stops[place])) for place, span in whole.items()
        }

    def _at(self, whole: Spans, place: Place) -> Mapping[Partition, int]:
        if isinstance(place, int):
            return dict.fromkeys(whole, place)
        later = self._edge.spans(dict.fromkeys(topic for topic, _ in whole), since=place)
        return {one: span.start for one, span in later.items()}

    def _kept(self, topics: Sequence[str]) -> Mapping[str, timedelta | None]:
        """For how long the broker keeps the records of each topic; None: for good."""
        from kafka.admin import ConfigResource, ConfigResourceType

        names = {self._settings.topic_prefix + topic: topic for topic in topics}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None}) for name in names]
        with admin_client(self._settings) as admin:
            (found,) = admin.describe_configs(asked, config_filter="all").values()
        kept_ms = {names[name]: int(config["retention.ms"]["value"]) for name, config in found.items()}
        return {topic: None if ms < 0 else timedelta(milliseconds=ms) for topic, ms in kept_ms.items()}

    def _removed(self, gone: Sequence[Partition], whole: Spans) -> list[Removed]:
        near = {place: range(whole[place].start, min(whole[place].start + _NEAR, whole[place].stop)) for place in gone}
        oldest: dict[Partition, datetime] = {}
        for record in self._edge.read(near):
            if record.timestamp_ms is not None:
                at = datetime.fromtimestamp(record.timestamp_ms / 1_000, UTC)
                oldest.setdefault((record.topic, record.partition), at)
        return [Removed(place, whole[place].start, oldest.get(place)) for place in gone]


def is_removed(start: Start, span: range, found: int, *, now: datetime, kept: timedelta | None) -> bool:
    """Whether a part of what was asked for is gone from a partition that now holds ``span``.

    An offset is gone when a later one is the oldest. A time says less: records from before the oldest that is left may
    have been there. They are gone only if they are older than what the broker keeps (``kept``); of what was deleted by
    hand, or to save room, a time tells nothing.

    Args:
        start: what was asked for.
        span: the offsets that the partition holds.
        found: the offset that ``start`` stands for in it.
        now: the time.
        kept: how long its records are kept; None for good.
    """
    if start == "earliest" or span.start == 0:
        return False
    if isinstance(start, int):
        return start < span.start
    return kept is not None and start < now - kept and found <= span.start


def _within(whole: Spans, offset: int) -> None:
    if whole and all(offset > span.stop for span in whole.values()):
        ends = ", ".join(f"{topic}:{n} at {span.stop}" for (topic, n), span in whole.items())
        raise ConvmineError(f"there is no offset {offset} yet: the topic ends at {ends}")


def _gone(start: Place | str, removed: Sequence[Removed]) -> ConvmineError:
    first = min(removed, key=lambda one: one.oldest_at or datetime.max.replace(tzinfo=UTC))
    topic, number = first.place
    at = "" if first.oldest_at is None else f" of {first.oldest_at.isoformat(timespec='seconds')}"
    asked = start.isoformat(timespec="seconds") if isinstance(start, datetime) else f"offset {start}"
    more = f", and in {len(removed) - 1} more partitions" if len(removed) > 1 else ""
    return ConvmineError(
        f"retention has removed what followed on {asked} in {topic}:{number}{more}: "
        f"the oldest that is left is offset {first.oldest}{at}",
        hint="what is stored of older calls stays; --from earliest replays what is left; the rest is in no topic any "
        "more, only in files of convmine export",
    )
