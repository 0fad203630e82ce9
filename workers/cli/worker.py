"""``convmine worker``: run one stage, or all of them on one machine, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.settings import load
from pipeline.stages import STAGES
from schemas.wire import Lane


@click.command("worker")
@click.argument("stage", type=click.Choice(["all", *dict.fromkeys(stage.name for stage in STAGES)]))
@click.option("--lane", type=click.Choice([str(lane) for lane in Lane]), default=str(Lane.BATCH), show_default=True)
def worker(stage: str, lane: str) -> None:
    """Run STAGE as a consumer group of its own; start it as often as you like, anywhere.

    \b
    Ends with
      0    drained after SIGTERM or SIGINT
      75   something is away (Kafka, a topic, the store): start it again
      78   a setting is wrong: starting it again does not help
      1    anything else
    A second SIGTERM or SIGINT ends it at once.
    """  # noqa: D301 - click's own mark for lines that are not to be filled
    from workers.cli import complain

    try:
        _run(stage, lane)
    except ConvmineError as error:
        complain(error)
        sys.exit(exit_status(error))


def exit_status(error: ConvmineError) -> int:
    """What tells whoever runs the worker whether to start it again. Source: sysexits.h."""
    if isinstance(error, Config):
        return os.EX_CONFIG
    return os.EX_TEMPFAIL if isinstance(error, Retryable) else 1


def _run(stage: str, lane: str) -> None:
    from workers import logs
    from workers.processes import run_stages

    settings = load()
    logs.configure(settings.log)
    chosen = [found for found in STAGES if str(found.lane) == lane and stage in {"all", found.name}]
    if not chosen:
        lanes = ", ".join(str(found.lane) for found in STAGES if found.name == stage)
        raise click.UsageError(f"stage {stage} has no lane {lane}, but {lanes or 'none'}")
    asyncio.run(run_stages(settings, chosen))
