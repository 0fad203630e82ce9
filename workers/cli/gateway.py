"""``convmine gateway``: questions over HTTP, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import json
import sys

import click

from pipeline.errors import ConvmineError
from pipeline.settings import load
from workers.cli.output import json_option


@click.command("gateway")
@click.option("--host", help="Address to listen on, instead of CONVMINE_GATEWAY_HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port, instead of CONVMINE_GATEWAY_PORT; 0 is a free one.")
@json_option
def gateway(host: str | None, port: int | None, *, as_json: bool) -> None:
    """Take calls in, give advice out and answer questions over HTTP; prints its address when it listens.

    Who asks needs a key, which `convmine keys new` makes. /openapi.json describes all pages.

    \b
    Ends with
      0    drained after SIGTERM or SIGINT
      75   the store is away: start it again
      78   a setting is wrong: starting it again does not help
      1    anything else
    """  # noqa: D301 - click's own mark for lines that are not to be filled
    from workers import logs
    from workers.cli import complain
    from workers.cli.worker import exit_status
    from workers.gateway.serving import run_gateway

    try:
        settings = load()
        logs.configure(settings.log)
        given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
        ours = settings.model_copy(update={"gateway": settings.gateway.model_copy(update=given)})
        asyncio.run(run_gateway(ours, lambda address: click.echo(json.dumps({"url": address}) if as_json else address)))
    except ConvmineError as error:
        complain(error)
        sys.exit(exit_status(error))
