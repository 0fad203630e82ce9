"""A stored transcript as a vCon, the IETF's JSON container for conversations (draft-ietf-vcon-vcon-core, 0.4.0)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from pipeline.ids import stable_id
from pipeline.store.answers import StoredTranscript
from schemas.transcript import Segment
from schemas.wire import Role

_SYNTAX: Final = "0.4.0"
_REDACTION: Final = "personal data"
Party = tuple[Role, int]
"""Who somebody is, and on which channel."""


def vcon(transcript: StoredTranscript) -> dict[str, Any]:
    """The call as a vCon without signature.

    Each segment is a dialog of type ``text``; an analysis of type ``transcript`` has the segments with the times of
    their words. ``redacted`` says that personal data was taken out. It counts as made when the call ended, so that the
    same call always gives the same vCon.
    """
    parties = list(dict.fromkeys(map(_party, transcript.segments)))
    ended_at = transcript.started_at + timedelta(milliseconds=transcript.duration_ms)
    return {
        "vcon": _SYNTAX,
        "uuid": stable_id("vcon", transcript.call_id, transcript.started_at.isoformat(), transcript.revision),
        "created_at": ended_at.isoformat(),
        "subject": transcript.call_id,
        "redacted": {"type": _REDACTION},
        "parties": [_described(party, transcript) for party in parties],
        "dialog": [_dialog(one, parties.index(_party(one)), transcript) for one in transcript.segments],
        "analysis": [_analysis(transcript)] if transcript.segments else [],
        "attachments": [],
    }


def _party(segment: Segment) -> Party:
    return segment.role, segment.channel


def _described(party: Party, transcript: StoredTranscript) -> dict[str, str]:
    """Names are pseudonyms, and nobody has checked whose they are."""
    role, _ = party
    name = {Role.AGENT: transcript.agent, Role.CUSTOMER: transcript.customer_id}.get(role)
    return {"role": str(role)} | ({"name": name, "validation": "none"} if name else {})


def _dialog(segment: Segment, party: int, transcript: StoredTranscript) -> dict[str, Any]:
    return {
        "type": "text",
        "start": (transcript.started_at + timedelta(milliseconds=segment.start_ms)).isoformat(),
        "duration": (segment.end_ms - segment.start_ms) / 1_000,
        "parties": [party],
        "mediatype": "text/plain",
        "body": segment.text,
        "encoding": "none",
    }


def _analysis(transcript: StoredTranscript) -> dict[str, Any]:
    body = {"language": transcript.language, "segments": [one.model_dump(mode="json") for one in transcript.segments]}
    return {
        "type": "transcript",
        "dialog": list(range(len(transcript.segments))),
        "mediatype": "application/json",
        "vendor": "convmine",
        "schema": "io.convmine.transcript.segment.v1",
        "body": json.dumps(body, ensure_ascii=False),
        "encoding": "json",
    }
