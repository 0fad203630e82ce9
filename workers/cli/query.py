"""``convmine query``: extracted intents, filtered and page by page."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import clock, json_option, print_json, print_table
from workers.cli.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.store.answers import Found, FoundIntent


@click.command()
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.option("--after", help="The mark that the page before gave as next.")
@json_option
def query(limit: int, after: str | None, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Filter extracted intents, each with the words that it stands on."""
    from pipeline.questions.question import Query
    from workers.cli.asking import ask

    found = asyncio.run(ask(Query(limit=limit, after=after, **asked_of(options))))
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not found.items:
        say_empty(found.emptied_by)
    else:
        _print(found)


def _print(found: Found[FoundIntent]) -> None:
    print_table(
        ("call", "time", "role", "intent", "topic", "sure", "words"),
        (
            (item.call_id, clock(item.start_ms), item.role, item.name, item.topic, f"{item.confidence:.2f}", item.quote)
            for item in found.items
        ),
    )
    if found.next is not None:
        click.echo(f"more: --after {found.next}", err=True)
