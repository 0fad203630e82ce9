"""``convmine mcp``: questions as the tools of an assistant, on standard input and output."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.util import find_spec

import click


@click.command()
def mcp() -> None:
    """Serve questions to an assistant as read-only tools, by the Model Context Protocol on standard input and output.

    It asks the gateway where CONVMINE_GATEWAY_URL is set, else the store; with a store in a folder, no other process
    can have it open from the first question on. Logs go to standard error.
    """
    from pipeline.errors import ConvmineError
    from pipeline.settings import load
    from workers import logs
    from workers.cli.questions.asking import answers_of

    settings = load()
    logs.configure(settings.log)
    if find_spec("mcp") is None:
        raise ConvmineError("the package mcp is not installed", hint="pip install 'convmine[mcp]'")
    from workers.mcp.server import serve

    asyncio.run(serve(partial(answers_of, settings, "mcp")))
