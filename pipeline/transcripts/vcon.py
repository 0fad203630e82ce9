"""A stored call as a vCon, the IETF's JSON container for conversations (draft-ietf-vcon-vcon-core, 0.4.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from pipeline.ids import stable_id
from pipeline.store.answers import CallView, StoredTranscript
from schemas.envelope import dataschema_of, encode
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Role

VENDOR: Final = "convmine"
TRANSCRIPT: Final = dataschema_of(TranscriptCompleted)
"""The ``schema`` of our transcript: its body is the event of that name, so that it comes back as it was."""
INSIGHT: Final = "urn:convmine:export:call:1.0"
"""The ``schema`` of what was mined."""
_SYNTAX: Final = "0.4.0"
_REDACTION: Final = "personal data"
_MINED: Final = (
    "intents", "entities", "objections", "follow_ups", "compliance", "tone_turns", "talk",
)  # fmt: skip
_OUTCOMES: Final = ("outcome_inferred", "outcome_observed")
Party = tuple[Role, int]
"""Who somebody is, and on which channel."""


def vcon(transcript: StoredTranscript, mined: CallView | None = None) -> dict[str, Any]:
    """The call as a vCon without signature.

    Each segment is a dialog of type ``text``; an analysis of type ``transcript`` has the whole transcript with the
    times of its words and what is known of the call from outside. Of a call that was ``mined`` there are besides an
    analysis of type ``summary`` (plain text) and one of type ``report``: intents with the words that they stand on,
    entities, objections, follow-ups, compliance, tone, outcome. ``redacted`` says that personal data was taken out. It
    counts as made when the call ended, so that the same call always gives the same vCon.
    """
    parties = list(dict.fromkeys(map(_party, transcript.segments)))
    ended_at = transcript.started_at + timedelta(milliseconds=transcript.duration_ms)
    facts = _facts(transcript, mined)
    spoken = list(range(len(transcript.segments)))
    analysis = [_transcript(transcript, facts, spoken)] if transcript.segments else []
    return {
        "vcon": _SYNTAX,
        "uuid": stable_id("vcon", transcript.call_id, transcript.started_at.isoformat(), transcript.revision),
        "created_at": ended_at.isoformat(),
        "subject": transcript.call_id,
        "redacted": {"type": _REDACTION},
        "parties": [_described(party, transcript) for party in parties],
        "dialog": [_dialog(one, parties.index(_party(one)), transcript) for one in transcript.segments],
        "analysis": [*analysis, *([] if mined is None else _findings(mined, spoken))],
        "attachments": [],
    }


def _facts(transcript: StoredTranscript, mined: CallView | None) -> CallFacts:
    known: Mapping[str, Any] = {} if mined is None else mined.facts
    return CallFacts(
        scenario=transcript.scenario,
        language=transcript.language,
        agent=transcript.agent,
        customer_id=transcript.customer_id,
        started_at=transcript.started_at,
        **{name: known.get(name) for name in ("direction", "team", "queue", "campaign", "consent")},
    )


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


def _transcript(transcript: StoredTranscript, facts: CallFacts, spoken: list[int]) -> dict[str, Any]:
    event = transcript.as_event().model_copy(update={"call": facts})
    return _analysis("transcript", spoken, TRANSCRIPT, encode(event).decode())


def _findings(mined: CallView, spoken: list[int]) -> list[dict[str, Any]]:
    """The summary and what else was mined; nothing of what there is nothing."""
    found = asdict(mined)
    row = found["row"]
    report = {
        "call_id": row["call_id"],
        **{name: row[name] for name in _OUTCOMES if row[name]},
        **{name: found[name] for name in _MINED if found[name]},
    }
    summary = {
        "type": "summary",
        "dialog": spoken,
        "mediatype": "text/plain",
        "vendor": VENDOR,
        "body": mined.summary,
        "encoding": "none",
    }
    text = json.dumps(report, ensure_ascii=False)
    return [
        *([summary] if mined.summary else []),
        *([_analysis("report", spoken, INSIGHT, text)] if len(report) > 1 else []),
    ]


def _analysis(kind: str, spoken: list[int], schema: str, body: str) -> dict[str, Any]:
    """The body is JSON in a string, which readers of every version of the draft take."""
    return {
        "type": kind,
        "dialog": spoken,
        "mediatype": "application/json",
        "vendor": VENDOR,
        "schema": schema,
        "body": body,
        "encoding": "json",
    }
