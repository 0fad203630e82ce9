"""Scenarios: a new version published, with what becomes of the prompts that were published of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import ConvmineError
from pipeline.release.push import content_of, is_published, renumbered, unfit, why_not_push
from pipeline.release.scenario_check import checked
from pipeline.scenarios.model import Scenario
from schemas.reference import PromptPublished, ScenarioPublished
from workers.changing.grounds import OpenChange
from workers.published import prompt_name, scenario_record, withdrawn_prompt


class Unsound(ConvmineError):
    """A scenario would fail when calls are mined; ``complaints`` are lines with file and field."""

    def __init__(self, complaints: Sequence[str]) -> None:
        more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
        super().__init__(f"nothing was published: {complaints[0]}{more}")
        self.complaints = tuple(complaints)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was published before, and which published prompts go on or were taken back; or that nothing changed."""

    before: ScenarioPublished | None
    kept: tuple[PromptPublished, ...] = ()
    taken_back: tuple[PromptPublished, ...] = ()
    changed: bool = True


def refuse_unsound(new: Scenario) -> None:
    """Nothing, where calls can be mined with it; takes about a second for each side of each language.

    Raises:
        Unsound: they cannot.
    """
    if complaints := checked(new):
        raise Unsound(complaints)


def push(  # noqa: PLR0913 - what was changed, over what, by whom
    change: OpenChange, new: Scenario, loaded: Scenario | None, *, by: str, at: datetime, force: bool = False
) -> Pushed:
    """Publish a version of a scenario that was found sound.

    Args:
        change: of the topics of scenarios and prompts.
        new: the version.
        loaded: what every worker has of this id without anything published.
        by: who publishes it.
        at: when.
        force: also a lower version; published prompts that do not fit it are taken back.

    Raises:
        ConvmineError: its version is there with other content, is too low, or a published prompt does not fit it.
    """
    before = change.published.scenarios.get(new.id)
    if is_published(new, before):
        return Pushed(before, changed=False)
    _check(new, before, loaded, force=force)
    prompts = [one for one in change.published.prompts.values() if one.scenario == new.id]
    taken_back = _unfit(new, prompts, force=force)
    published = ScenarioPublished(
        scenario=new.id, scenario_version=new.version, published_by=by, published_at=at, content=content_of(new)
    )
    tenant = change.published.tenant
    withdrawn = [withdrawn_prompt(tenant, prompt_name(prompt)) for prompt in taken_back]
    change.publish([*withdrawn, scenario_record(tenant, published)])
    return Pushed(before, tuple(one for one in prompts if one not in taken_back), tuple(taken_back))


def _check(new: Scenario, before: ScenarioPublished | None, loaded: Scenario | None, *, force: bool) -> None:
    if objection := why_not_push(new, before, loaded, lower=force):
        newest = max(one for one in (before and before.scenario_version, loaded and loaded.version) if one)
        hint = f"raise version in scenario.yaml, to {newest + 1} or more"
        if before is not None and new.version < before.scenario_version:
            hint += "; or go back to it with --force"
        raise ConvmineError(f"nothing was published: {objection}", hint=hint)


def _unfit(new: Scenario, prompts: Sequence[PromptPublished], *, force: bool) -> list[PromptPublished]:
    """What is to be taken back of the published prompts.

    Raises:
        ConvmineError: a prompt's number stands for two contents; or one does not fit, and there is no force.
    """
    if twice := ", ".join(renumbered(new, prompts)):
        raise ConvmineError(
            f"nothing was published: {twice} was published before with other content",
            hint="give the new content a number of its own: version in its front matter, and its file's name",
        )
    found = list(unfit(new, prompts))
    if found and not force:
        raise ConvmineError(
            f"nothing was published, as what runs of its prompts does not fit it: {'; '.join(why for _, why in found)}",
            hint="change the scenario, promote a version that fits, or take these back with --force",
        )
    return [prompt for prompt, _ in found]
