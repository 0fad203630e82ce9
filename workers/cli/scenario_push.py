"""``convmine scenario push``: publish a version of a scenario, which running workers take up."""

from __future__ import annotations

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
    from schemas.reference import PromptPublished
    from workers.changing.scenarios import Pushed

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
    from pipeline.scenarios.opened import load_library
    from pipeline.settings import load
    from workers.changing.scenarios import push
    from workers.config_changes import exclusive
    from workers.os_user import os_user

    settings = load()
    library = load_library(settings)
    new = _read(scenario, library, settings.tenant)
    _refuse_unsound(new, scenario)
    with exclusive(settings) as change:
        loaded = _loaded(new.id, library, settings.tenant)
        pushed = push(change, new, loaded, by=by or os_user(), at=datetime.now(UTC), force=force)
    _tell(new, pushed, as_json=as_json)


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
    from workers.changing.scenarios import Unsound, refuse_unsound

    try:
        refuse_unsound(new)
    except Unsound as error:
        raise ConvmineError(plain(error.message), hint=f"convmine scenario validate {named}") from error


def _loaded(name: str, library: Library, tenant: str) -> Scenario | None:
    return library(name, tenant) if name in library.names(tenant) else None


def _tell(new: Scenario, pushed: Pushed, *, as_json: bool) -> None:
    """Say what is published now, and what becomes of the prompts that were published."""
    if as_json:
        print_json(
            {
                "changed": pushed.changed,
                "scenario": new.id,
                "version": new.version,
                "before": pushed.before and pushed.before.scenario_version,
                "prompts": [_named(prompt) for prompt in pushed.kept],
                "taken_back": [_named(prompt) for prompt in pushed.taken_back],
            }
        )
        return
    if not pushed.changed:
        click.echo(f"{new.id} v{new.version} is published already: nothing to do")
        return
    instead = "" if pushed.before is None else f", instead of v{pushed.before.scenario_version}"
    click.echo(f"{new.id} v{new.version} is published{instead}")
    for what, prompts in (
        ("goes on as published", pushed.kept),
        ("taken back, so that the newest file runs", pushed.taken_back),
    ):
        if prompts:
            click.echo(f"{what}: {', '.join(map(_named, prompts))}")
    click.echo(_SEE)


def _named(prompt: PromptPublished) -> str:
    return f"{prompt.prompt}.v{prompt.prompt_version} ({prompt.language})"
