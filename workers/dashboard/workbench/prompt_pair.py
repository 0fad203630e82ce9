"""Two versions of a prompt beside each other: one that runs, or ran, and the text of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.extract.prompting import EXTRACT_PROMPT
from pipeline.release.standing import standing_of
from pipeline.scenarios.model import Edition, Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt
from pipeline.stages import PROMPTS, SCENARIOS
from workers.dashboard.workbench.bench import Bench, Place, scenario_of
from workers.dashboard.workbench.prompts import File, check_of


class Wanted(Place):
    """The text of a version, and the number of the one that it is held against."""

    text: File
    against: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both versions, in an edition that has them."""

    scenario: Scenario
    edition: Edition
    old: Prompt
    new: Prompt


def pair_of(bench: Bench, tenant: str, wanted: Wanted) -> Pair:
    """The versions of ``extract`` that were asked for; waits.

    Raises:
        PromptError: the text is no version of this prompt, or is what runs.
    """
    library = bench.grounds.library()
    published = bench.grounds.published(tenant, (SCENARIOS, PROMPTS))
    published.take_scenarios(library)
    scenario, edition = scenario_of(library, tenant, wanted)
    new = parse_prompt(wanted.text)
    check_of(new, scenario.id, edition.language, f"{EXTRACT_PROMPT}.v{new.version}")
    record = published.prompts.get((scenario.id, edition.language, EXTRACT_PROMPT))
    old = parse_prompt(standing_of(scenario, edition.language, EXTRACT_PROMPT, record).version(wanted.against).text)
    if old.label == new.label:
        raise PromptError(f"version: {new.label} cannot be compared with itself; count it up")
    others = tuple(one for one in edition.prompts if one.label not in {old.label, new.label})
    return Pair(scenario, edition.model_copy(update={"prompts": (*others, old, new)}), old, new)
