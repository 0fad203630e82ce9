"""The installation within this process: what ``convmine demo --live`` runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.errors import ConvmineError
from pipeline.stages import REPLAYS, STAGES, Stage
from workers.dashboard.operations.plant import Progress
from workers.dead_letters import (
    DeadLetter,
    Replay,
    Wanted,
    mark_record,
    place_of,
    read_letter,
    read_mark,
    replayed_record,
)
from workers.in_process import InProcessBroker
from workers.records import Record
from workers.replays import Known, Outcome


class InProcessPlant:
    """A ``Plant`` on the broker of this process.

    Args:
        broker: has the topics.
        stages: those that run.
    """

    def __init__(self, broker: InProcessBroker, stages: Sequence[Stage] = STAGES) -> None:
        self._broker = broker
        self._stages = stages

    async def progress(self) -> Sequence[Progress]:
        broker = self._broker
        return [Progress(one.name, str(one.lane), broker.done(one), broker.lag(one)) for one in self._stages]

    async def letters(self, wanted: Wanted) -> Sequence[Known]:
        records = (record for topic in wanted.topics() for record in self._broker.records(topic))
        letters = (read_letter(record) for record in records)
        marks = self._marks()
        return [(letter, marks.get(letter.name)) for letter in letters if wanted.matches(letter)]

    async def letter(self, name: str) -> tuple[Known, Record]:
        record = self._record(name)
        return (read_letter(record), self._marks().get(name)), record

    async def replay(self, names: Sequence[str], *, by: str, again: bool) -> Sequence[Outcome]:
        found = [(read_letter(record), record) for record in map(self._record, names)]
        return [await self._replayed(letter, record, by, again=again) for letter, record in found]

    async def _replayed(self, letter: DeadLetter, record: Record, by: str, *, again: bool) -> Outcome:
        if letter.name in self._marks() and not again:
            return Outcome(letter, "skipped", reason="was replayed")
        new = replayed_record(record, partitions=self._broker.partitions)
        before = {one.position for one in self._broker.records(letter.topic)}
        await self._broker.publish([new])
        to = next(one.position for one in self._broker.records(letter.topic) if one.position not in before)
        mark = Replay(datetime.now(UTC), by, letter.topic, to.partition, to.offset, letter.at)
        await self._broker.publish([mark_record(letter, mark)])
        return Outcome(letter, "replayed", to.partition, to.offset)

    def _marks(self) -> dict[str, Replay]:
        marks = (read_mark(record) for record in self._broker.records(REPLAYS))
        return {name: replay for name, replay in marks if replay is not None}

    def _record(self, name: str) -> Record:
        place = place_of(name)
        for record in self._broker.records(place.topic):
            if record.position == place:
                return record
        raise ConvmineError(f"there is no dead letter {name}")
