"""The installation on Kafka; kafka-python waits, so that each look is a thread's work."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from pipeline.privacy.sealing import Seal
from pipeline.settings import KafkaSettings
from workers.dashboard.operations.plant import Progress
from workers.dead_letters import Wanted, place_of
from workers.edge import Edge
from workers.records import Record
from workers.replays import DeadLetters, Known, Outcome, Pace


class KafkaPlant:
    """A ``Plant`` on the broker that the settings name.

    Args:
        settings: where it is.
        seal: opens what was sealed of dead letters.
    """

    def __init__(self, settings: KafkaSettings, seal: Seal) -> None:
        self._settings = settings
        self._seal = seal

    async def progress(self) -> Sequence[Progress]:
        return await asyncio.to_thread(self._progress)

    async def letters(self, wanted: Wanted) -> Sequence[Known]:
        return await asyncio.to_thread(lambda: list(self._letters().wanted(wanted)))

    async def letter(self, name: str) -> tuple[Known, Record]:
        return await asyncio.to_thread(self._letter, name)

    async def replay(self, names: Sequence[str], *, by: str, again: bool) -> Sequence[Outcome]:
        return await asyncio.to_thread(self._replay, names, by, again=again)

    def _progress(self) -> list[Progress]:
        done: dict[tuple[str, str], int] = defaultdict(int)
        waiting: dict[tuple[str, str], int] = defaultdict(int)
        for row in Edge(self._settings).lag():
            done[row.stage, row.lane] += row.committed or 0
            waiting[row.stage, row.lane] += row.behind
        return [Progress(*stage, done[stage], waiting[stage]) for stage in done]

    def _letter(self, name: str) -> tuple[Known, Record]:
        place = place_of(name)
        (known,) = self._letters().at([place])
        return known, self._letters().record(place)

    def _replay(self, names: Sequence[str], by: str, *, again: bool) -> list[Outcome]:
        theirs, outcomes = self._letters(by), list[Outcome]()
        letters = [letter for letter, _ in theirs.at(map(place_of, names))]
        letters.sort(key=lambda letter: (letter.at, letter.place.offset))
        theirs.replay(letters, again=again, pace=Pace(), told=outcomes.extend)
        return outcomes

    def _letters(self, by: str | None = None) -> DeadLetters:
        return DeadLetters(self._settings, self._seal, by)
