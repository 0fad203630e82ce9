"""``convmine scenario push``: publish a version of a scenario, which running workers take up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.prompt_desk import by_option

if TYPE_CHECKING:
    from pipeline.scenarios.library import Library
    from pipeline.scenarios.model import Scenario
    from schemas.reference import PromptPublished, ScenarioPublished
    from workers.config_changes import Change

_SEE: Final = "workers take it up without a restart, for the next call; to see it: convmine prompt list --running"


@click.command("push")
@click.argument("scenario", metavar="FOLDER|NAME")
@click.option("--force", is_flag=True, help="Also a lower version; takes back published prompts that do not fit it.")
@by_option
@json_option
def push_scenario(scenario: str, by: str | None, *, force: bool, as_json: bool) -> None:
    """Check and publish the scenario in FOLDER, or that called NAME, which ships or lies in CONVMINE_SCENARIOS_PATH.

    What was promoted of its prompts goes on running.
    """
    from pipeline.release.push import is_published
    from pipeline.scenarios.opened import load_library
    from pipeline.settings import load
    from workers.config_changes import exclusive
    from workers.replays import os_user

    settings = load()
    library = load_library(settings)
    new = _read(scenario, library, settings.tenant)
    _refuse_unsound(new, scenario)
    with exclusive(settings) as change:
        before = change.published.scenarios.get(new.id)
        if is_published(new, before):
            _tell(new, before, (), (), as_json=as_json, changed=False)
            return
        _check(new, before, _loaded(new.id, library, settings.tenant), force=force)
        prompts = [one for one in change.published.prompts.values() if one.scenario == new.id]
        taken_back = _unfit(new, prompts, force=force)
        _publish(change, new, taken_back, by or os_user())
    kept = [prompt for prompt in prompts if prompt not in taken_back]
    _tell(new, before, kept, taken_back, as_json=as_json)


def _read(name: str, library: Library, tenant: str) -> Scenario:
    from pipeline.scenarios.files import ScenarioError
    from pipeline.scenarios.load import load_scenario

    folder = Path(name)
    is_folder = folder.is_dir() and (name not in library.names(tenant) or (folder / "scenario.yaml").is_file())
    try:
        return load_scenario(folder) if is_folder else library(name, tenant)
    except ScenarioError as error:
        more = f" (and {len(error.complaints) - 1} more)" if len(error.complaints) > 1 else ""
        hint = f"convmine scenario validate {name}" if is_folder else "or name a folder"
        raise ConvmineError(plain(f"{error}{more}"), hint=hint) from error


def _refuse_unsound(new: Scenario, named: str) -> None:
    from pipeline.release.scenario_check import checked

    if complaints := checked(new):
        more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
        hint = f"convmine scenario validate {named}"
        raise ConvmineError(plain(f"nothing was published: {complaints[0]}{more}"), hint=hint)


def _loaded(name: str, library: Library, tenant: str) -> Scenario | None:
    return library(name, tenant) if name in library.names(tenant) else None


def _check(new: Scenario, before: ScenarioPublished | None, loaded: Scenario | None, *, force: bool) -> None:
    from pipeline.release.push import why_not_push

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
    from pipeline.release.push import renumbered, unfit

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


def _publish(change: Change, new: Scenario, taken_back: Sequence[PromptPublished], by: str) -> None:
    from pipeline.release.push import content_of
    from schemas.reference import ScenarioPublished
    from workers.published import prompt_name, scenario_record, withdrawn_prompt

    published = ScenarioPublished(
        scenario=new.id,
        scenario_version=new.version,
        published_by=by,
        published_at=datetime.now(UTC),
        content=content_of(new),
    )
    tenant = change.published.tenant
    withdrawn = [withdrawn_prompt(tenant, prompt_name(prompt)) for prompt in taken_back]
    change.publish([*withdrawn, scenario_record(tenant, published)])


def _tell(  # noqa: PLR0913 - what there is to say
    new: Scenario,
    before: ScenarioPublished | None,
    kept: Sequence[PromptPublished],
    taken_back: Sequence[PromptPublished],
    *,
    as_json: bool,
    changed: bool = True,
) -> None:
    """Say what is published now, and what becomes of the prompts that were published."""
    if as_json:
        print_json(
            {
                "changed": changed,
                "scenario": new.id,
                "version": new.version,
                "before": before and before.scenario_version,
                "prompts": [_named(prompt) for prompt in kept],
                "taken_back": [_named(prompt) for prompt in taken_back],
            }
        )
        return
    if not changed:
        click.echo(f"{new.id} v{new.version} is published already: nothing to do")
        return
    instead = "" if before is None else f", instead of v{before.scenario_version}"
    click.echo(f"{new.id} v{new.version} is published{instead}")
    for what, prompts in (("goes on as published", kept), ("taken back, so that the newest file runs", taken_back)):
        if prompts:
            click.echo(f"{what}: {', '.join(map(_named, prompts))}")
    click.echo(_SEE)


def _named(prompt: PromptPublished) -> str:
    return f"{prompt.prompt}.v{prompt.prompt_version} ({prompt.language})"
