"""Scenarios that run one version of a prompt, whatever is promoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.errors import ConvmineError
from pipeline.extract.prompting import EXTRACT_PROMPT
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Running, Scenario, Scenarios
from pipeline.scenarios.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Pinned:
    """The scenarios of a library, each edition that has the version running it for every call."""

    library: Scenarios
    label: str
    _made: dict[tuple[str, str], Scenario] = field(default_factory=dict)

    def __call__(self, name: str, tenant_id: str) -> Scenario:
        key = (name, tenant_id)
        if key not in self._made:
            scenario = self.library(name, tenant_id)
            editions = {code: self._running(edition) for code, edition in scenario.editions.items()}
            self._made[key] = scenario.model_copy(update={"editions": editions})
        return self._made[key]

    def _running(self, edition: Edition) -> Edition:
        prompt = version_in(edition, self.label)
        return edition if prompt is None else edition.with_running(Running(prompt=prompt.id, version=prompt.version))


def version_in(edition: Edition, label: str) -> Prompt | None:
    """The version of this name, such as ``extract.v2``, if the edition has it."""
    return next((prompt for prompt in edition.prompts if prompt.label == label), None)


def digests(
    scenarios: Scenarios, default_scenario: str, tenant_id: str, label: str, spoken: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """Of each scenario and language that calls have, the digest of the version that they are to be mined with.

    Args:
        scenarios: as the library has them.
        default_scenario: of calls that name none.
        tenant_id: whose.
        label: of the version.
        spoken: the scenarios and languages of the calls, empty where a call names none.

    Raises:
        ConvmineError: a scenario is not there, or lacks the version in a language; or no call is mined with it.
    """
    if label.partition(".")[0] != EXTRACT_PROMPT:
        raise ConvmineError(f"no call is mined with {label}: the versions are those of {EXTRACT_PROMPT}")
    found: dict[str, str] = {}
    for name, language in sorted(set(spoken)):
        try:
            scenario = scenarios(name or default_scenario, tenant_id)
        except ScenarioError as error:
            raise ConvmineError(
                f"calls are stored whose scenario cannot be had: {error}",
                hint="CONVMINE_SCENARIOS_PATH names a folder with it, --published takes what Kafka has, "
                "--scenario narrows the calls",
            ) from error
        edition = scenario.edition(language or None)
        if (prompt := version_in(edition, label)) is None:
            versions = ", ".join(sorted(one.label for one in edition.prompts if one.id == EXTRACT_PROMPT))
            raise ConvmineError(
                f"scenario {scenario.id} has no {label} in {edition.language}; there are {versions or 'none'}",
                hint="convmine prompt list; --scenario and --language narrow the calls",
            )
        found[f"{scenario.id}/{edition.language}"] = prompt.digest
    return found
