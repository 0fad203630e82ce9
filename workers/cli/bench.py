"""``convmine bench``: what calls cost on this machine, for ``convmine plan --costs``."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import json_option, print_json, print_table, write_file

if TYPE_CHECKING:
    from pipeline.settings import Settings

_LANES: Final = ("batch", "live")


@click.command()
@click.option("--save", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write the costs (JSON) there.")
@click.option("--calls", default=4, show_default=True, type=click.IntRange(1, 1_000), help="Sample calls a lane.")
@click.option("--lane", "lanes", multiple=True, type=click.Choice(_LANES), default=_LANES, help="May repeat.")
@json_option
def bench(*, path: Path | None, calls: int, lanes: tuple[str, ...], as_json: bool) -> None:
    """Measure what calls cost on this machine: CPU time of each stage, bytes of each topic, points.

    Sample calls go through the handlers that settings name, in this process, without Kafka; nothing of it is kept.
    """
    from pipeline.settings import load
    from schemas.wire import Lane
    from workers import logs
    from workers.costs_measured import document, measure

    settings = load()
    logs.configure(settings.log.model_copy(update={"level": "error"}))
    with tempfile.TemporaryDirectory(prefix="convmine-bench-") as folder:
        found = {}
        for name in lanes:
            if not as_json:
                click.echo(f"{calls + 1} calls through the {name} lane", err=True)
            ours = for_bench(settings, Path(folder) / name)
            found[Lane(name)] = asyncio.run(measure(ours, Lane(name), calls))
    costs = document(found, ours.asr.engine)
    if path is not None:
        write_file(path, json.dumps(costs, indent=2) + "\n")
    if as_json:
        print_json(costs)
    else:
        _print(costs, path)


def for_bench(settings: Settings, store: Path) -> Settings:
    """The offline engine unless one is set, a store in a folder of its own, and nothing that was answered before."""
    from pipeline import samples

    asr = settings.asr
    if "engine" not in asr.model_fields_set:
        asr = asr.model_copy(update={"engine": "pocketsphinx"})
    return settings.model_copy(
        update={
            "asr": asr,
            "store": settings.store.model_copy(update={"url": None, "path": store}),
            "llm": settings.llm.model_copy(update={"cache": "off"}),
            "budget": settings.budget.model_copy(update={"ledger": "off"}),
            "privacy": settings.privacy.model_copy(update={"vault_key": None}),
            "audio": settings.audio.model_copy(update={"allowed_roots": (samples.folder(),)}),
        }
    )


def _print(costs: dict[str, Any], path: Path | None) -> None:
    def shown(one: dict[str, float], *names: str) -> str:
        return next((f"{one[name]:g}" for name in names if name in one), "")

    rows = [
        (
            name,
            shown(one, "events_per_call"),
            shown(one, "events_per_minute"),
            shown(one, "cpu_s"),
            shown(one, "cpu_s_per_minute"),
        )
        for name, one in costs["stages"].items()
    ]
    print_table(("stage", "events a call", "a minute", "CPU s an event", "CPU s an event and minute"), rows)
    topics = [(name, f"{one['batch']:,.0f}", f"{one['live']:,.0f}") for name, one in costs["topics"].items()]
    print_table(("topic", "bytes a minute, batch", "live"), topics)
    for name, engine in costs["engines"].items():
        click.echo(f"{name}: {engine['cpu_s_per_minute']:g} CPU s a minute of a call")
    if path is not None:
        click.echo(f"written to {path}: convmine plan --costs {path}")
