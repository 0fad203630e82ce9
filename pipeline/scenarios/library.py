"""The scenarios that an installation runs: those that were loaded, and over them what each tenant has published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.scenarios.load import ScenarioError, validated, with_shared_prompts
from pipeline.scenarios.model import Challenger, Edition, Running, Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt
from schemas.reference import PromptPublished, ScenarioPublished


@dataclass(frozen=True, slots=True)
class _Tenant:
    """What one tenant has published: scenarios by id, prompts by scenario, language and id."""

    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    prompts: Mapping[tuple[str, str, str], PromptPublished] = field(default_factory=dict)


class Library:
    """Scenarios by name and tenant, as ``Scenarios``; what is published later replaces what was there at once.

    A scenario is put together anew at each change and is never half old and half new; what is not valid changes
    nothing. A call that has its scenario already keeps it.

    Args:
        loaded: a scenario that is there for every tenant; raises ``ScenarioError`` where there is none.
        names: of those that were loaded.
    """

    def __init__(self, loaded: Callable[[str], Scenario], names: Sequence[str]) -> None:
        self._loaded = loaded
        self._names = tuple(names)
        self._tenants: dict[str, _Tenant] = {}
        self._made: dict[tuple[str, str], Scenario] = {}
        self._listeners: list[Callable[[str, str], None]] = []
        self.revision = 0
        """Grows with every change."""

    def __call__(self, name: str, tenant_id: str) -> Scenario:
        """The scenario as this tenant has it.

        Raises:
            ScenarioError: there is none of this name.
        """
        if (made := self._made.get((name, tenant_id))) is None:
            made = self._made[name, tenant_id] = _assembled(name, self._tenant(tenant_id), self._loaded)
        return made

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

    def _tenant(self, tenant_id: str) -> _Tenant:
        return self._tenants.get(tenant_id, _NOTHING)

    def _take(self, tenant_id: str, name: str, changed: _Tenant) -> Scenario:
        scenario = _assembled(name, changed, self._loaded)
        self._put(tenant_id, name, changed, scenario)
        return scenario

    def _put(self, tenant_id: str, name: str, changed: _Tenant, made: Scenario | None = None) -> None:
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


def _assembled(name: str, tenant: _Tenant, loaded: Callable[[str], Scenario]) -> Scenario:
    scenario = tenant.scenarios.get(name) or loaded(name)
    for (scenario_id, language, _), published in tenant.prompts.items():
        if scenario_id == name:
            if language not in scenario.editions:
                raise ScenarioError(f"scenario {name} is not there in {language!r}, of which a prompt is published")
            edition = _with_prompt(scenario.editions[language], published)
            scenario = scenario.model_copy(update={"editions": {**scenario.editions, language: edition}})
    return scenario


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
