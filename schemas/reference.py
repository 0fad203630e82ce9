"""Reference data in compacted topics, read whole at start and followed, and the request to forget a call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field, model_validator

from schemas.wire import Count, Identifier, Payload, Wire, is_empty


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

    ``scenarios`` are versions by scenario, of the tenant of the event; ``cards`` those of the cards that were published
    by themselves, by ``scenario:language:card``.
    """

    event_name: ClassVar[str] = "config.running"
    version: ClassVar[tuple[int, int]] = (1, 1)

    worker: Identifier
    stages: tuple[Identifier, ...]
    started_at: AwareDatetime
    seen_at: AwareDatetime
    scenarios: Mapping[str, int] = Field(default_factory=dict)
    prompts: tuple[RunningPrompt, ...] = ()
    refused: tuple[RefusedConfig, ...] = ()
    cards: Annotated[Mapping[str, int], Field(exclude_if=is_empty)] = Field(default_factory=dict)


class CardStatus(StrEnum):
    """Whether a card is still written, may be shown, or is shown no more."""

    DRAFT = "draft"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class CardVersion(Wire):
    """A version of a card that was shown before, who wrote it and who approved it."""

    card_version: Annotated[int, Field(ge=1)]
    written_by: Identifier
    approved_by: Identifier
    approved_at: AwareDatetime
    reason: str | None = None
    content: dict[str, Any]


class CardPublished(Payload):
    """A playbook card by itself: it stands in the place of the scenario's card of the same id, or beside its cards.

    ``content`` is checked by the scenario's own schema of a card when published and when picked up. Only an approved
    card is shown; one that is withdrawn takes the scenario's own of that id with it. A draft has a record of its own
    beside it (its key ends in ``:draft``), so that what is approved stays shown while it is written; its content names
    nobody in ``approved_by``. The number grows with every change. ``earlier`` are those that were shown, newest first.
    """

    event_name: ClassVar[str] = "config.card"

    scenario: Identifier
    language: Identifier
    card_id: Identifier
    card_version: Annotated[int, Field(ge=1)]
    status: CardStatus
    published_by: Identifier
    published_at: AwareDatetime
    written_by: Identifier
    approved_by: Identifier | None = None
    reason: str | None = None
    content: dict[str, Any]
    earlier: Annotated[tuple[CardVersion, ...], Field(exclude_if=is_empty)] = ()

    @model_validator(mode="after")
    def _approved_by_somebody(self) -> CardPublished:
        if (self.status is CardStatus.APPROVED) != (self.approved_by is not None):
            msg = "an approved card names who approved it, and no other does"
            raise ValueError(msg)
        return self


class CardStatistics(Payload):
    """What became of a card's suggestions, counted anew each time; of calls whose outcome was observed, how they ended.

    ``shown`` are suggestions of which it is known that an agent saw them.
    """

    event_name: ClassVar[str] = "config.card.statistics"

    scenario: Identifier
    language: Identifier
    card_id: Identifier
    shown: Count
    accepted: Count
    edited: Count
    dismissed: Count
    won: Count = 0
    lost: Count = 0
    counted_at: AwareDatetime


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
