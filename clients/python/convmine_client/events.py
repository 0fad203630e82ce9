"""Events for Kafka as convmine reads them: CloudEvents 1.0 in binary mode, with a JSON value.

Nothing here masks: what stands in a message is published as it is given, and stored so. Pseudonyms go into ``agent``
and ``customer_id``. The same event made again has the same ``ce_id``, and counts once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, TypedDict
from uuid import UUID, uuid5

Role = Literal["agent", "customer", "supervisor", "unknown"]
Result = Literal["won", "lost", "open"]
_CHATS = "calls.transcripts.live"
_NAMESPACE = UUID("2b2f4f0e-58d4-5a4b-9b43-0c7c8f1a6d55")


class CallFacts(TypedDict, total=False):
    """What is known of a call from outside; ``started_at`` is ISO 8601 with its zone."""

    scenario: str
    language: str
    direction: Literal["inbound", "outbound"]
    agent: str
    team: str
    queue: str
    campaign: str
    customer_id: str
    consent: bool
    started_at: str


class Channel(TypedDict, total=False):
    """One audio channel, counted from 0, and who is on it; both ``index`` and ``role`` are needed."""

    index: int
    role: Role
    party: str


@dataclass(frozen=True)
class Event:
    """A record to be written: its topic without the installation's prefix, its key, its value and its headers."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Source:
    """Who publishes: a tenant's system. ``name`` is a URI reference such as ``/recorder/north``."""

    tenant: str
    name: str

    def recording(  # noqa: PLR0913 - the fields of the event, each named
        self,
        call_id: str,
        dataref: str,
        *,
        at: datetime,
        sha256: str | None = None,
        channels: Sequence[Channel] = (),
        call: CallFacts | None = None,
        revision: int = 1,
    ) -> Event:
        """A finished recording lies at ``dataref``, a URI that workers may read; ``sha256`` is of its bytes, in hex."""
        value = {"dataref": dataref, "sha256": sha256, "channels": list(channels), "revision": revision}
        return self._event("call.recording.available", "calls.recordings", call_id, at, {**value, "call": call})

    def started(self, call_id: str, *, at: datetime, call: CallFacts | None = None) -> Event:
        """A conversation in text has begun."""
        return self._event("call.started", _CHATS, call_id, at, {"call": call})

    def message(  # noqa: PLR0913 - likewise
        self,
        call_id: str,
        message_id: str,
        role: Role,
        text: str,
        *,
        at: datetime,
        call: CallFacts | None = None,
    ) -> Event:
        """One message of it, sent at ``at``."""
        value = {"message_id": message_id, "role": role, "sent_at": _written(at), "text": text, "call": call}
        return self._event("conversation.message", _CHATS, call_id, at, value)

    def ended(self, call_id: str, *, at: datetime, duration_ms: int | None = None, reason: str | None = None) -> Event:
        """It is over."""
        return self._event("call.ended", _CHATS, call_id, at, {"duration_ms": duration_ms, "reason": reason})

    def outcome(self, call_id: str, name: str, result: Result, *, at: datetime, observed_by: str) -> Event:
        """How a call ended, as a CRM or a person observed it at ``at``; the last observed counts."""
        value = {"name": name, "result": result, "observed_at": _written(at), "observed_by": observed_by}
        return self._event("call.outcome", "calls.outcomes", call_id, at, value)

    def _event(self, name: str, topic: str, call_id: str, at: datetime, given: Mapping[str, Any]) -> Event:
        value = json.dumps(
            {"call_id": call_id, **{field: one for field, one in given.items() if one is not None}},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        key = f"{self.tenant}:{call_id}"
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid5(_NAMESPACE, f"{self.tenant}\x1f{name}\x1f{value}")),
            "ce_source": self.name,
            "ce_type": f"io.convmine.{name}.v1",
            "ce_time": _written(at),
            "ce_subject": call_id,
            "ce_partitionkey": key,
            "ce_tenantid": self.tenant,
            "ce_dataschema": f"urn:convmine:schema:{name}:1.0",
            "content-type": "application/json",
        }
        return Event(
            topic, key.encode(), value.encode(), tuple((one, text.encode()) for one, text in attributes.items())
        )


def _written(at: datetime) -> str:
    """An instant in UTC.

    Raises:
        ValueError: it has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(timezone.utc).isoformat()
