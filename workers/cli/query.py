"""``convmine query``: extracted intents, filtered and page by page."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import clock, json_option, print_json, print_table
from workers.cli.search import narrowing_options, say_empty

if TYPE_CHECKING:
    from pipeline.store.answers import Found, FoundIntent
    from pipeline.store.narrowing import Asked


@click.command()
@click.option("--intent", help="Name of the intent.")
@click.option("--topic", help="Topic of the intent.")
@narrowing_options
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="At least this sure.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.option("--after", help="The mark that the page before gave as next.")
@json_option
def query(limit: int, after: str | None, *, as_json: bool, **narrowed_by: Any) -> None:  # noqa: ANN401 - the options by name
    """Filter extracted intents, each with the words that it stands on."""
    from pipeline.store.narrowing import Asked

    found = asyncio.run(_found(Asked(**narrowed_by), limit, after))
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not found.items:
        say_empty(found.emptied_by)
    else:
        _print(found)


async def _found(asked: Asked, limit: int, after: str | None) -> Found[FoundIntent]:
    from pipeline.settings import load
    from pipeline.store import questions
    from pipeline.store.open import store_of

    settings = load()
    async with store_of(settings) as store:
        return await questions.query(store, asked, tenant_id=settings.tenant, limit=limit, after=after)


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
