"""``convmine audit``: who read or erased what."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from workers.cli.output import json_option, print_json, print_table
from workers.cli.since import Since

if TYPE_CHECKING:
    from pipeline.audit.entry import Entry
    from pipeline.audit.log import EntryPage, Wanted
    from pipeline.settings import Settings

_ABOUT: Final = 80
"""Characters of what was asked that the table shows."""
_CALLS: Final = 3
"""Calls that the table names."""


@click.command()
@click.option("--who", help="Only of this key of the gateway, by its id, or this user.")
@click.option("--call", help="Only what showed this call, or asked for it.")
@click.option("--customer", help="Only what showed this customer, or asked for them.")
@click.option("--action", help="Only this kind of question, or this command: transcript, search, export, erase …")
@click.option("--since", type=Since(), help="From then on: 7d, or a date; without it, all that is kept.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@click.option("--after", help="The mark that the page before gave as next.")
@json_option
def audit(  # noqa: PLR0913 - one argument an option
    *,
    who: str | None,
    call: str | None,
    customer: str | None,
    action: str | None,
    since: datetime | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Show who read or erased what, the newest first; calls that were erased keep their id here, and nothing else.

    Through a gateway (CONVMINE_GATEWAY_URL) it needs a key of the scope admin. To look is recorded, too.
    """
    from pipeline.audit.log import Wanted
    from pipeline.settings import load

    settings = load()
    wanted = Wanted(settings.tenant, who, call, customer, action, since)
    page = asyncio.run(_read(settings, wanted, limit, after))
    if as_json:
        print_json({"items": [entry.model_dump(mode="json") for entry in page.items], "next": page.next})
        return
    if page.items:
        print_table(("at", "who", "from", "what", "about", "calls", "result"), map(_row, page.items))
    else:
        click.echo("nothing of this is recorded", err=True)
    if page.next is not None:
        click.echo(f"more: the same with --after {shlex.quote(page.next)}", err=True)


async def _read(settings: Settings, wanted: Wanted, limit: int, after: str | None) -> EntryPage:
    from pipeline.audit.act import command
    from pipeline.errors import Config
    from workers.cli.questions.asking import remote_of
    from workers.cli.recording import recording

    if settings.gateway.url is not None:
        async with remote_of(settings.gateway.url, settings) as answers:
            return await answers.audit(wanted, limit, after)
    if settings.audit.place == "off":
        raise Config("CONVMINE_AUDIT_PLACE", "is off: nothing is recorded", hint="set it to sqlite or qdrant")
    async with recording(settings) as recorder:
        page = await recorder.log.read(wanted, limit=limit, after=after)
        sought = {name: value for name, value in asdict(wanted).items() if value is not None and name != "tenant_id"}
        await recorder.record(command("audit", sought=sought))
        return page


def _row(entry: Entry) -> tuple[str, ...]:
    about = entry.about if len(entry.about) <= _ABOUT else f"{entry.about[:_ABOUT]}…"
    result = entry.result if entry.reason is None else f"{entry.result}: {entry.reason}"
    at = entry.at.astimezone().isoformat(sep=" ", timespec="seconds")
    return (at, entry.who, entry.origin, entry.action, about, _calls(entry), result)


def _calls(entry: Entry) -> str:
    if entry.call_count == 0 and entry.calls:
        return f"none ({entry.calls[0]} was asked for)"
    rest = entry.call_count - min(_CALLS, len(entry.calls))
    return ", ".join([*entry.calls[:_CALLS], *([f"{rest:,} more"] if rest > 0 else [])])
