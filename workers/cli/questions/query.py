"""``convmine query``: what is stored, filtered, in order and page by page."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.question import Query
    from pipeline.store.answers import Found


@click.command()
@click.option(
    "--of",
    type=click.Choice(["calls", "utterances", "intents", "suggestions"]),
    default="intents",
    show_default=True,
    help="What is listed.",
)
@click.option("--sort", metavar="[-]FIELD", help="started, duration or confidence; -started has the latest first.")
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.option("--after", help="The mark that the page before gave as next.")
@json_option
def query(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """List extracted intents with the words that they stand on, or calls, utterances or suggestions."""
    from pipeline.questions.question import Query
    from workers.cli.questions.asking import ask

    question = Query(**asked_of(options), **options)
    found = asyncio.run(ask(question))
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        print_answer(question, found)


def print_answer(question: Query, found: Found[Any]) -> None:
    """The rows as a table, and on standard error the command that prints the next page."""
    from pipeline.questions.command_line import command_line
    from workers.cli.questions.rows import print_rows

    if found.items:
        print_rows(question.of, found.items)
    elif found.next is None and question.after is None:
        say_empty(found.emptied_by)
    if found.next is not None:
        following = command_line(question.model_copy(update={"after": found.next}))
        click.echo(plain(f"more: {shlex.join(['convmine', *following])}"), err=True)
