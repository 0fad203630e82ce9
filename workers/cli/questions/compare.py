"""``convmine compare``: in what two sets of calls differ."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import json_option, plain, print_json
from workers.cli.questions.plots import plot_option
from workers.cli.questions.search import Condition, asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.differences.comparing import Compared, Side
    from pipeline.questions.differences.contrasts import Contrast
    from pipeline.questions.question import Compare
    from workers.cli.questions.charts import Chart

_MOST_DRAWN: Final = 40


@click.command()
@click.option("--a", multiple=True, required=True, type=Condition(), help="A condition of the one set.")
@click.option("--b", multiple=True, required=True, type=Condition(), help="A condition of the other.")
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="The most of each kind.")
@plot_option
@json_option
def compare(plot: Path | None, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Say in what two sets of calls differ: what agents do, what customers say, and phrases.

    Differences are in points of percent, a less b, with their 95 % interval and p, which counts in how many things were
    looked at. What differs is no proof of what won a call.
    """
    from pipeline.questions.question import Compare
    from workers.cli.questions.asking import ask

    question = Compare(**asked_of(options), **options)
    answer: Compared = asyncio.run(ask(question))
    if plot is not None and not _is_empty(answer):
        _draw(answer, plot)
    if as_json:
        print_json(dataclasses.asdict(answer))
    else:
        print_answer(question, answer)


def print_answer(question: Compare, answer: Compared) -> None:
    """What agents do first, as that can be learnt from; then what customers say, and notes."""
    from workers.cli.questions.contrast_table import print_contrasts

    del question
    _print_sides(answer)
    if _is_empty(answer):
        say_empty(answer.emptied_by)
        return
    for title, contrasts in _sections(answer):
        print_contrasts(title, contrasts, ("a", "b"))
    click.echo(f"\n{answer.tested} names and {answer.tested_phrases:,} phrases were compared")
    for note in answer.notes:
        click.echo(plain(note))


def _sections(answer: Compared) -> tuple[tuple[str, Sequence[Contrast]], ...]:
    def of(role: str, contrasts: Sequence[Contrast]) -> list[Contrast]:
        return [one for one in contrasts if one.role == role]

    return (
        ("What agents do", of("agent", answer.intents)),
        ("Objections that agents answered, of the calls that had one", answer.handling),
        ("What agents say", of("agent", answer.phrases)),
        ("What customers want or do", of("customer", answer.intents)),
        ("What customers object to", answer.objections),
        ("What customers say", of("customer", answer.phrases)),
        ("What it is about", answer.topics),
    )


def _print_sides(answer: Compared) -> None:
    for letter, side in (("a", answer.a), ("b", answer.b)):
        click.echo(f"{letter}  {_side(side)}")
    if answer.outcomes is not None:
        click.echo(f"   how calls ended is {answer.outcomes}")


def _side(side: Side) -> str:
    return f"{plain(side.said)}: {side.calls:,} {'call' if side.calls == 1 else 'calls'}"


def _is_empty(answer: Compared) -> bool:
    return not (answer.a.calls and answer.b.calls)


def _draw(answer: Compared, path: Path) -> None:
    from workers.cli.questions.plots import write_plot

    chart = _chart_of(answer)
    if chart is None:
        click.echo("nothing is drawn: there is no sure difference", err=True)
        return
    write_plot(chart, path)
    click.echo(f"drawn into {path}", err=True)


def _chart_of(answer: Compared) -> Chart | None:
    """A bar to one side or the other for each sure difference; None of none."""
    from workers.cli.questions.charts import Chart, Series
    from workers.cli.questions.contrast_table import point_of

    shown = [point_of(one) for _, contrasts in _sections(answer) for one in contrasts if one.is_sure][:_MOST_DRAWN]
    if not shown:
        return None
    title = f"{_side(answer.a)}, less {_side(answer.b)}"
    return Chart(title, answer.notes, "share of calls, a less b", (Series("difference", tuple(shown)),), is_share=True)
