"""The scenarios that an installation runs: those that were loaded, and over them what each tenant has published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.scenarios.card_editions import Name, PublishedCard, read_card, with_cards, with_edition
from pipeline.scenarios.card_records import CardRecords
from pipeline.scenarios.load import ScenarioError, validated, with_shared_prompts
from pipeline.scenarios.model import Challenger, Edition, Running, Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt
from schemas.reference import CardPublished, PromptPublished, ScenarioPublished


@dataclass(frozen=True, slots=True)
class _Tenant:
    """What one tenant has published: scenarios by id, prompts and cards by scenario, language and id."""

    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    prompts: Mapping[Name, PromptPublished] = field(default_factory=dict)
    cards: Mapping[Name, PublishedCard] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Made:
    """A scenario put together, and the cards that do not fit it, each with the reason."""

    scenario: Scenario
    left_out: Mapping[Name, str]


class Library:
    """Scenarios by name and tenant, as ``Scenarios``; what is published later replaces what was there at once.

    A scenario is put together anew at each change and is never half old and half new; what is not valid changes
    nothing. A card that fitted when it was published and does not fit a scenario that came later is left out until it
    fits again: that scenario runs. A call that has its scenario already keeps it. ``card_records`` are the figures of
    cards, which are no part of any scenario.

    Args:
        loaded: a scenario that is there for every tenant; raises ``ScenarioError`` where there is none.
        names: of those that were loaded.
    """

    def __init__(self, loaded: Callable[[str], Scenario], names: Sequence[str]) -> None:
        self._loaded = loaded
        self._names = tuple(names)
        self._tenants: dict[str, _Tenant] = {}
        self._made: dict[tuple[str, str], _Made] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        self.card_records = CardRecords()
        self.revision = 0
        """Grows with every change."""

    def __call__(self, name: str, tenant_id: str) -> Scenario:
        """The scenario as this tenant has it.

        Raises:
            ScenarioError: there is none of this name.
        """
        return self._make(name, tenant_id).scenario

    def names(self, tenant_id: str) -> tuple[str, ...]:
        """The scenarios of a tenant, in order of name."""
        return tuple(sorted({*self._names, *self._tenant(tenant_id).scenarios}))

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that have published anything that is run."""
        return frozenset(name for name, tenant in self._tenants.items() if tenant != _NOTHING)

    def tell(self, listener: Callable[[str, str], None]) -> None:
        """Have this called with the tenant and the scenario after every change."""
        self._listeners.append(listener)

    def published(self, tenant_id: str, scenario: str, language: str, prompt: str) -> PromptPublished | None:
        """What was last published of a prompt."""
        return self._tenant(tenant_id).prompts.get((scenario, language, prompt))

    def running_cards(self, tenant_id: str) -> Mapping[Name, int]:
        """The version of each card that was published by itself and is not left out; also of those withdrawn."""
        cards = self._tenant(tenant_id).cards
        left_out = {name for scenario in {name[0] for name in cards} for name in self.left_out(tenant_id, scenario)}
        return {name: one.version for name, one in cards.items() if name not in left_out}

    def left_out(self, tenant_id: str, scenario: str) -> Mapping[Name, str]:
        """The published cards that do not fit the scenario as it is now, each with the reason."""
        try:
            return self._make(scenario, tenant_id).left_out
        except ScenarioError as error:
            return {name: str(error) for name in self._tenant(tenant_id).cards if name[0] == scenario}

    def take_scenario(self, tenant_id: str, published: ScenarioPublished) -> Scenario:
        """Run this version of a scenario from now on.

        Raises:
            ScenarioError: it is not valid, or what is published of its prompts does not fit it.
        """
        scenario = read_scenario(published)
        tenant = self._tenant(tenant_id)
        return self._take(
            tenant_id, scenario.id, replace(tenant, scenarios={**tenant.scenarios, scenario.id: scenario})
        )

    def take_prompt(self, tenant_id: str, published: PromptPublished) -> Scenario:
        """Run this version of a prompt from now on.

        Raises:
            ScenarioError: it is not valid, says that it is another one, or there is no such scenario or language.
        """
        name = (published.scenario, published.language, published.prompt)
        tenant = self._tenant(tenant_id)
        return self._take(tenant_id, published.scenario, replace(tenant, prompts={**tenant.prompts, name: published}))

    def take_card(self, tenant_id: str, published: CardPublished) -> Scenario:
        """Have this version of a card shown from now on, or, where it was withdrawn, none of its id.

        Raises:
            ScenarioError: it is not valid or not approved, or does not fit its scenario.
        """
        name = (published.scenario, published.language, published.card_id)
        tenant = self._tenant(tenant_id)
        changed = replace(tenant, cards={**tenant.cards, name: read_card(published)})
        made = _assembled(published.scenario, changed, self._loaded)
        if name in made.left_out:
            raise ScenarioError(made.left_out[name])
        self._put(tenant_id, published.scenario, changed, made)
        return made.scenario

    def drop_scenario(self, tenant_id: str, scenario: str) -> None:
        """Run the loaded one again.

        Raises:
            ScenarioError: what is published of its prompts does not fit that one, or there is none.
        """
        tenant = self._tenant(tenant_id)
        kept = {name: one for name, one in tenant.scenarios.items() if name != scenario}
        changed = replace(tenant, scenarios=kept)
        if scenario in self._names:
            self._take(tenant_id, scenario, changed)
        else:
            self._put(tenant_id, scenario, changed)

    def drop_prompt(self, tenant_id: str, scenario: str, language: str, prompt: str) -> None:
        """Run the scenario's own newest version again."""
        tenant = self._tenant(tenant_id)
        kept = {name: one for name, one in tenant.prompts.items() if name != (scenario, language, prompt)}
        self._put(tenant_id, scenario, replace(tenant, prompts=kept))

    def drop_card(self, tenant_id: str, scenario: str, language: str, card: str) -> None:
        """Have the scenario's own card of this id shown again, if it has one."""
        tenant = self._tenant(tenant_id)
        kept = {name: one for name, one in tenant.cards.items() if name != (scenario, language, card)}
        self._put(tenant_id, scenario, replace(tenant, cards=kept))

    def _make(self, name: str, tenant_id: str) -> _Made:
        if (made := self._made.get((name, tenant_id))) is None:
            made = self._made[name, tenant_id] = _assembled(name, self._tenant(tenant_id), self._loaded)
        return made

    def _tenant(self, tenant_id: str) -> _Tenant:
        return self._tenants.get(tenant_id, _NOTHING)

    def _take(self, tenant_id: str, name: str, changed: _Tenant) -> Scenario:
        made = _assembled(name, changed, self._loaded)
        self._put(tenant_id, name, changed, made)
        return made.scenario

    def _put(self, tenant_id: str, name: str, changed: _Tenant, made: _Made | None = None) -> None:
        self._tenants[tenant_id] = changed
        self._made.pop((name, tenant_id), None)
        if made is not None:
            self._made[name, tenant_id] = made
        self.revision += 1
        for listener in self._listeners:
            listener(tenant_id, name)


def read_scenario(published: ScenarioPublished) -> Scenario:
    """The scenario in a record.

    Raises:
        ScenarioError: it is not valid; the message names the field.
    """
    scenario = validated(Scenario, published.content, f"scenario {published.scenario}")
    told = (published.scenario, published.scenario_version)
    if told != (scenario.id, scenario.version):
        raise ScenarioError(f"scenario {told[0]} v{told[1]}: what is in it is {scenario.id} v{scenario.version}")
    return with_shared_prompts(scenario)


def _assembled(name: str, tenant: _Tenant, loaded: Callable[[str], Scenario]) -> _Made:
    scenario = tenant.scenarios.get(name) or loaded(name)
    for (scenario_id, language, _), published in tenant.prompts.items():
        if scenario_id == name:
            if language not in scenario.editions:
                raise ScenarioError(f"scenario {name} is not there in {language!r}, of which a prompt is published")
            scenario = with_edition(scenario, _with_prompt(scenario.editions[language], published))
    return _Made(*with_cards(scenario, tenant.cards))


def _with_prompt(edition: Edition, published: PromptPublished) -> Edition:
    """The edition with the published versions, and with those that its files have under other numbers."""
    bodies = {published.prompt_version: published.body}
    running = Running(prompt=published.prompt, version=published.prompt_version)
    if (challenger := published.challenger) is not None:
        bodies[challenger.prompt_version] = challenger.body
        challenging = Challenger(version=challenger.prompt_version, share=challenger.share)
        running = running.model_copy(update={"challenger": challenging})
    prompts = [_read(published, version, body) for version, body in bodies.items()]
    labels = {prompt.label for prompt in prompts}
    content = {
        **dict(edition),
        "prompts": (*(prompt for prompt in edition.prompts if prompt.label not in labels), *prompts),
        "running": (*(one for one in edition.running if one.prompt != running.prompt), running),
    }
    return validated(Edition, content, f"scenario {published.scenario}")


def _read(published: PromptPublished, version: int, body: str) -> Prompt:
    label = f"{published.prompt}.v{version}"
    where = f"prompt {label} of scenario {published.scenario} in {published.language!r}"
    try:
        prompt = parse_prompt(body)
    except PromptError as error:
        raise ScenarioError(f"{where}: {error}") from error
    if not prompt.is_of(published.scenario, published.language) or prompt.label != label:
        raise ScenarioError(f"{where}: the front matter says {prompt.scenario}, {prompt.language}, {prompt.label}")
    return prompt


_NOTHING = _Tenant()
