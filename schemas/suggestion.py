"""Advice to the agent: made, withdrawn, and what the agent did with it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.insight import Evidence
from schemas.wire import CallEvent, CallFacts, Identifier, Lane, Language, Milliseconds, Wire


class Passage(Wire):
    """A piece of the knowledge base that backs a suggestion."""

    passage_id: Identifier
    source: str
    title: str
    text: str


class SuggestionKind(StrEnum):
    """Whether it is a playbook card, or a passage of the knowledge base that answers a question."""

    CARD = "card"
    KNOWLEDGE = "knowledge"


class SuggestionCreated(CallEvent):
    """Advice that fits this moment of this call; it goes to the agent and never to the customer.

    ``card_id`` of a passage is ``kb:`` and its id, and ``approved_by`` who brought it into the knowledge base.
    ``phrased_by`` is the model that worded ``text``, where it is not the card's own wording; ``explored`` says that it
    was chosen to learn how it does, and not because it does best. ``scenario`` and ``language`` are those of the
    playbook that it comes from, by which cards are counted; what is known of the call may name others, or none.
    """

    event_name: ClassVar[str] = "suggestion.created"
    version: ClassVar[tuple[int, int]] = (1, 1)

    suggestion_id: Identifier
    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    lane: Lane
    card_id: Identifier
    title: str
    text: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    priority: Annotated[int, Field(ge=0, le=100)]
    approved_by: Annotated[str, Field(min_length=1)]
    at_ms: Milliseconds
    created_at: AwareDatetime
    expires_at: AwareDatetime
    evidence: tuple[Evidence, ...] = ()
    passages: tuple[Passage, ...] = ()
    kind: SuggestionKind = SuggestionKind.CARD
    phrased_by: str | None = None
    explored: bool = False
    scenario: Identifier | None = None
    language: Language | None = None


class SuggestionWithdrawn(CallEvent):
    """The conversation has overtaken a suggestion."""

    event_name: ClassVar[str] = "suggestion.withdrawn"

    suggestion_id: Identifier
    reason: str


class FeedbackKind(StrEnum):
    """What became of a suggestion on the agent's screen."""

    SHOWN = "shown"
    ACCEPTED = "accepted"
    EDITED = "edited"
    DISMISSED = "dismissed"


class SuggestionFeedback(CallEvent):
    """What the agent did with a suggestion."""

    event_name: ClassVar[str] = "suggestion.feedback"

    suggestion_id: Identifier
    card_id: Identifier
    agent: Identifier
    kind: FeedbackKind
    at: AwareDatetime
    text: str | None = None
