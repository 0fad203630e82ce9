"""The sample calls and chats with the intents of their turns, as transcripts of their references or of their audio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.evaluate.intents import LabelledTurn
from pipeline.ports import AsrEngine
from pipeline.settings import AudioSettings
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Role


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A call whose turns are labelled; ``audio`` is None for a text conversation."""

    transcript: TranscriptCompleted
    turns: tuple[LabelledTurn, ...]
    held_out: bool
    audio: Path | None = None
    roles: tuple[Role, ...] = ()


def labelled_samples(folder: Path) -> list[LabelledCall]:
    """The calls under ``calls`` and the chats under ``chats``, in order of their names."""
    return [*_calls(folder / "calls"), *_chats(folder / "chats")]


async def heard(call: LabelledCall, engine: AsrEngine, settings: AudioSettings) -> LabelledCall:
    """The same call with the transcript that an engine makes of its audio, cut and heard as the asr stage does it."""
    from pipeline.asr.decode import Limits, decode
    from pipeline.asr.transcribe import transcribe
    from pipeline.asr.vad import RATE_HZ, rules_of

    assert call.audio is not None
    limits = Limits(settings.max_duration_s)
    audio = await asyncio.to_thread(decode, call.audio, sample_rate_hz=RATE_HZ, limits=limits)
    spans = await transcribe(audio, engine, rules_of(settings), call.transcript.language)
    segments = tuple(
        Segment(
            segment_id=f"{call.transcript.call_id}-{number}",
            channel=span.channel,
            role=call.roles[span.channel],
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            text=span.recognition.text,
        )
        for number, span in enumerate(spans)
        if span.recognition.text.strip()
    )
    return replace(call, transcript=call.transcript.model_copy(update={"segments": segments, "engine": engine.name}))


def _calls(folder: Path) -> Iterator[LabelledCall]:
    for path in sorted(folder.glob("*.json")):
        call = _json(path)
        roles = {channel["index"]: Role(channel["role"]) for channel in call["channels"]}
        yield LabelledCall(
            transcript=_transcript(call, call["turns"], int(call["duration_ms"])),
            turns=_labels(call["turns"]),
            held_out=bool(call["held_out"]),
            audio=path.with_suffix(".ogg"),
            roles=tuple(roles[index] for index in sorted(roles)),
        )


def _chats(folder: Path) -> Iterator[LabelledCall]:
    for path in sorted(folder.glob("*.json")):
        call = _json(path)
        turns = [{**message, "start_ms": message["at_ms"], "end_ms": message["at_ms"]} for message in call["messages"]]
        yield LabelledCall(
            transcript=_transcript(call, turns, max(turn["end_ms"] for turn in turns)),
            turns=_labels(turns),
            held_out=bool(call["held_out"]),
        )


def _transcript(call: dict[str, Any], turns: list[dict[str, Any]], duration_ms: int) -> TranscriptCompleted:
    segments = tuple(
        Segment(
            segment_id=f"{call['call_id']}-{number}",
            channel=turn.get("channel", 0),
            role=turn["role"],
            start_ms=turn["start_ms"],
            end_ms=turn["end_ms"],
            text=turn["text"],
        )
        for number, turn in enumerate(turns)
    )
    return TranscriptCompleted(
        call_id=call["call_id"],
        call=CallFacts(scenario=call["scenario"], language=call["language"]),
        language=call["language"],
        duration_ms=duration_ms,
        engine="reference",
        segments=segments,
    )


def _labels(turns: list[dict[str, Any]]) -> tuple[LabelledTurn, ...]:
    return tuple(
        LabelledTurn(Role(turn["role"]), turn["start_ms"], turn["end_ms"], tuple(turn.get("intents", ())))
        for turn in turns
    )


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
