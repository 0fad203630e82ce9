"""Reference data in compacted topics, read whole at start and followed, and the request to forget a call."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from schemas.wire import Identifier, Payload, Share


class ScenarioPublished(Payload):
    """One version of a scenario; ``content`` is checked by the scenario's own schema when pushed and when picked up."""

    event_name: ClassVar[str] = "config.scenario"

    scenario: Identifier
    scenario_version: Annotated[int, Field(ge=1)]
    published_by: Identifier
    published_at: AwareDatetime
    content: dict[str, Any]


class PromptPublished(Payload):
    """The prompt version that a scenario and language run with."""

    event_name: ClassVar[str] = "config.prompt"

    scenario: Identifier
    language: Identifier
    prompt: Identifier
    prompt_version: Annotated[int, Field(ge=1)]
    published_by: Identifier
    published_at: AwareDatetime
    reason: str | None = None
    body: Annotated[str, Field(min_length=1)]


class CardPublished(Payload):
    """A playbook card with the statistics that rank it."""

    event_name: ClassVar[str] = "config.card"

    scenario: Identifier
    card_id: Identifier
    approved_by: Identifier | None = None
    shown: Annotated[int, Field(ge=0)] = 0
    accepted: Annotated[int, Field(ge=0)] = 0
    won_after_shown: Share | None = None


class ErasureRequested(Payload):
    """Forget a call, or all calls of a customer; every stage, cache and replay obeys."""

    event_name: ClassVar[str] = "privacy.erasure"

    erasure_id: Identifier
    call_id: Identifier | None = None
    customer_id: Identifier | None = None
    requested_by: Identifier
    requested_at: AwareDatetime

    @model_validator(mode="after")
    def _names_one_subject(self) -> ErasureRequested:
        if (self.call_id is None) == (self.customer_id is None):
            msg = "name either call_id or customer_id"
            raise ValueError(msg)
        return self
