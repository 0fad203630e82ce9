"""``convmine prompt show`` and ``prompt diff``: the file of a version, and in what two of them differ."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.prompt_choice import choose, language_option, library_of, published_option, scenario_option

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("show")
@click.argument("prompt")
@scenario_option
@language_option
@published_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this new file instead.")
@json_option
def show_prompt(  # noqa: PLR0913 - one argument an option
    prompt: str, scenario: str | None, language: str | None, out: Path | None, *, published: bool, as_json: bool
) -> None:
    """Print the file of a version, PROMPT such as extract.v2: front matter and sections, byte for byte in a pipe.

    To begin a version of one's own, --out writes it into a scenario's folder. A shell's > would put an empty file there
    first, with which the folder cannot be read.
    """
    from pipeline.settings import load

    settings = load()
    library = library_of(settings, published=published)
    found = choose(settings, scenario, language, library=library).prompt(prompt)
    if out is not None:
        _write(found.text, out)
    if as_json:
        fields = {name: getattr(found, name) for name in type(found).model_fields}
        print_json({**fields, "label": found.label, "digest": found.digest})
    elif out is not None:
        click.echo(plain(f"{found.label} is in {out}"))
    else:
        click.echo(_shown(found.text), nl=not found.text.endswith("\n"))


@click.command("diff")
@click.argument("old")
@click.argument("new")
@scenario_option
@language_option
@published_option
@json_option
def diff_prompts(  # noqa: PLR0913 - one argument an option
    old: str, new: str, scenario: str | None, language: str | None, *, published: bool, as_json: bool
) -> None:
    """Print in which lines two versions differ, such as extract.v1 and extract.v2."""
    from pipeline.settings import load

    settings = load()
    chosen = choose(settings, scenario, language, library=library_of(settings, published=published))
    before, after = chosen.prompt(old), chosen.prompt(new)
    lines = list(
        unified_diff(before.text.splitlines(), after.text.splitlines(), before.label, after.label, lineterm="")
    )
    if as_json:
        versions = [{"label": one.label, "digest": one.digest} for one in (before, after)]
        print_json({"old": versions[0], "new": versions[1], "diff": lines})
        return
    for line in lines:
        # Without a terminal click takes the colours out again.
        click.secho(_shown(line), fg=_COLOURS.get(line[:1]), bold=line.startswith(("+++", "---")) or None)
    if not lines:
        click.echo(f"{old} and {new} are the same")


def _write(text: str, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise ConvmineError(f"{out} is there already", hint="name a new file") from None
    except OSError as error:
        raise ConvmineError(f"{out} cannot be written: {error.strerror}") from error


def _shown(text: str) -> str:
    """On a terminal without what could steer it; elsewhere as it is, so that its digest stays the same."""
    return "\n".join(plain(line) for line in text.split("\n")) if sys.stdout.isatty() else text
