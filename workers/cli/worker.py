"""``convmine worker``: run one stage, or all of them on one machine, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio

import click

from pipeline.settings import load
from pipeline.stages import STAGES
from schemas.wire import Lane


@click.command("worker")
@click.argument("stage", type=click.Choice(["all", *dict.fromkeys(stage.name for stage in STAGES)]))
@click.option("--lane", type=click.Choice([str(lane) for lane in Lane]), default=str(Lane.BATCH), show_default=True)
def worker(stage: str, lane: str) -> None:
    """Run STAGE as a consumer group of its own; start it as often as you like, anywhere."""
    from workers import logs
    from workers.processes import run_stages

    settings = load()
    logs.configure(settings.log)
    chosen = [found for found in STAGES if str(found.lane) == lane and stage in {"all", found.name}]
    if not chosen:
        lanes = ", ".join(str(found.lane) for found in STAGES if found.name == stage)
        raise click.UsageError(f"stage {stage} has no lane {lane}, but {lanes or 'none'}")
    asyncio.run(run_stages(settings, chosen))
