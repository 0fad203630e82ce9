"""``convmine flow show``: how the calls of a scenario go, as a graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from workers.cli.output import json_option, print_json, write_file
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.flow.drawing import Picture
    from pipeline.questions.flows import ScenarioFlow
    from pipeline.questions.question import Flow

Format = Literal["mermaid", "dot", "svg", "html"]
_FORMATS: Final[tuple[Format, ...]] = ("mermaid", "dot", "svg", "html")


@click.command("show")
@asked_options
@click.option("--format", "form", type=click.Choice(_FORMATS), help="How it is drawn; mermaid, or what FILE is named.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it into this file.")
@click.option("--all", "everything", is_flag=True, help="Draw the edges that are taken for noise, too.")
@json_option
def show_flow(
    *,
    form: Format | None,
    out: Path | None,
    everything: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the options by name
) -> None:
    """Draw how the calls of --scenario go: which step follows which, how often, and how calls ended.

    Mermaid and dot are text that other tools draw; svg is a picture; html is a page that needs nothing else. An edge
    is drawn when it is part of the flow; --all has the others as well. That calls with a step were won more often is no
    proof that the step won them.
    """
    from pipeline.questions.question import Flow
    from workers.cli.questions.asking import ask

    scenario, options["scenario"] = options["scenario"], None
    if scenario is None:
        raise click.UsageError("--scenario is missing: how the calls of which go?", ctx=click.get_current_context())
    question = Flow(scenario=scenario, **asked_of(options))
    answer: ScenarioFlow = asyncio.run(ask(question))
    if as_json:
        print_json(_document(answer))
        return
    if not answer.read:
        _say_none(answer)
        return
    drawn = _drawn(question, answer, form or _named(out), everything=everything)
    if out is None:
        click.echo(drawn, nl=False)
        return
    write_file(out, drawn)
    click.echo(f"drawn into {out}", err=True)


def _say_none(answer: ScenarioFlow) -> None:
    if answer.calls:
        click.echo("nothing to draw: the calls go on, or were not mined", err=True)
    else:
        say_empty(answer.emptied_by)


def _document(answer: ScenarioFlow) -> dict[str, Any]:
    rest = ("scenario", "calls", "read", "outcomes", "notes", "emptied_by")
    return {**answer.mined.document(), **{name: getattr(answer, name) for name in rest}}


def _named(out: Path | None) -> Format:
    """The format that a file's name says."""
    suffix = "" if out is None else out.suffix.lower().removeprefix(".")
    return next((form for form in _FORMATS if form == suffix), "mermaid")


def _drawn(question: Flow, answer: ScenarioFlow, form: Format, *, everything: bool) -> str:
    from pipeline.flow import drawing, drawing_page, drawing_svg, drawing_text

    ways: Mapping[Format, Callable[[Picture], str]] = {
        "mermaid": drawing_text.mermaid,
        "dot": drawing_text.dot,
        "svg": drawing_svg.svg,
        "html": drawing_page.page,
    }
    said = ", ".join(map(str, question.where))
    title = f"Flow of {answer.scenario}{f': {said}' if said else ''}"
    return ways[form](drawing.picture(answer.mined, title, everything=everything, notes=answer.notes))
