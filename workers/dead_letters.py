"""Dead letters as values: what is known of one, which are wanted, and what a replay of one publishes.

Everything here is a function of records; ``workers.replays`` reads and writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConvmineError
from pipeline.handling import Position
from pipeline.stages import REPLAYS, STAGES, Stage
from schemas.envelope import Headers
from workers.records import REPLAY_STAGE, NewRecord, Record

REPLAY_OF: Final = "convmine-replay-of"
"""Header of a replayed dead letter: its name."""
_FACTS: Final = "dlq."
_NAME: Final = re.compile(r"(?P<topic>[A-Za-z0-9._-]+):(?P<partition>[0-9]{1,9}):(?P<offset>[0-9]{1,18})")
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ORIGINS: Final[Mapping[str, tuple[tuple[Stage, str], ...]]] = {
    name: tuple((stage, topic) for stage in STAGES for topic in stage.reads if stage.dead_letters(topic) == name)
    for name in dict.fromkeys(stage.dead_letters(topic) for stage in STAGES for topic in stage.reads)
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The facts of one dead letter, without its value.

    ``at`` is when it became one. ``topic``, ``partition`` and ``offset`` are where the original stood, the latter two
    None where the letter does not say; ``size`` is the bytes of the original value.
    """

    place: Position
    at: datetime
    stage: str
    lane: str
    topic: str
    partition: int | None
    offset: int | None
    tenant_id: str | None
    call_id: str | None
    error: str
    message: str
    attempts: int | None
    first_failed_at: str | None
    replay_of: str | None
    size: int

    @property
    def name(self) -> str:
        """What commands call it: ``<dead-letter topic>:<partition>:<offset>``."""
        return name_of(self.place)


@dataclass(frozen=True, slots=True)
class Replay:
    """That a dead letter was published again: when, by whom, to where.

    ``letter_at`` is when the letter was written: a mark does not speak of a later letter of the same name, such as
    there is when the topic was deleted and made anew.
    """

    at: datetime
    by: str
    topic: str
    partition: int
    offset: int
    letter_at: datetime


_REPLAY: Final = TypeAdapter(Replay)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are asked for; what is None does not matter. ``contains`` is looked for in the message."""

    stage: str | None = None
    lane: str | None = None
    topic: str | None = None
    error: str | None = None
    contains: str | None = None
    call_id: str | None = None
    tenant_id: str | None = None
    since: datetime | None = None

    def topics(self) -> Iterator[str]:
        """The topics of dead letters in which there can be such."""
        for name, origins in _ORIGINS.items():
            if any(
                self.stage in {None, stage.name}
                and self.lane in {None, str(stage.lane)}
                and self.topic in {None, original}
                for stage, original in origins
            ):
                yield name

    def matches(self, letter: DeadLetter) -> bool:
        """Whether this letter is asked for."""
        exactly = (
            (self.stage, letter.stage),
            (self.lane, letter.lane),
            (self.topic, letter.topic),
            (self.error, letter.error),
            (self.call_id, letter.call_id),
            (self.tenant_id, letter.tenant_id),
        )
        return (
            all(asked is None or asked == found for asked, found in exactly)
            and (self.contains is None or self.contains.casefold() in letter.message.casefold())
            and (self.since is None or letter.at >= self.since)
        )


def name_of(place: Position) -> str:
    """The name of the dead letter that stands here."""
    return f"{place.topic}:{place.partition}:{place.offset}"


def place_of(name: str) -> Position:
    """Where the dead letter of this name stands.

    Raises:
        ConvmineError: it is no name of a dead letter.
    """
    if (found := _NAME.fullmatch(name)) is None:
        raise ConvmineError(
            f"{name!r} is no name of a dead letter", hint="such as calls.recordings.asr.dlq:0:17; convmine dlq list"
        )
    if found["topic"] not in _ORIGINS:
        raise ConvmineError(f"{found['topic']} is no topic of dead letters", hint="convmine dlq list")
    return Position(found["topic"], int(found["partition"]), int(found["offset"]))


def read_letter(record: Record) -> DeadLetter:
    """The facts of a dead letter; what its headers do not say comes from its topic's name and its key."""
    facts = {name: value.decode(errors="replace") for name, value in record.headers}
    stage, topic = _origin(record.topic, facts.get("dlq.lane"))
    tenant, call_id = _whose(record.key or b"")
    first_failed_at = facts.get("dlq.first_failed_at")
    return DeadLetter(
        place=record.position,
        at=_instant(record.timestamp_ms, first_failed_at),
        stage=stage.name,
        lane=str(stage.lane),
        topic=topic,
        partition=_number(facts.get("dlq.original.partition")),
        offset=_number(facts.get("dlq.original.offset")),
        tenant_id=facts.get("ce_tenantid") or tenant,
        call_id=facts.get("ce_subject") or call_id,
        error=facts.get("dlq.error.class", "unknown"),
        message=facts.get("dlq.error.message", ""),
        attempts=_number(facts.get("dlq.attempts")),
        first_failed_at=first_failed_at,
        replay_of=facts.get(REPLAY_OF),
        size=len(record.value or b""),
    )


def original_headers(record: Record) -> Headers:
    """The headers that the original came with, in their order: without what made it a dead letter or a replay."""
    ours = {REPLAY_STAGE, REPLAY_OF}
    return tuple((name, value) for name, value in record.headers if not name.startswith(_FACTS) and name not in ours)


def target_partition(letter: DeadLetter, partitions: int) -> int | None:
    """The partition that the original came from, whoever hashed its key; None where its topic has no longer so many."""
    return letter.partition if letter.partition is not None and letter.partition < partitions else None


def replayed_record(record: Record, *, partitions: int) -> NewRecord:
    """The original of a dead letter, to be published again for the stage that set it aside.

    Its topic has so many ``partitions``. Headers of an earlier replay, after which it died again, are left behind.
    """
    letter = read_letter(record)
    return NewRecord(
        topic=letter.topic,
        key=record.key or b"",
        value=record.value,
        headers=(
            *original_headers(record),
            (REPLAY_STAGE, f"{letter.stage}.{letter.lane}".encode()),
            (REPLAY_OF, letter.name.encode()),
        ),
        partition=target_partition(letter, partitions),
    )


def mark_record(letter: DeadLetter, replay: Replay) -> NewRecord:
    """The record that says, for good, that this letter was replayed."""
    return NewRecord(REPLAYS, letter.name.encode(), _REPLAY.dump_json(replay), ())


def read_mark(record: Record) -> tuple[str, Replay | None]:
    """A letter's name, and how it was replayed; None where the mark was deleted or is not one of ours."""
    name = (record.key or b"").decode(errors="replace")
    try:
        return name, None if record.value is None else _REPLAY.validate_json(record.value)
    except ValidationError:
        return name, None


def _origin(name: str, lane: str | None) -> tuple[Stage, str]:
    origins = _ORIGINS[name]
    return next(((stage, topic) for stage, topic in origins if str(stage.lane) == lane), origins[0])


def _whose(key: bytes) -> tuple[str | None, str | None]:
    tenant, colon, call_id = key.decode(errors="replace").partition(":")
    return (tenant, call_id) if colon else (None, None)


def _instant(milliseconds: int | None, otherwise: str | None) -> datetime:
    with suppress(OverflowError):
        if milliseconds is not None and milliseconds >= 0:
            return _EPOCH + timedelta(milliseconds=milliseconds)
    try:
        at = datetime.fromisoformat(otherwise or "")
    except ValueError:
        return _EPOCH
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _COUNT.fullmatch(text) else None
