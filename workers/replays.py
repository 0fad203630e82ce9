"""Dead letters on Kafka: they are found by what they say or by name, and published again, each once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.handling import Position
from pipeline.privacy.sealing import Seal
from pipeline.settings import KafkaSettings
from pipeline.stages import DAY, REPLAYS, TOPICS
from workers.dead_letters import (
    DeadLetter,
    Replay,
    Wanted,
    mark_record,
    name_of,
    read_letter,
    read_mark,
    replayed_record,
    target_partition,
)
from workers.edge import Edge, Partition
from workers.os_user import operator
from workers.records import NewRecord, Record, largest_record
from workers.transactions import Superseded, Transactions, transactions

_BATCH: Final = 100
"""Letters in one transaction, which takes 0.2 s, however many they are."""
_NEAR: Final = 1_000
"""Offsets that are read through to the next letter rather than skipped: reading them takes half a second."""
_BATCH_BYTES: Final = 8_000_000
"""Bytes in one transaction, but for a single letter that is larger."""
_PER_HEADER: Final = 10
_PER_RECORD: Final = 100
"""Bytes that a header, and a record alone in its batch, take at most besides their text."""
_APPLY: Final = "run: convmine topics apply"

Known = tuple[DeadLetter, Replay | None]
"""A dead letter, and how it was last replayed."""
_Batch = list[tuple[DeadLetter, NewRecord]]
"""Letters, each with the record that it becomes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one letter, where in its original topic it stands or would go, or why it does not.

    ``partition`` is None where the key decides, ``offset`` until it is written.
    """

    letter: DeadLetter
    state: Literal["due", "replayed", "skipped", "refused"]
    partition: int | None = None
    offset: int | None = None
    reason: str = ""


Told = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many letters ``per_second``; None: as fast as it goes."""

    per_second: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def at_once(self) -> int:
        """Letters for one transaction: those of half a second."""
        return _BATCH if self.per_second is None else max(1, int(min(_BATCH, self.per_second / 2)))

    def wait(self, started: float, done: int) -> None:
        """Wait until the next letter is due, when so many were replayed since ``started``."""
        if self.per_second is not None:
            self.sleep(max(0.0, started + done / self.per_second - self.clock()))


class DeadLetters:
    """The dead letters of one installation, and the marks that say which were replayed, and by whom.

    Args:
        settings: where Kafka is.
        seal: opens what was sealed.
        by: who replays; the user of this process, if not given.
    """

    def __init__(self, settings: KafkaSettings, seal: Seal, by: str | None = None) -> None:
        self._settings = settings
        self._seal = seal
        self._by = by
        self._edge = Edge(settings)

    def wanted(self, wanted: Wanted) -> Iterator[Known]:
        """The letters that are asked for, those of a partition in order.

        Raises:
            ConvmineError: there are no topics of dead letters.
        """
        spans = self._edge.spans(wanted.topics(), since=wanted.since)
        if not spans:
            raise ConvmineError(f"{self._kafka} has no topics of dead letters", hint=_APPLY)
        marks = self._marks()
        for record in self._edge.read(spans):
            if wanted.matches(letter := read_letter(record)):
                yield letter, _mark_of(letter, marks)

    def at(self, places: Iterable[Position]) -> list[Known]:
        """The letters at these places, in their order and none twice.

        Raises:
            ConvmineError: at one of them there is none; the message says why, where that is known.
        """
        asked = dict.fromkeys(places)
        self._check(asked)
        marks = self._marks()
        found = {record.position: read_letter(record) for record in self._read(asked)}
        for place in asked:
            if place not in found:
                raise ConvmineError(f"there is no dead letter {name_of(place)}")
        return [(found[place], _mark_of(found[place], marks)) for place in asked]

    def record(self, place: Position) -> Record:
        """The record of the letter at this place, as it stands in its topic."""
        self._check([place])
        if (record := next(self._read([place], checked=True), None)) is None:
            raise ConvmineError(f"there is no dead letter {name_of(place)}")
        return record

    def rehearse(self, letters: Iterable[DeadLetter]) -> list[Outcome]:
        """Where these letters would go.

        Raises:
            ConvmineError: a topic that they go to, or that of the marks, is missing.
        """
        letters = list(letters)
        counts = self._targets(letters)
        return [Outcome(letter, "due", target_partition(letter, counts[letter.topic])) for letter in letters]

    def replay(self, letters: Sequence[DeadLetter], *, again: bool, pace: Pace, told: Told) -> None:
        """Publish letters again and mark them, as one; those of a key in the order in which they died.

        Args:
            letters: which; those that were marked since are skipped.
            again: also replay what is marked.
            pace: how fast.
            told: is given what became of some letters, again and again; what it was told is done for good.

        Raises:
            ConvmineError: a topic is missing, or another replay took over.
            Retryable: the broker is away; of the letters that were at hand none or all were replayed.
        """
        counts = self._targets(letters)
        with transactions(self._settings, "dlq.replay") as writer:
            # Only now can nobody else replay: what is marked by now is all that is.
            marks = {} if again else self._marks()
            due = {letter.place: letter for letter in letters if _mark_of(letter, marks) is None}
            told([Outcome(letter, "skipped", reason="was replayed") for letter in letters if letter.place not in due])
            self._replay(due, writer, counts, pace, told)

    def _targets(self, letters: Iterable[DeadLetter]) -> Mapping[str, int]:
        counts = self._edge.topics()
        for topic in (REPLAYS, *(letter.topic for letter in letters)):
            if not counts[topic]:
                raise ConvmineError(f"{self._kafka} has no topic {topic}", hint=_APPLY)
        return counts

    def _replay(
        self,
        due: dict[Position, DeadLetter],
        writer: Transactions,
        counts: Mapping[str, int],
        pace: Pace,
        told: Told,
    ) -> None:
        by, done = self._by or operator(), 0
        started: float | None = None
        for batch in self._batches(due, counts, pace.at_once, told):
            started = pace.clock() if started is None else started
            pace.wait(started, done)
            try:
                positions = writer.write([record for _, record in batch], partial(_marks_of, batch, by))
            except Superseded as error:
                raise ConvmineError(
                    "another convmine dlq replay has taken over", hint="run this one again when it has ended"
                ) from error
            done += len(batch)
            replayed = zip(batch, positions, strict=True)
            told([Outcome(letter, "replayed", to.partition, to.offset) for (letter, _), to in replayed])

    def _batches(
        self, due: dict[Position, DeadLetter], counts: Mapping[str, int], most: int, told: Told
    ) -> Iterator[_Batch]:
        """What to write at once; says of a letter that cannot be written why."""
        batch: _Batch = []
        size = 0
        for record in self._read(list(due), checked=True):
            letter = due.pop(record.position)
            again = replayed_record(record, partitions=counts[letter.topic])
            if (bytes_ := _size(again)) > largest_record(self._settings, letter.topic):
                reason = f"with its headers it has {bytes_} bytes, more than CONVMINE_KAFKA_MAX_MESSAGE_BYTES"
                told([Outcome(letter, "refused", reason=reason)])
                continue
            if batch and (len(batch) >= most or size + bytes_ > _BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append((letter, again))
            size += bytes_
        if batch:
            yield batch
        told([Outcome(letter, "refused", reason="it was removed meanwhile") for letter in due.values()])

    def _read(self, places: Collection[Position], *, checked: bool = False) -> Iterator[Record]:
        """The records at these places, those of a partition in order; what was sealed is opened.

        Raises:
            Config: a value is encrypted, and its key is not among those that are set.
        """
        asked = set(places)
        for spans in stretches(asked):
            for record in self._edge.read(spans, checked=checked):
                if record.position in asked:
                    yield record if record.value is None else replace(record, value=self._seal.open(record.value))

    def _marks(self) -> Mapping[str, Replay]:
        marks: dict[str, Replay] = {}
        for record in self._edge.read(self._edge.spans([REPLAYS])):
            name, replay = read_mark(record)
            if replay is None:
                marks.pop(name, None)
            else:
                marks[name] = replay
        return marks

    def _check(self, places: Iterable[Position]) -> None:
        """Say of the first place that can hold no letter why."""
        places = list(places)
        spans = self._edge.spans(dict.fromkeys(place.topic for place in places))
        for place in places:
            span = spans.get((place.topic, place.partition))
            if span is None and not any(topic == place.topic for topic, _ in spans):
                raise ConvmineError(f"{self._kafka} has no topic {place.topic}", hint=_APPLY)
            if span is None or place.offset >= span.stop:
                raise ConvmineError(f"there is no dead letter {name_of(place)}", hint="convmine dlq list")
            if place.offset < span.start:
                raise ConvmineError(
                    f"{name_of(place)} is gone: {place.topic} keeps {_kept(place.topic)}",
                    hint=f"what is left there begins with {place.topic}:{place.partition}:{span.start}",
                )

    @property
    def _kafka(self) -> str:
        return f"Kafka at {self._settings.bootstrap_servers}"


def _mark_of(letter: DeadLetter, marks: Mapping[str, Replay]) -> Replay | None:
    mark = marks.get(letter.name)
    return mark if mark and mark.letter_at == letter.at else None


def _marks_of(batch: _Batch, by: str, positions: Sequence[Position]) -> list[NewRecord]:
    at = datetime.now(UTC)
    return [
        mark_record(letter, Replay(at, by, to.topic, to.partition, to.offset, letter.at))
        for (letter, _), to in zip(batch, positions, strict=True)
    ]


def _kept(topic: str) -> str:
    retention_ms = next(one.retention_ms for one in TOPICS if one.name == topic)
    return "what it is given" if retention_ms is None else f"dead letters for {retention_ms // DAY} days"


def stretches(places: Iterable[Position]) -> Iterator[dict[Partition, range]]:
    """Spans that hold these places and little else, one a partition each time, in rising order."""
    found: dict[Partition, list[range]] = defaultdict(list)
    for place in sorted(places, key=lambda place: place.offset):
        known = found[place.topic, place.partition]
        if known and place.offset - known[-1].stop < _NEAR:
            known[-1] = range(known[-1].start, place.offset + 1)
        else:
            known.append(range(place.offset, place.offset + 1))
    for turn in range(max(map(len, found.values()), default=0)):
        yield {partition: spans[turn] for partition, spans in found.items() if turn < len(spans)}


def _size(record: NewRecord) -> int:
    headers = sum(len(name.encode()) + len(value) + _PER_HEADER for name, value in record.headers)
    return len(record.key) + len(record.value or b"") + headers + _PER_RECORD
