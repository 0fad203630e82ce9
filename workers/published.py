"""What a tenant has published of its scenarios and prompts, as it stands in their topics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pipeline.errors import ConvmineError, Poison
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library
from pipeline.settings import Settings
from pipeline.stages import PROMPTS, SCENARIOS
from schemas.envelope import message
from schemas.reference import PromptPublished, ScenarioPublished
from schemas.wire import Payload
from workers.edge import Edge, Spans
from workers.records import NewRecord, Record, read_event, write_event

P = TypeVar("P", bound=Payload)

_SOURCE: Final = "/convmine/cli"

PromptName = tuple[str, str, str]
"""Scenario, language and id."""


@dataclass(frozen=True, slots=True)
class Published:
    """The last readable record of each scenario and of each prompt; a null value has taken one back."""

    tenant: str
    scenarios: Mapping[str, ScenarioPublished] = field(default_factory=dict)
    prompts: Mapping[PromptName, PromptPublished] = field(default_factory=dict)

    def take_scenarios(self, library: Library) -> None:
        """Have a library run these scenarios; what is not valid is left out, as workers leave it out."""
        _take(library.take_scenario, self.tenant, self.scenarios.values())

    def take_prompts(self, library: Library) -> None:
        """Have a library that has the scenarios run these prompts; what is not valid is left out."""
        _take(library.take_prompt, self.tenant, self.prompts.values())


def spans_of(edge: Edge, settings: Settings, *, settled: bool = True) -> Spans:
    """What the two topics hold now.

    Raises:
        ConvmineError: one is missing.
    """
    spans = edge.spans([SCENARIOS, PROMPTS], settled=settled)
    for topic in (SCENARIOS, PROMPTS):
        if not any(name == topic for name, _ in spans):
            raise ConvmineError(
                f"Kafka at {settings.kafka.bootstrap_servers} has no topic {topic}", hint="run: convmine topics apply"
            )
    return spans


def published_in(records: Iterable[Record], tenant: str) -> Published:
    """What these records leave of a tenant; those of a key are in order, and say what their key says."""
    scenarios: dict[bytes, ScenarioPublished] = {}
    prompts: dict[bytes, PromptPublished] = {}
    for record in records:
        key = record.key or b""
        if record.value is None:
            scenarios.pop(key, None)
            prompts.pop(key, None)
        match _payload(record):
            case ScenarioPublished() as one if key == _key(tenant, (one.scenario,)):
                scenarios[key] = one
            case PromptPublished() as one if key == _key(tenant, prompt_name(one)):
                prompts[key] = one
    return Published(
        tenant,
        {one.scenario: one for one in scenarios.values()},
        {prompt_name(one): one for one in prompts.values()},
    )


def scenario_record(tenant: str, published: ScenarioPublished) -> NewRecord:
    """The record that publishes a version of a scenario."""
    return _record(tenant, SCENARIOS, published, (published.scenario,))


def prompt_record(tenant: str, published: PromptPublished) -> NewRecord:
    """The record that publishes what runs of a prompt."""
    return _record(tenant, PROMPTS, published, prompt_name(published))


def withdrawn_prompt(tenant: str, name: PromptName) -> NewRecord:
    """The record that takes back what was published of a prompt."""
    return NewRecord(PROMPTS, _key(tenant, name), None, ())


def prompt_name(published: PromptPublished) -> PromptName:
    """What tells a prompt from the others of a tenant."""
    return (published.scenario, published.language, published.prompt)


def _record(tenant: str, topic: str, payload: ScenarioPublished | PromptPublished, name: tuple[str, ...]) -> NewRecord:
    event = message(
        payload,
        id=stable_id(payload.event_name, tenant, *name, payload.published_at.isoformat()),
        source=_SOURCE,
        time=payload.published_at,
        subject=payload.scenario,
        tenant_id=tenant,
        key=_key(tenant, name).decode(),
    )
    return write_event(Outbound(topic, event))


def _key(tenant: str, name: tuple[str, ...]) -> bytes:
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
