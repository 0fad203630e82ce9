"""``convmine search``: what was said, by meaning and by word."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import clock, json_option, plain, print_json

if TYPE_CHECKING:
    from pipeline.store.answers import Found, Utterance
    from pipeline.store.narrowing import Asked

Command = Callable[..., None]


class Since(click.ParamType):
    """An instant: a time ago such as ``7d``, or a date."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own
        from pipeline.store.narrowing import parse_since

        try:
            return value if isinstance(value, datetime) else parse_since(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def narrowing_options(command: Command) -> Command:
    """The filters that ``search`` and ``query`` share."""
    roles = click.Choice(["agent", "customer", "supervisor", "unknown"])
    sources = click.Choice(["inferred", "observed"])
    for option in (
        click.option("--outcome-source", type=sources, default="inferred", help="Who says how the call ended."),
        click.option("--outcome", help="Calls that ended so: a name, or won, lost, open."),
        click.option("--call", "call_id", help="One call."),
        click.option("--since", type=Since(), help="Calls begun since then: 7d, 12h, or a date."),
        click.option("--scenario", help="Calls of this scenario."),
        click.option("--role", type=roles, help="Who said it."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("text")
@narrowing_options
@click.option("--intent", help="Where this intent was found.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@json_option
def search(text: str, limit: int, *, as_json: bool, **narrowed_by: Any) -> None:  # noqa: ANN401 - the options by name
    """Search what was said, by meaning and by word.

    Words of TEXT are highlighted on a terminal.
    """
    from pipeline.store.narrowing import Asked

    found = asyncio.run(_found(text, Asked(**narrowed_by), limit))
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not found.items:
        say_empty(found.emptied_by)
    else:
        _print(found)


def say_empty(emptied_by: str | None) -> None:
    """Why an answer is empty, on standard error, so that a pipe gets nothing."""
    if emptied_by is None:
        click.echo("nothing is stored yet: `convmine demo` mines the sample calls", err=True)
    else:
        click.echo(f"nothing found: {emptied_by} left nothing", err=True)


async def _found(text: str, asked: Asked, limit: int) -> Found[Utterance]:
    from pipeline.settings import load
    from pipeline.store import questions
    from pipeline.store.open import store_of

    settings = load()
    async with store_of(settings) as store:
        return await questions.search(store, text, asked, tenant_id=settings.tenant, limit=limit)


def _print(found: Found[Utterance]) -> None:
    width = max(len(item.call_id) for item in found.items)
    for item in found.items:
        where = f"{plain(item.call_id):<{width}}  {clock(item.start_ms)}  {item.role:<8}"
        click.echo(f"{where}  {_highlighted(item.text, item.highlights)}")


def _highlighted(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    """The text with its spans in bold; ``click.echo`` takes the bold away where there is no terminal."""
    pieces, done = [], 0
    for start, end in spans:
        pieces += [plain(text[done:start]), click.style(plain(text[start:end]), bold=True)]
        done = end
    return "".join([*pieces, plain(text[done:])])
