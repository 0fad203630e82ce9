"""``convmine scenario list`` and ``validate``: the scenarios that there are, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.scenarios.model import Scenario
    from pipeline.settings import Settings


@click.command("list")
@json_option
def list_scenarios(*, as_json: bool) -> None:
    """List the scenarios that ship, and those of the folder CONVMINE_SCENARIOS_PATH, which go before them."""
    from pipeline.settings import load

    rows = list(_rows(load()))
    if as_json:
        print_json({"items": rows})
        return
    columns = ("scenario", "version", "from", "languages", "intents", "cards", "prompts", "title")
    print_table(columns, [[_cell(row[name]) for name in columns] for row in rows])


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    from pipeline.scenarios.opened import load_library

    library = load_library(settings)
    for name in library.names(settings.tenant):
        scenario = library(name, settings.tenant)
        edition = scenario.edition(None)
        yield {
            "scenario": scenario.id,
            "version": scenario.version,
            "from": "shipped" if _own(settings, name) is None else "folder",
            "languages": list(scenario.editions),
            "intents": len(edition.taxonomy.intents),
            "cards": len(edition.playbook.cards),
            "prompts": [prompt.label for prompt in edition.prompts],
            "title": edition.title,
        }


@click.command("validate")
@click.argument("scenario", metavar="FOLDER|NAME")
@json_option
def validate_scenario(scenario: str, *, as_json: bool) -> None:
    """Say all that is wrong with a scenario: one of a folder, or of a name that `convmine scenario list` has.

    Exits with 1 where there is an error; a warning is no error.
    """
    from pipeline.settings import load

    found, errors, warnings = _judged(scenario, load())
    if as_json:
        version = None if found is None else found.version
        print_json(
            {"scenario": scenario, "version": version, "valid": not errors, "errors": errors, "warnings": warnings}
        )
    else:
        for kind, lines in (("error", errors), ("warning", warnings)):
            for line in lines:
                click.echo(f"{kind}: {plain(line)}")
        click.echo(_verdict(scenario, found, errors))
    if errors:
        raise click.exceptions.Exit(1)


def _judged(named: str, settings: Settings) -> tuple[Scenario | None, Sequence[str], Sequence[str]]:
    """The scenario, or None where it cannot be read; its errors and its warnings."""
    from pipeline.release.scenario_check import checked, warned
    from pipeline.scenarios.load import ScenarioError, load_scenario, shipped

    folder = _folder(named, settings)
    try:
        scenario = shipped(named) if folder is None else load_scenario(folder)
    except ScenarioError as error:
        return None, error.complaints, ()
    warnings = list(warned(scenario))
    if folder is not None and (name := folder.resolve().name) != scenario.id:
        warnings.append(
            f"scenario.yaml: id: is {scenario.id!r}, the folder {name!r}; CONVMINE_SCENARIOS_PATH needs one"
        )
    return scenario, checked(scenario), warnings


def _folder(named: str, settings: Settings) -> Path | None:
    """Where a scenario lies; None for one that ships."""
    from pipeline.scenarios.load import shipped_names

    if Path(named).is_dir():
        return Path(named)
    if (own := _own(settings, named)) is not None:
        return own
    if named in shipped_names():
        return None
    raise ConvmineError(f"{named} is no folder and no scenario", hint="convmine scenario list says which there are")


def _own(settings: Settings, name: str) -> Path | None:
    if settings.scenarios.path is None:
        return None
    folder = settings.scenarios.path / name
    return folder if (folder / "scenario.yaml").is_file() else None


def _verdict(named: str, scenario: Scenario | None, errors: Sequence[str]) -> str:
    if scenario is None or errors:
        return f"{plain(named)}: not valid: {len(errors)} {'error' if len(errors) == 1 else 'errors'}"
    counts = "; ".join(
        f"{language}: intents {len(edition.taxonomy.intents)}, cards {len(edition.playbook.cards)}, "
        f"pages {len(edition.knowledge)}, prompts {len(edition.prompts)}"
        for language, edition in scenario.editions.items()
    )
    return f"{scenario.id} v{scenario.version} is valid ({counts})"
