"""``convmine cost``: what language models used and cost, from the ledger."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import click

from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.since import Since

if TYPE_CHECKING:
    from pipeline.llm.costs import Cost
    from pipeline.llm.usage import Purpose, Usage

_BY: Final = ("scenario", "prompt", "model", "day", "stage")


@click.command()
@click.option("--by", type=click.Choice(_BY), default="scenario", show_default=True, help="What to add up by.")
@click.option("--since", type=Since(), help="Days (UTC) from then on: 7d, or a date; without it, all that is kept.")
@json_option
def cost(by: str, since: datetime | None, *, as_json: bool) -> None:
    """Say what language models used and cost: every answer counts, also one that was of no use."""
    from pipeline.llm.costs import costs_by, unpriced_models

    rows = asyncio.run(_rows(since.astimezone(UTC).date() if since else date.min))
    costs = costs_by(rows, by)
    if as_json:
        print_json({"items": [_item(by, one) for one in costs], "next": None})
    elif costs:
        _print(by, costs)
    else:
        click.echo("nothing was used" if since else "nothing is written down yet", err=True)
    if models := unpriced_models(rows):
        named = ", ".join(plain(model) for model in models)
        example = f"{plain(models[0])}=INPUT:OUTPUT"
        click.echo(f"no price was known for {named}: set CONVMINE_BUDGET_PRICES={example} (USD a million)", err=True)


async def _rows(since: date) -> Mapping[Purpose, Usage]:
    from pipeline.errors import Config
    from pipeline.llm.ledgers import open_ledger
    from pipeline.settings import load

    settings = load()
    if settings.budget.ledger == "off":
        raise Config("CONVMINE_BUDGET_LEDGER", "is off: nothing is written down", hint="set it to sqlite or qdrant")
    ledger = open_ledger(settings)
    try:
        return await ledger.read(settings.tenant, since)
    finally:
        await ledger.close()


def _item(by: str, one: Cost) -> dict[str, object]:
    item = dataclasses.asdict(one)
    return {by: item.pop("name"), **item}


def _print(by: str, costs: Sequence[Cost]) -> None:
    columns = (by, "requests", "calls", "tokens in", "cached", "tokens out", "USD", "USD a call")
    print_table(
        columns,
        [
            (
                one.name or "(none)",
                f"{one.requests:,}",
                f"{one.calls:,}",
                f"{one.input_tokens:,}",
                f"{one.cached_tokens:,}",
                f"{one.output_tokens:,}",
                _usd(one),
                "" if one.usd_per_call is None else f"{one.usd_per_call:.5f}",
            )
            for one in costs
        ],
    )


def _usd(one: Cost) -> str:
    if one.usd is None:
        return "not known"
    return f"at least {one.usd:.4f}" if one.unpriced else f"{one.usd:.4f}"
