"""``convmine prompt list``: the versions of prompts that there are, and those that running workers say they run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from schemas.reference import ConfigRunning

_DIGITS = 12


@click.command("list")
@click.option("--scenario", help="Only of this scenario.")
@click.option("--language", help="Only in this language.")
@click.option("--running", is_flag=True, help="What each worker that lives says it runs, as Kafka has it.")
@json_option
def list_prompts(*, scenario: str | None, language: str | None, running: bool, as_json: bool) -> None:
    """List every version of every prompt: those that ship, and those of the folder CONVMINE_SCENARIOS_PATH.

    The digest is the beginning of the SHA-256 of a version's file.
    """
    from pipeline.settings import load

    settings = load()
    if running:
        _show_running(settings, scenario, language, as_json=as_json)
        return
    rows = [row for row in _versions(settings, scenario) if language in {None, row["language"]}]
    if as_json:
        print_json({"items": rows})
        return
    columns = ("scenario", "language", "prompt", "version", "digest", "answer", "model", "parameters")
    print_table(
        columns,
        [
            [", ".join(row[name]) if name == "parameters" else row[name] for name in columns]
            for row in ({**row, "digest": row["digest"][:_DIGITS]} for row in rows)
        ],
    )


def _versions(settings: Settings, scenario: str | None) -> Iterator[dict[str, Any]]:
    from pipeline.scenarios.load import ScenarioError
    from pipeline.scenarios.opened import load_library

    library = load_library(settings)
    try:
        found = [library(name, settings.tenant) for name in library.names(settings.tenant) if scenario in {None, name}]
        if not found and scenario is not None:
            library(scenario, settings.tenant)
    except ScenarioError as error:
        raise ConvmineError(str(error)) from error
    for one in found:
        for language, edition in sorted(one.editions.items()):
            for prompt in sorted(edition.prompts, key=lambda prompt: (prompt.id, prompt.version)):
                yield {
                    "scenario": one.id,
                    "language": language,
                    "prompt": prompt.id,
                    "version": prompt.version,
                    "digest": prompt.digest,
                    "answer": prompt.answer,
                    "model": one.model_for(prompt) or settings.llm.model,
                    "parameters": list(prompt.parameters),
                }


def _show_running(settings: Settings, scenario: str | None, language: str | None, *, as_json: bool) -> None:
    from workers.running import running_workers

    workers = asyncio.run(running_workers(settings))
    rows = [
        row
        for worker in workers
        for row in _run_by(worker)
        if scenario in {None, row["scenario"]} and language in {None, row["language"]}
    ]
    refused = [
        {"worker": worker.worker, "what": one.what, "reason": one.reason}
        for worker in workers
        for one in worker.refused
    ]
    if as_json:
        print_json({"items": rows, "refused": refused})
        return
    if not workers:
        click.echo("no worker says what it runs: is one up, on this Kafka and with this topic prefix?", err=True)
        return
    columns = ("worker", "stages", "seen", "scenario", "language", "prompt", "version", "challenger")
    print_table(columns, [[_cell(row, name) for name in columns] for row in rows])
    if refused:
        print_table(("worker", "refused", "because"), [list(one.values()) for one in refused])


def _run_by(worker: ConfigRunning) -> Iterator[dict[str, Any]]:
    for one in worker.prompts:
        yield {
            "worker": worker.worker,
            "stages": list(worker.stages),
            "seen": worker.seen_at.isoformat(timespec="seconds"),
            "scenario": one.scenario,
            "scenario_version": worker.scenarios.get(one.scenario),
            "language": one.language,
            "prompt": one.prompt,
            "version": one.prompt_version,
            "challenger": one.challenger_version,
        }


def _cell(row: Mapping[str, Any], name: str) -> object:
    if name == "scenario" and row["scenario_version"] is not None:
        return f"{row['scenario']} v{row['scenario_version']}"
    return ", ".join(row[name]) if name == "stages" else row[name]
