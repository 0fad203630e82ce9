"""``convmine scenario new``: the folder of a scenario of one's own, to begin with."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.scenarios.model import Scenario
    from pipeline.settings import Settings

_NAME: Final = r"[a-z][a-z0-9_-]{0,63}"
_FOLDER: Final = "scenarios"


@click.command("new")
@click.argument("name")
@click.option("--language", "languages", multiple=True, help="A language, such as en; again for one more.")
@click.option("--title", help="What it is about, in a line.")
@click.option(
    "--at",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to put it in; CONVMINE_SCENARIOS_PATH, else 'scenarios' here.",
)
@click.option("--like", help="Begin with a copy of this scenario.")
@json_option
def new_scenario(  # noqa: PLR0913 - one argument an option
    *, name: str, languages: tuple[str, ...], title: str | None, at: Path | None, like: str | None, as_json: bool
) -> None:
    """Write a scenario NAME to begin with: a folder that is complete, valid, and says what to change."""
    from pipeline.settings import load

    _check(name, title)
    settings = load()
    files = _files(name, languages, title) if like is None else _copied(name, languages, title, like, settings)
    holder = at or settings.scenarios.path or Path(_FOLDER)
    folder = holder / name
    _write(folder, files)
    if as_json:
        print_json({"scenario": name, "folder": str(folder), "files": sorted(files)})
    else:
        change = folder / next(path for path in files if path.endswith("/taxonomy.yaml"))
        click.echo(f"{len(files)} files in {folder}\n\nChange what it finds in {change}, then:")
        click.echo("\n".join(f"  {command}" for command in _next_commands(holder, name, files)))


def _check(name: str, title: str | None) -> None:
    import re

    from pipeline.scenarios.prompt import ANY_SCENARIO

    if not re.fullmatch(_NAME, name) or name == ANY_SCENARIO:
        raise click.UsageError(f"{name!r} is no name for a scenario: a letter, then letters, digits, - or _, all small")
    if title is not None and (not title.strip() or not title.isprintable()):
        raise click.UsageError("--title needs a line of text")


def _files(name: str, languages: Sequence[str], title: str | None) -> Mapping[str, str]:
    from pipeline.scenarios.starting import starting_files, starting_languages

    there = starting_languages()
    for language in languages:
        if language not in there:
            raise click.UsageError(
                f"no scenario begins in {language!r}; begin in one of {', '.join(there)}, then translate its folder "
                "and name it in scenario.yaml"
            )
    return starting_files(name, dict.fromkeys(languages or ("en",), title or name.replace("_", " ").replace("-", " ")))


def _copied(name: str, languages: Sequence[str], title: str | None, like: str, settings: Settings) -> Mapping[str, str]:
    from pipeline.scenarios.starting import copied_files

    source, scenario = _source(like, settings)
    for language in languages:
        if language not in scenario.editions:
            raise click.UsageError(f"{like} is not there in {language!r}; it is in {', '.join(scenario.editions)}")
    kept = languages or (scenario.default_language, *scenario.editions)
    return copied_files(name, source, scenario, {one: title or scenario.editions[one].title for one in kept})


def _source(like: str, settings: Settings) -> tuple[Traversable, Scenario]:
    """The folder that a scenario is in, and the scenario."""
    from pipeline.scenarios.load import ScenarioError, load_scenario, shipped, shipped_folder

    own = None if settings.scenarios.path is None else settings.scenarios.path / like
    try:
        if own is not None and own.is_dir():
            return own, load_scenario(own)
        return shipped_folder(like), shipped(like)
    except ScenarioError as error:
        raise ConvmineError(f"--like {like}: {error}") from error


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise ConvmineError(f"{folder} is there already", hint="take another name, or remove it first") from error
    except OSError as error:
        raise ConvmineError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _next_commands(holder: Path, name: str, files: Mapping[str, str]) -> list[str]:
    """Commands that work as typed, wherever one is."""
    program = shlex.quote(str(Path(sys.executable).parent / "convmine"))
    set_here = f"CONVMINE_SCENARIOS_PATH={shlex.quote(str(holder.resolve()))}"
    folder = holder.resolve() / name
    talk = next((path for path in files if path.endswith("/conversation.json")), None)
    return [
        f"{program} scenario validate {shlex.quote(str(folder))}",
        *([] if talk is None else [f"{set_here} {program} demo {shlex.quote(str(folder / talk))}"]),
        f"{program} scenario push {shlex.quote(str(folder))}",
    ]
