"""``convmine dashboard``: the pages for sellers, supervisors and analysts, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import json
import sys

import click

from pipeline.errors import ConvmineError
from pipeline.settings import load
from workers.cli.browser import open_browser
from workers.cli.output import json_option


@click.command("dashboard")
@click.option("--host", help="Address to listen on, instead of CONVMINE_DASHBOARD_HOST.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port, instead of CONVMINE_DASHBOARD_PORT; 0 is a free one."
)
@click.option("--open", "opens", is_flag=True, help="Open it in the browser of this machine.")
@json_option
def dashboard(host: str | None, port: int | None, *, opens: bool, as_json: bool) -> None:
    """Serve the pages for sellers, supervisors and analysts; prints its address when it listens.

    Who signs in needs a key, which `convmine keys new` makes: its scopes say which pages and whose calls one sees.

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
    from workers.dashboard.serving import run_dashboard

    def listening_at(address: str) -> None:
        click.echo(json.dumps({"url": address}) if as_json else address)
        if opens:
            open_browser(address)

    try:
        settings = load()
        logs.configure(settings.log)
        given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
        ours = settings.model_copy(update={"dashboard": settings.dashboard.model_copy(update=given)})
        asyncio.run(run_dashboard(ours, listening_at))
    except ConvmineError as error:
        complain(error)
        sys.exit(exit_status(error))
