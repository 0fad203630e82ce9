"""``convmine store move``: bring what local mode holds to a Qdrant server."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.settings import StoreSettings
    from pipeline.store.generations.moving import Moved


@click.command("move")
@click.option("--to", "url", required=True, metavar="URL", help="The server, such as http://localhost:6333.")
@json_option
def move_store(url: str, *, as_json: bool) -> None:
    """Bring what local mode holds in CONVMINE_STORE_PATH to a Qdrant server, vectors and all.

    The folder stays as it is. Stop the workers that use it first; a run that was broken off goes on when it is started
    again. The key of the server is QDRANT_API_KEY.
    """
    from pipeline.settings import load

    store = load().store
    moved = asyncio.run(_move(store, url, quiet=as_json or not sys.stderr.isatty()))
    if as_json:
        print_json({"to": url, "collections": [dataclasses.asdict(one) for one in moved]})
        return
    print_table(("collection", "points", "new there"), [(one.collection, one.points, one.new) for one in moved])
    click.echo("all points are there; from now on: export QDRANT_URL=" + _quoted(url))


async def _move(store: StoreSettings, url: str, *, quiet: bool) -> list[Moved]:
    from pipeline.erasure.record import ErasureRecord
    from pipeline.errors import Config
    from pipeline.store.connections import Folder
    from pipeline.store.generations.moving import move
    from pipeline.store.open import layout_of, server_at
    from workers.cli.progress import stage_bars

    if not (store.path / "meta.json").is_file():
        raise Config("CONVMINE_STORE_PATH", plain(f"{store.path} holds no store of local mode"))
    source, target = Folder(store.path), server_at(url, store)
    try:
        await ErasureRecord(source, prefix=store.prefix).copy_to(ErasureRecord(target, prefix=store.prefix))
        with stage_bars(quiet=quiet) as tell:
            return await move(source, target, prefix=store.prefix, layout=layout_of(store), tell=tell)
    finally:
        await source.close()
        await target.close()


def _quoted(url: str) -> str:
    import shlex

    return shlex.quote(plain(url))
