"""What word lists say while a call goes on: a checklist that ticks off, and alerts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.insight import Evidence
from schemas.wire import CallEvent, CallFacts, Identifier, Milliseconds, Role, Wire


class ChecklistItem(Wire):
    """A phrase that one side must say, by when (ms of the call, where there is a time), and where it was said.

    One with ``when_outcome`` is only asked for where the call ends so. Of a phrase that was cut in two ``said`` is the
    later part.
    """

    name: Identifier
    title: Annotated[str, Field(min_length=1)]
    role: Role
    due_ms: Milliseconds | None = None
    when_outcome: Identifier | None = None
    said: Evidence | None = None


class ChecklistUpdated(CallEvent):
    """The whole checklist of a live call, each time that something of it changed."""

    event_name: ClassVar[str] = "checklist.updated"

    call: CallFacts = CallFacts()
    at_ms: Milliseconds
    items: tuple[ChecklistItem, ...]


class AlertKind(StrEnum):
    """Why somebody should look at a live call."""

    FORBIDDEN_PHRASE = "forbidden_phrase"
    SENSITIVE_WORD = "sensitive_word"
    OVERDUE_PHRASE = "overdue_phrase"


class CallAlert(CallEvent):
    """A rule that was broken, or a word that a person should look at, while the call is on: for agent and supervisor.

    An ``overdue_phrase`` was not said in its time and has no evidence. ``at_ms`` is where in the call it was noticed.
    """

    event_name: ClassVar[str] = "call.alert"

    alert_id: Identifier
    call: CallFacts = CallFacts()
    kind: AlertKind
    name: Identifier
    title: Annotated[str, Field(min_length=1)]
    at_ms: Milliseconds
    raised_at: AwareDatetime
    evidence: tuple[Evidence, ...] = ()
