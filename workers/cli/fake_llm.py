"""``convmine fake-llm``: a language model's server for tests, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from workers.cli.output import json_option
from workers.told_to_end import SIGNALS


@click.command("fake-llm")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option(
    "--script",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Steps to answer by, in YAML or JSON; without them every answer is by rule.",
)
@click.option("--delay-s", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds until an answer.")
@click.option("--requests-per-minute", type=click.IntRange(1), help="Beyond it: 429 with Retry-After.")
@click.option(
    "--burst", type=click.IntRange(1), help="How many of a minute's requests may come at once; all, if not set."
)
@json_option
def fake_llm(  # noqa: PLR0913 - one argument an option
    *,
    host: str,
    port: int,
    path: Path | None,
    delay_s: float,
    requests_per_minute: int | None,
    burst: int | None,
    as_json: bool,
) -> None:
    """Serve a made-up language model for tests, OpenAI-compatible; prints its address when it listens.

    It answers by the steps of a script (docs/fake-llm.md), else by rule: deterministic, from the prompt's own words.
    GET /stats counts what came and what became of it.
    """
    from workers.fake_llm.rate_limit import RateLimit
    from workers.fake_llm.script import Script, ScriptError, read_script
    from workers.fake_llm.server import FakeLlm

    try:
        script = Script() if path is None else read_script(path)
    except ScriptError as error:
        raise click.UsageError(str(error)) from error
    limit = None if requests_per_minute is None else RateLimit(requests_per_minute, burst)
    llm = FakeLlm(script, delay_s=delay_s, limit=limit)

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with llm.listening(host, port) as base_url:
            click.echo(json.dumps({"base_url": base_url}) if as_json else base_url)
            await stop.wait()

    try:
        asyncio.run(until_signalled())
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
