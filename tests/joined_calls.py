"""Long conversations made by joining the sample calls, or the sample chats, one after the other."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from pipeline.extract.findings import Conversation
from pipeline.scenarios.load import shipped
from schemas.transcript import Segment

PAUSE_MS = 2_000
TURN_MS = 4_000


def joined_call(minutes: float, language: str = "en") -> Conversation:
    """So many minutes of the samples of a language, over and over; a turn that begins later is left out."""
    duration_ms = round(minutes * 60_000)
    segments = []
    for segment in _turns(language):
        if segment.start_ms >= duration_ms:
            break
        segments.append(segment)
    scenario = shipped("telecom")
    return Conversation(tuple(segments), duration_ms, scenario, scenario.edition(language), "acme:long")


def _turns(language: str) -> Iterator[Segment]:
    """Without an end; every sample begins after the last turn of the one before."""
    begin_ms = number = 0
    for sample in cycle(_samples(language)):
        end_ms = begin_ms
        for turn in sample:
            number += 1
            start_ms = begin_ms + turn.get("start_ms", turn.get("at_ms", 0))
            end_ms = max(end_ms, begin_ms + turn.get("end_ms", turn.get("at_ms", 0) + TURN_MS))
            yield Segment(
                segment_id=f"turn-{number}",
                role=turn["role"],
                start_ms=start_ms,
                end_ms=max(start_ms, end_ms),
                text=turn["text"],
            )
        begin_ms = end_ms + PAUSE_MS


def _samples(language: str) -> list[list[dict[str, Any]]]:
    folder = importlib.resources.files("pipeline.samples")
    kind, field = ("calls", "turns") if language == "en" else ("chats", "messages")
    files = sorted(folder.joinpath(kind).iterdir(), key=lambda file: file.name)
    told = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".json")]
    return [one[field] for one in told if one["language"] == language]
