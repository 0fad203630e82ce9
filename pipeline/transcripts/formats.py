"""A stored transcript as text in the formats that other programs read; what is masked stays masked in all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.moments import clock
from pipeline.store.answers import CallView, StoredTranscript
from pipeline.transcripts.cues import cues, one_by_one, printable
from pipeline.transcripts.vcon import vcon


def as_txt(transcript: StoredTranscript) -> str:
    """A line a segment: when it began (minutes and seconds), the role, the words."""
    return "".join(f"{clock(one.start_ms)}  {one.role:<8}  {printable(one.text)}\n" for one in transcript.segments)


def as_srt(transcript: StoredTranscript) -> str:
    """SubRip: numbered cues, none of which overlap.

    The format knows no escapes, and players take ``<`` for markup: it becomes a quotation mark that looks like it.
    """
    shown = one_by_one(cues(transcript.segments))
    return "".join(
        f"{number}\n{_srt_time(cue.start_ms)} --> {_srt_time(cue.end_ms)}\n"
        + _srt_text("\n".join((f"{cue.speaker}: {cue.lines[0]}", *cue.lines[1:])))
        + "\n\n"
        for number, cue in enumerate(shown, 1)
    )


def as_vtt(transcript: StoredTranscript) -> str:
    """WebVTT (W3C): each cue in the voice of who speaks; what is said at the same time overlaps, as it may."""
    return "WEBVTT\n" + "".join(
        f"\n{number}\n{_vtt_time(cue.start_ms)} --> {_vtt_time(cue.end_ms)}\n"
        f"<v {cue.speaker}>" + _escaped("\n".join(cue.lines)) + "</v>\n"
        for number, cue in enumerate(cues(transcript.segments), 1)
    )


def as_json(transcript: StoredTranscript) -> str:
    """The segments as they are stored, with when each word was said and what was masked."""
    return json.dumps(document(transcript), ensure_ascii=False, indent=2) + "\n"


def as_vcon(transcript: StoredTranscript, mined: CallView | None = None) -> str:
    """A vCon, unsigned, with what was ``mined`` of the call."""
    return json.dumps(vcon(transcript, mined), ensure_ascii=False, indent=2) + "\n"


def document(transcript: StoredTranscript) -> dict[str, Any]:
    """The transcript as JSON has it."""
    return {
        "call_id": transcript.call_id,
        "started_at": transcript.started_at.isoformat(),
        "language": transcript.language,
        "agent": transcript.agent,
        "customer_id": transcript.customer_id,
        "duration_ms": transcript.duration_ms,
        "revision": transcript.revision,
        "segments": [one.model_dump(mode="json") for one in transcript.segments],
    }


FORMATS: Final[Mapping[str, Callable[[StoredTranscript], str]]] = {
    "txt": as_txt,
    "srt": as_srt,
    "vtt": as_vtt,
    "json": as_json,
    "vcon": as_vcon,
}


def _srt_time(ms: int) -> str:
    return _vtt_time(ms).replace(".", ",")


def _vtt_time(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1_000 % 60:02}.{ms % 1_000:03}"


def _srt_text(text: str) -> str:
    return text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}").replace(
        ">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
