"""``convmine aggregate``: counts, shares, win rates and handle times by one field or two."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.questions.plots import plot_option
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.counts.aggregating import Aggregated
    from pipeline.questions.question import Aggregate

_PIPE_WIDTH = 100


class Fields(click.ParamType):
    """Names of fields, parted by commas."""

    name = "FIELD[,FIELD]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ANN401 - click's own
        del param, ctx
        return value if isinstance(value, tuple) else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command()
@click.option("--by", type=Fields(), default=(), help="What to count by: intent, agent, week … or two: intent,week.")
@click.option(
    "--metric",
    type=click.Choice(["count", "share", "win_rate", "avg_handle_time"]),
    default="count",
    show_default=True,
    help="Shares and win rates come with their interval.",
)
@click.option(
    "--of",
    type=click.Choice(["calls", "utterances", "intents", "suggestions"]),
    default="calls",
    show_default=True,
    help="What is counted.",
)
@asked_options
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="The most values of a field."
)
@plot_option
@json_option
def aggregate(plot: Path | None, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Count calls, or work out shares, win rates and handle times, with a small chart.

    Calls without an outcome are in no win rate; how many there are is said.
    """
    from pipeline.questions.question import Aggregate
    from workers.cli.questions.asking import ask

    question = Aggregate(**asked_of(options), **options)
    answer: Aggregated = asyncio.run(ask(question))
    if plot is not None and answer.total.count:
        _draw(question, answer, plot)
    if as_json:
        print_json(dataclasses.asdict(answer))
    else:
        print_answer(question, answer)


def print_answer(question: Aggregate, answer: Aggregated) -> None:
    """The chart, a table by two fields that are no times, and notes below."""
    from workers.cli.questions.aggregate_chart import chart_of
    from workers.cli.questions.charts import lines

    if not answer.total.count:
        say_empty(answer.emptied_by)
        return
    chart = chart_of(question, answer)
    click.echo(plain(chart.title))
    if len(question.by) == 2 and not chart.is_time:  # noqa: PLR2004 - by two fields
        _print_table(question, answer)
    elif answer.groups:
        click.echo()
        for line in lines(chart, _width()):
            click.echo(line)
        click.echo()
    for note in chart.notes:
        click.echo(plain(note))


def _print_table(question: Aggregate, answer: Aggregated) -> None:
    from workers.cli.questions.aggregate_chart import figure_of

    rows = ((*group.names, figure_of(group, question.metric)) for group in answer.groups)
    print_table((*question.by, question.metric.replace("_", " ")), rows)


def _draw(question: Aggregate, answer: Aggregated, path: Path) -> None:
    from workers.cli.questions.aggregate_chart import chart_of
    from workers.cli.questions.plots import write_plot

    write_plot(chart_of(question, answer), path)
    click.echo(f"drawn into {path}", err=True)


def _width() -> int:
    return shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else _PIPE_WIDTH
