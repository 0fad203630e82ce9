"""Whether a version of a scenario may be published, and what is published of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.release.standing import versions_in
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library, read_scenario
from pipeline.scenarios.load import with_shared_prompts
from pipeline.scenarios.model import Scenario
from pipeline.scenarios.prompt import ANY_SCENARIO
from schemas.reference import PromptPublished, ScenarioPublished


def content_of(scenario: Scenario) -> dict[str, Any]:
    """A scenario as ``read_scenario`` reads it; what that adds, as it comes with convmine, is left out."""
    editions = {
        language: edition.model_copy(
            update={"prompts": tuple(prompt for prompt in edition.prompts if prompt.scenario != ANY_SCENARIO)}
        )
        for language, edition in scenario.editions.items()
    }
    own = scenario.model_copy(update={"editions": editions})
    return (own if with_shared_prompts(own) == scenario else scenario).model_dump(mode="json")


def is_published(scenario: Scenario, published: ScenarioPublished | None) -> bool:
    """Whether this very content was published last."""
    if published is None:
        return False
    try:
        return read_scenario(published) == scenario
    except ScenarioError:
        return False


def why_not_push(
    scenario: Scenario, published: ScenarioPublished | None, loaded: Scenario | None, *, lower: bool = False
) -> str | None:
    """What speaks against publishing a scenario that is not published as it is; None: nothing does.

    Args:
        scenario: the new version.
        published: what was published last of this id.
        loaded: what every worker has of this id without anything published.
        lower: a version that is lower than the published one may follow it.
    """
    name = f"{scenario.id} v{scenario.version}"
    if published is not None and published.scenario_version == scenario.version:
        return f"{name} is published with other content"
    if loaded is not None and loaded.version == scenario.version and loaded != scenario:
        return f"{name} is there with other content, as it ships or as CONVMINE_SCENARIOS_PATH has it"
    if published is not None and published.scenario_version > scenario.version and not lower:
        return f"{name} is lower than v{published.scenario_version}, which is published"
    return None


def renumbered(scenario: Scenario, prompts: Iterable[PromptPublished]) -> Iterator[str]:
    """The versions of prompts that a scenario has in files with other content than was published under their number."""
    for prompt in prompts:
        edition = scenario.editions.get(prompt.language)
        known = versions_in(prompt)
        for file in edition.prompts if edition else ():
            if file.id == prompt.prompt and known.get(file.version, file.text) != file.text:
                yield f"{file.label} ({prompt.language})"


def unfit(scenario: Scenario, prompts: Iterable[PromptPublished]) -> Iterator[tuple[PromptPublished, str]]:
    """What is published of the scenario's prompts and does not fit it, with the reason."""
    for prompt in prompts:
        try:
            Library(lambda _: scenario, [scenario.id]).take_prompt("", prompt)
        except ScenarioError as error:
            yield prompt, str(error)
