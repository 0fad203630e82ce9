"""Reference data in compacted topics, read whole at start and followed, and the request to forget a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from schemas.wire import Identifier, Payload, Share, Wire, is_empty


class ScenarioPublished(Payload):
    """One version of a scenario; ``content`` is checked by the scenario's own schema when pushed and when picked up."""

    event_name: ClassVar[str] = "config.scenario"

    scenario: Identifier
    scenario_version: Annotated[int, Field(ge=1)]
    published_by: Identifier
    published_at: AwareDatetime
    content: dict[str, Any]


class PromptVersion(Wire):
    """A prompt that once ran: its whole file, who published it and when.

    A roll-back does not go to a version that was ``rolled_back`` itself, unless that one is named.
    """

    prompt_version: Annotated[int, Field(ge=1)]
    body: Annotated[str, Field(min_length=1)]
    published_by: Identifier
    published_at: AwareDatetime
    reason: str | None = None
    rolled_back: bool = False


class PromptChallenger(Wire):
    """Another version that a share of the calls is mined with, to compare the two; which calls, their ids decide."""

    prompt_version: Annotated[int, Field(ge=1)]
    body: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(gt=0, lt=1)]


class PromptPublished(Payload):
    """The prompt version that a scenario and language run with; ``body`` is its whole file.

    ``earlier`` are those that ran before, newest first, so that a roll-back needs nothing but this record.
    """

    event_name: ClassVar[str] = "config.prompt"

    scenario: Identifier
    language: Identifier
    prompt: Identifier
    prompt_version: Annotated[int, Field(ge=1)]
    published_by: Identifier
    published_at: AwareDatetime
    reason: str | None = None
    body: Annotated[str, Field(min_length=1)]
    challenger: PromptChallenger | None = None
    earlier: Annotated[tuple[PromptVersion, ...], Field(exclude_if=is_empty)] = ()


class RunningPrompt(Wire):
    """The version of a prompt that a worker runs, and the one that it runs beside it."""

    scenario: Identifier
    language: Identifier
    prompt: Identifier
    prompt_version: Annotated[int, Field(ge=1)]
    challenger_version: Annotated[int, Field(ge=1)] | None = None


class RefusedConfig(Wire):
    """What a worker did not take up, and why; it goes on with the last good one."""

    what: Identifier
    reason: str


class ConfigRunning(Payload):
    """What one worker process runs; said again at every change, and every so often while it lives.

    ``scenarios`` are versions by scenario, of the tenant of the event.
    """

    event_name: ClassVar[str] = "config.running"

    worker: Identifier
    stages: tuple[Identifier, ...]
    started_at: AwareDatetime
    seen_at: AwareDatetime
    scenarios: Mapping[str, int] = Field(default_factory=dict)
    prompts: tuple[RunningPrompt, ...] = ()
    refused: tuple[RefusedConfig, ...] = ()


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
