"""Prompts: which version of one runs, and what speaks against another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.backtest.result import Backtest
from pipeline.errors import ConvmineError
from pipeline.release.promotion import why_not
from pipeline.release.standing import Standing, Version, standing_of
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library
from pipeline.scenarios.model import Scenario
from pipeline.settings import Settings
from pipeline.workbench.places import open_workbench
from schemas.reference import PromptPublished
from workers.changing.grounds import OpenChange
from workers.published import prompt_record


@dataclass(frozen=True, slots=True)
class PromptDesk:
    """The prompts of a scenario in a language, while nobody else can change which of them run.

    ``scenario`` is as it is in files, or was pushed, without what is published of its prompts; ``library`` has that.
    """

    tenant: str
    language: str
    scenario: Scenario
    library: Library
    change: OpenChange

    def standing(self, prompt: str) -> Standing:
        """Where a prompt stands; raises ConvmineError where there is none."""
        record = self.change.published.prompts.get((self.scenario.id, self.language, prompt))
        return standing_of(self.scenario, self.language, prompt, record)

    def split_prompts(self) -> list[str]:
        """The prompts that have a challenger, in order."""
        place = (self.scenario.id, self.language)
        published = self.change.published.prompts.items()
        return sorted(name for (*at, name), one in published if tuple(at) == place and one.challenger)

    def publish(self, record: PromptPublished) -> None:
        """Publish what runs from now on; raises ConvmineError where workers would refuse it."""
        try:
            self.library.take_prompt(self.tenant, record)
        except ScenarioError as error:
            raise ConvmineError(f"nothing was published, as workers would refuse it: {error}") from error
        self.change.publish([prompt_record(self.tenant, record)])


async def objection_to(settings: Settings, standing: Standing, candidate: Version, margin: float) -> str | None:
    """What the back-tests that are kept say against promoting a version; None: nothing, or it is the first.

    Raises:
        Retryable: the place where they are kept is away.
    """
    if (other := standing.before(candidate)) is None:
        return None
    return why_not(candidate, other, await _backtests(settings, standing), margin)


async def _backtests(settings: Settings, standing: Standing) -> Sequence[Backtest]:
    workbench = open_workbench(settings)
    try:
        return await workbench.backtests(settings.tenant, standing.scenario, standing.language, standing.prompt)
    finally:
        await workbench.close()
