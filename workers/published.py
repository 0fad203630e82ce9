"""What a tenant has published of its scenarios, prompts and cards, as it stands in their topics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pipeline.errors import ConvmineError, Poison
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library
from pipeline.settings import Settings
from pipeline.stages import CARDS, PROMPTS, SCENARIOS
from pipeline.store.card_statistics import STATISTICS
from schemas.envelope import message
from schemas.reference import CardPublished, CardStatistics, CardStatus, PromptPublished, ScenarioPublished
from schemas.wire import Payload
from workers.edge import Edge, Spans
from workers.records import NewRecord, Record, read_event, write_event

P = TypeVar("P", bound=Payload)

_SOURCE: Final = "/convmine/cli"

DRAFT: Final = "draft"
"""What the key of a card's draft ends with: it has a record of its own beside the card's, and so have its figures."""

PromptName = tuple[str, str, str]
CardName = tuple[str, str, str]
"""Scenario, language and id."""
Configuration = ScenarioPublished | PromptPublished | CardPublished | CardStatistics


@dataclass(frozen=True, slots=True)
class Published:
    """The last readable record of each scenario, prompt and card; a null value has taken one back."""

    tenant: str
    scenarios: Mapping[str, ScenarioPublished] = field(default_factory=dict)
    prompts: Mapping[PromptName, PromptPublished] = field(default_factory=dict)
    cards: Mapping[CardName, CardPublished] = field(default_factory=dict)
    drafts: Mapping[CardName, CardPublished] = field(default_factory=dict)
    statistics: Mapping[CardName, CardStatistics] = field(default_factory=dict)

    def take_scenarios(self, library: Library) -> None:
        """Have a library run these scenarios; what is not valid is left out, as workers leave it out."""
        _take(library.take_scenario, self.tenant, self.scenarios.values())

    def take_prompts(self, library: Library) -> None:
        """Have a library that has the scenarios run these prompts; what is not valid is left out."""
        _take(library.take_prompt, self.tenant, self.prompts.values())

    def take_cards(self, library: Library) -> None:
        """Have a library that has the scenarios show these cards; what is not valid is left out."""
        _take(library.take_card, self.tenant, self.cards.values())


def spans_of(
    edge: Edge, settings: Settings, topics: Sequence[str] = (SCENARIOS, PROMPTS), *, settled: bool = True
) -> Spans:
    """What these topics hold now.

    Raises:
        ConvmineError: one is missing.
    """
    spans = edge.spans(topics, settled=settled)
    for topic in topics:
        if not any(name == topic for name, _ in spans):
            raise ConvmineError(
                f"Kafka at {settings.kafka.bootstrap_servers} has no topic {topic}", hint="run: convmine topics apply"
            )
    return spans


def published_in(records: Iterable[Record], tenant: str) -> Published:
    """What these records leave of a tenant; those of a key are in order, and say what their key says."""
    found: dict[tuple[str, bytes], Configuration] = {}
    for record in records:
        key = record.key or b""
        if record.value is None:
            found.pop((record.topic, key), None)
        elif isinstance(one := _payload(record), Configuration) and key == key_of(tenant, one):
            found[record.topic, key] = one
    all_ = found.values()
    cards = [one for one in all_ if isinstance(one, CardPublished)]
    return Published(
        tenant,
        {one.scenario: one for one in all_ if isinstance(one, ScenarioPublished)},
        {prompt_name(one): one for one in all_ if isinstance(one, PromptPublished)},
        {card_name(one): one for one in cards if one.status is not CardStatus.DRAFT},
        {card_name(one): one for one in cards if one.status is CardStatus.DRAFT},
        {card_name(one): one for one in all_ if isinstance(one, CardStatistics)},
    )


def scenario_record(tenant: str, published: ScenarioPublished) -> NewRecord:
    """The record that publishes a version of a scenario."""
    return _record(tenant, SCENARIOS, published, published.scenario)


def prompt_record(tenant: str, published: PromptPublished) -> NewRecord:
    """The record that publishes what runs of a prompt."""
    return _record(tenant, PROMPTS, published, published.scenario)


def card_record(tenant: str, published: CardPublished) -> NewRecord:
    """The record that publishes a card, or a draft of it."""
    return _record(tenant, CARDS, published, published.card_id)


def dropped_draft(tenant: str, name: CardName) -> NewRecord:
    """The record that takes away the draft of a card."""
    return NewRecord(CARDS, _joined(tenant, (*name, DRAFT)), None, ())


def withdrawn_prompt(tenant: str, name: PromptName) -> NewRecord:
    """The record that takes back what was published of a prompt."""
    return NewRecord(PROMPTS, _joined(tenant, name), None, ())


def prompt_name(published: PromptPublished) -> PromptName:
    """What tells a prompt from the others of a tenant."""
    return (published.scenario, published.language, published.prompt)


def card_name(published: CardPublished | CardStatistics) -> CardName:
    """What tells a card from the others of a tenant."""
    return (published.scenario, published.language, published.card_id)


def key_of(tenant: str, published: Configuration) -> bytes:
    """The key of the record that publishes this."""
    return _joined(tenant, _parts(published))


def _parts(published: Configuration) -> tuple[str, ...]:
    match published:
        case ScenarioPublished():
            return (published.scenario,)
        case PromptPublished():
            return prompt_name(published)
        case CardStatistics():
            return (*card_name(published), STATISTICS)
        case CardPublished(status=CardStatus.DRAFT):
            return (*card_name(published), DRAFT)
        case CardPublished():
            return card_name(published)


def _record(
    tenant: str, topic: str, payload: ScenarioPublished | PromptPublished | CardPublished, subject: str
) -> NewRecord:
    event = message(
        payload,
        id=stable_id(payload.event_name, tenant, *_parts(payload), payload.published_at.isoformat()),
        source=_SOURCE,
        time=payload.published_at,
        subject=subject,
        tenant_id=tenant,
        key=key_of(tenant, payload).decode(),
    )
    return write_event(Outbound(topic, event))


def _joined(tenant: str, name: tuple[str, ...]) -> bytes:
    return ":".join((tenant, *name)).encode()


def _payload(record: Record) -> Payload | None:
    """The event in a record; None where there is none that can be read."""
    try:
        inbound = read_event(record)
    except Poison:
        return None
    return inbound.payload if inbound else None


def _take(take: Callable[[str, P], object], tenant: str, published: Iterable[P]) -> None:
    for one in published:
        with suppress(ScenarioError):
            take(tenant, one)
