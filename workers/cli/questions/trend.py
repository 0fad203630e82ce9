"""``convmine trend``: what is rising and what is falling."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.questions.plots import plot_option
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.differences.trending import Row, Trends
    from pipeline.questions.question import Trend
    from workers.cli.questions.charts import Chart


@click.command()
@click.option("--by", default="intent", show_default=True, help="Of what: intent, topic, objection, agent …")
@click.option(
    "--period",
    type=click.Choice(["day", "week", "month"]),
    default="week",
    show_default=True,
    help="The steps of time.",
)
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="The most rows.")
@plot_option
@json_option
def trend(plot: Path | None, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Say what is rising and what is falling: the share of calls that have it, period by period.

    The slope is in points of percent a period, with its 95 % interval and p, which counts in how many rows were looked
    at. The period that still runs is left out.
    """
    from pipeline.questions.question import Trend
    from workers.cli.questions.asking import ask

    question = Trend(**asked_of(options), **options)
    answer: Trends = asyncio.run(ask(question))
    if plot is not None and answer.rows:
        from workers.cli.questions.plots import write_plot

        write_plot(_chart_of(question, answer), plot)
        click.echo(f"drawn into {plot}", err=True)
    if as_json:
        print_json(dataclasses.asdict(answer))
    else:
        print_answer(question, answer)


def print_answer(question: Trend, answer: Trends) -> None:
    """A row each, and notes below."""
    if not answer.periods and answer.unfinished is None:
        say_empty(answer.emptied_by)
        return
    if answer.rows:
        columns = (answer.by, "", "trend", "calls", "share", f"points a {question.period}", "95 %", "p")
        print_table(columns, map(_row, answer.rows))
    for note in _notes(question, answer):
        click.echo(plain(note))


def _row(row: Row) -> tuple[str, ...]:
    from workers.cli.questions.charts import columns
    from workers.cli.questions.contrast_table import p_said, points_said

    known = [share for share in row.shares if share is not None]
    return (
        row.name,
        columns(row.shares),
        row.direction,
        f"{sum(row.calls):,}",
        f"{known[0] * 100:.1f}% to {known[-1] * 100:.1f}%",
        points_said(row.slope.points),
        f"{points_said(row.slope.low)} to {points_said(row.slope.high)}",
        p_said(row.adjusted_p),
    )


def _notes(question: Trend, answer: Trends) -> list[str]:
    notes = list(answer.notes)
    if answer.periods:
        span = f"{answer.periods[0]} to {answer.periods[-1]}"
        notes.insert(0, f"{sum(answer.calls):,} calls, {span}; shares are of the calls of a {question.period}")
    if answer.unfinished is not None:
        notes.append(f"{answer.unfinished} still runs and is left out")
    if answer.too_few:
        notes.append(f"{answer.too_few} in too few calls for a trend")
    if answer.outcomes is not None:
        notes.append(f"how calls ended is {answer.outcomes}")
    return notes


def _chart_of(question: Trend, answer: Trends) -> Chart:
    """A curve or a row each."""
    from workers.cli.questions.charts import Chart, Point, Series

    series = tuple(
        Series(
            f"{row.name} ({row.direction})",
            tuple(
                Point(name, share, "-" if share is None else f"{share * 100:.1f}%")
                for name, share in zip(answer.periods, row.shares, strict=True)
            ),
        )
        for row in answer.rows
    )
    title = f"calls by {answer.by}, share of each {question.period}"
    return Chart(title, tuple(_notes(question, answer)), "share of calls", series, is_time=True, is_share=True)
