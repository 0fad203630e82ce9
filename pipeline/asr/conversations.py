"""One recording of many conversations, as that of a badge or a shift: where to cut it, and the events of the parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from pipeline.ids import stable_id
from pipeline.intervals import joined
from schemas.audio import Extent, RecordingAvailable

PAD_MS: Final = 1_000
"""Silence that is left around a conversation, for the detector and for who listens to it."""
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Spoken:
    """From when to when somebody speaks, on whichever channel, in ms of the recording."""

    start_ms: int
    end_ms: int


def at_silences(speech: Iterable[Spoken], silence_ms: int, duration_ms: int) -> tuple[Extent, ...]:
    """Conversations parted by at least so much time in which nobody speaks on any channel; in order, disjoint.

    Args:
        speech: in any order, may overlap.
        silence_ms: how long nobody speaks between two conversations.
        duration_ms: of the recording.
    """
    pad = min(PAD_MS, silence_ms // 2)
    return tuple(
        Extent(start_ms=max(0, start_ms - pad), end_ms=min(duration_ms, end_ms + pad))
        for start_ms, end_ms in joined(((it.start_ms, it.end_ms) for it in speech), silence_ms)
    )


def at_markers(speech: Iterable[Spoken], markers_ms: Iterable[int], duration_ms: int) -> tuple[Extent, ...]:
    """The parts between markers in which somebody speaks, from marker to marker; in order, disjoint.

    Args:
        speech: in any order, may overlap.
        markers_ms: where a conversation begins or ends; those outside the recording do not count.
        duration_ms: of the recording.
    """
    inside = {marker for marker in markers_ms if 0 < marker < duration_ms}
    edges = sorted({0, duration_ms} | inside)
    spoken = sorted(speech, key=lambda it: it.start_ms)
    return tuple(
        Extent(start_ms=start, end_ms=end)
        for start, end in pairwise(edges)
        if any(it.start_ms < end and it.end_ms > start for it in spoken)
    )


def children(event: RecordingAvailable, extents: Sequence[Extent]) -> tuple[RecordingAvailable, ...]:
    """The events of the conversations in a recording; the same extents give the same call ids again.

    Args:
        event: of the whole recording, or of an extent of it.
        extents: in order, in ms from where the event's own extent begins.
    """
    base_ms = event.extent.start_ms if event.extent else 0
    return tuple(_child(event, number, it, base_ms) for number, it in enumerate(extents, start=1))


def _child(event: RecordingAvailable, number: int, extent: Extent, base_ms: int) -> RecordingAvailable:
    start_ms, end_ms = base_ms + extent.start_ms, base_ms + extent.end_ms
    began = event.call.started_at and event.call.started_at + timedelta(milliseconds=extent.start_ms)
    return event.model_copy(
        update={
            "call_id": _child_id(event.call_id, number),
            "call": event.call.model_copy(update={"started_at": began}),
            "split": None,
            "markers_ms": (),
            "extent": Extent(start_ms=start_ms, end_ms=end_ms),
            "part_of": event.call_id,
        }
    )


def _child_id(call_id: str, number: int) -> str:
    found = f"{call_id}.{number:03}"
    return found if len(found) <= _LONGEST_ID else stable_id("part", call_id, number)
