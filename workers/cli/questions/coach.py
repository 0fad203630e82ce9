"""``convmine coach``: an agent beside the best, calls to listen to, and cards for a person to approve."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.moments import clock
from workers.cli.output import json_option, plain, print_json, print_table, write_file
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.coaching.coach import Coached
    from pipeline.questions.coaching.listening import Listen
    from pipeline.questions.coaching.proposals import ProposedCard
    from pipeline.questions.differences.contrasts import Contrast
    from pipeline.questions.question import Coach


@click.command()
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True, help="The most of each kind.")
@click.option("--cards", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposed cards here (YAML).")
@json_option
def coach(cards: Path | None, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Put the agent of --agent beside the best of the calls asked about, and say what to listen to.

    The best are the quarter of the agents, and at least three, that surely win most (the lower end of the interval of
    their win rate). Narrow with --where team=… to one team. Cards of --cards are proposals: without a person's
    `approved_by` no scenario takes them.
    """
    from pipeline.questions.question import Coach
    from workers.cli.questions.asking import ask

    agent, options["agent"] = options["agent"], None
    if agent is None:
        raise click.UsageError("--agent is missing: whose calls?", ctx=click.get_current_context())
    question = Coach(agent=agent, **asked_of(options), **options)
    answer: Coached = asyncio.run(ask(question))
    if as_json:
        print_json(dataclasses.asdict(answer))
    else:
        print_answer(question, answer)
    if cards is not None:
        _write(cards, question, answer)


def print_answer(question: Coach, answer: Coached) -> None:
    """Who is compared with whom, where the agent falls behind, what to listen to, and what could be a card."""
    from workers.cli.questions.contrast_table import print_contrasts, share_said

    del question
    if not answer.calls:
        say_empty(answer.emptied_by)
        return
    place = "" if answer.place is None else f", place {answer.place} of {answer.agents}"
    click.echo(f"{plain(answer.agent)}: {answer.calls:,} calls, {answer.undecided:,} neither won nor lost{place}")
    for row in answer.best:
        click.echo(f"  best: {plain(row.agent)} won {share_said(row.won)}, surely {row.low * 100:.0f}% or more")
    if answer.won is not None:
        click.echo(f"won ({answer.outcomes}): {share_said(answer.won.a)}, the best {share_said(answer.won.b)}")
    sides = ("agent", "the best")
    if answer.best:
        print_contrasts("Where the agent falls behind", answer.behind, sides, are_mixed=True)
        print_contrasts("Intents", answer.intents, sides)
        print_contrasts("Objections in the calls", answer.objections, sides)
    _print_handling(answer.handling)
    _print_talk(answer)
    _print_listen("Listen: lost after an objection that stayed open", answer.listen)
    _print_listen("Listen: won by the best after the same objection was answered", answer.listen_best)
    _print_cards(answer.cards)
    click.echo()
    for note in answer.notes:
        click.echo(plain(note))


def _print_handling(handling: Sequence[Contrast]) -> None:
    from workers.cli.questions.contrast_table import p_said, points_said, share_said

    if handling:
        click.echo("\nObjections answered, of the calls that had one")
        columns = ("objection", "agent", "the best", "points", "p")
        rows = (
            (
                one.name,
                share_said(one.a),
                share_said(one.b),
                points_said(one.points) if one.difference else "-",
                p_said(one.adjusted_p),
            )
            for one in handling
        )
        print_table(columns, rows)


def _print_talk(answer: Coached) -> None:
    if answer.talk:
        click.echo("\nHow they talk: means a call")
        print_table(
            ("", "agent", "the best", "difference", "95 %", "unit"),
            (
                (
                    one.name,
                    _figure(one.a),
                    _figure(one.b),
                    _figure(one.difference),
                    "-" if one.low is None else f"{_figure(one.low)} to {_figure(one.high)}",
                    one.unit,
                )
                for one in answer.talk
            ),
        )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004 - three digits


def _print_listen(title: str, listen: Sequence[Listen]) -> None:
    if listen:
        click.echo(f"\n{title}")
        print_table(
            ("call", "time", "agent", "objection", "words", "answer"),
            ((one.call_id, clock(one.start_ms), one.agent, one.topic, one.quote, one.answer) for one in listen),
        )


def _print_cards(cards: Sequence[ProposedCard]) -> None:
    from workers.cli.questions.contrast_table import p_said, points_said, share_said

    if cards:
        click.echo("\nCards for a person to approve (--cards FILE.yaml writes them)")
        print_table(
            ("card", "of calls won", "of calls lost", "points", "p"),
            (
                (
                    one.card["title"],
                    share_said(one.evidence.a),
                    share_said(one.evidence.b),
                    points_said(one.evidence.points),
                    p_said(one.evidence.adjusted_p),
                )
                for one in cards
            ),
        )


def _write(path: Path, question: Coach, answer: Coached) -> None:
    from pipeline.questions.coaching.card_file import card_file

    if not answer.cards:
        click.echo(
            "no card is proposed: agents did nothing after an objection that surely goes with won calls", err=True
        )
        return
    of = " and ".join(map(str, question.where))
    text = card_file(answer.cards, outcomes=answer.outcomes, drawn_from=f"calls of {of}" if of else "all calls")
    write_file(path, text)
    count = len(answer.cards)
    click.echo(f"{count} {'card' if count == 1 else 'cards'} to approve in {path}", err=True)
