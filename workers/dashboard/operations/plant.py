"""What the page of operations asks of the installation that it looks at: on Kafka, or within this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workers.dead_letters import Wanted
from workers.records import Record
from workers.replays import Known, Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: events that it has done since its topics were made, and those that wait for it."""

    stage: str
    lane: str
    done: int
    waiting: int


class Plant(Protocol):
    """An installation.

    Raises:
        Retryable: the broker is away.
        ConvmineError: a topic is missing.
    """

    async def progress(self) -> Sequence[Progress]:
        """Every stage of both lanes."""

    async def letters(self, wanted: Wanted) -> Sequence[Known]:
        """The dead letters that are asked for."""

    async def letter(self, name: str) -> tuple[Known, Record]:
        """One of them with its original.

        Raises:
            ConvmineError: there is none of this name.
        """

    async def replay(self, names: Sequence[str], *, by: str, again: bool) -> Sequence[Outcome]:
        """Publish these again, each once unless ``again``, in somebody's name."""
