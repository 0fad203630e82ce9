"""``convmine store apply``: make what the store lacks, and change it to what the settings say."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING, Final

import click

from workers.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from pipeline.store.generations.applying import Applied

_RE_EMBEDDED: Final = """\
searched with the new embedder from now on; workers that run go on with the old generation until they are started again
once they have been, this takes over what they wrote until then, and deletes the old: """
_DROP: Final = "convmine store apply --drop-old"


@click.command("apply")
@click.option("--re-embed", is_flag=True, help="Make anew what another embedder made; searching goes on meanwhile.")
@click.option("--drop-old", is_flag=True, help="Delete the generations before the current one.")
@json_option
def apply_store(*, re_embed: bool, drop_old: bool, as_json: bool) -> None:
    """Make what the store lacks, and change it to what the settings say: collections, indexes, fields, quantisation.

    With --re-embed it begins the next generation of each collection that another embedder made, and goes on with one
    that was begun. Run once more, it takes over what workers wrote to the old one meanwhile.
    """
    applied = asyncio.run(_apply(re_embed=re_embed, drop_old=drop_old, quiet=as_json or not sys.stderr.isatty()))
    if as_json:
        print_json(dataclasses.asdict(applied))
    else:
        _print(applied, re_embed=re_embed)


async def _apply(*, re_embed: bool, drop_old: bool, quiet: bool) -> Applied:
    from pipeline.settings import load
    from pipeline.store.generations.applying import Installation, apply
    from pipeline.store.open import connection_of, embedder_of, layout_of
    from workers.cli.progress import stage_bars

    settings = load()
    embedder, connection = embedder_of(settings), connection_of(settings.store)
    try:
        with stage_bars(quiet=quiet) as tell:
            store = Installation(connection, embedder, settings.store.prefix, layout_of(settings.store), tell)
            return await apply(store, re_embed=re_embed, drop_old=drop_old)
    finally:
        await embedder.close()
        await connection.close()


def _print(applied: Applied, *, re_embed: bool) -> None:
    for step in applied.steps:
        click.echo(plain(f"{step.collection}: {step.done}"))
    if not applied.steps:
        click.echo("nothing to do")
    if applied.others:
        click.echo(plain(f"older generations are kept: {', '.join(applied.others)}"))
        click.echo(_RE_EMBEDDED + _DROP if re_embed and applied.steps else f"to delete them: {_DROP}")
