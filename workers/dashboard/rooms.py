"""The rooms of the dashboard, put together: what its pages ask besides the gateway's questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from pipeline.asr.fetch import build_store
from pipeline.scenarios.model import Scenarios
from pipeline.settings import Settings
from workers.dashboard.desk.titles import titles_room
from workers.dashboard.drawing.room import add_drawing
from workers.dashboard.floor.room import floor_of
from workers.dashboard.operations.course import Watch
from workers.dashboard.operations.knowledge import KnowledgeWatch
from workers.dashboard.operations.plant import Plant
from workers.dashboard.operations.room import Operations, add_operations
from workers.dashboard.recordings.copies import Copies
from workers.dashboard.recordings.finding import NamedRecordings, NoRecordings, Recordings
from workers.dashboard.recordings.room import recordings_room
from workers.gateway.app import Room
from workers.gateway.opened import Opened
from workers.gateway.outgoing.reading import Streams
from workers.gateway.pages import AnswersTo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rooms look at beside store and streams, which is another on Kafka than within one process.

    ``scenarios`` are those that the stages run with, ``workbench`` is the room where they are changed.
    """

    plant: Plant
    recordings: Recordings
    scenarios: Scenarios
    workbench: Room


def rooms_of(settings: Settings, asked: Opened, streams: Streams, around: Surroundings) -> Sequence[Room]:
    """All rooms, over what was opened for questions and streams."""
    ours, auditing = settings.dashboard, asked.auditing
    operations = Operations(
        around.plant, Watch(around.plant), asked.ledger, KnowledgeWatch(asked.store), auditing, settings.tenant
    )
    copies = Copies(build_store(settings.audio), max_bytes=ours.recordings_bytes)

    def operations_room(router: APIRouter, answers_to: AnswersTo) -> None:
        add_operations(router, operations, answers_to)

    return (
        floor_of(streams, ours.quiet_s),
        titles_room(around.scenarios),
        add_drawing,
        recordings_room(around.recordings, copies, auditing),
        operations_room,
        around.workbench,
    )


def recordings_of(settings: Settings) -> Recordings:
    """Where the recordings of calls lie, as it is set.

    Raises:
        Config: the setting does not say where the recording of a call lies.
    """
    pattern = settings.dashboard.recordings
    return NoRecordings() if pattern is None else NamedRecordings(pattern)
