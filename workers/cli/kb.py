"""``convmine kb list`` and ``kb remove``: the documents of the knowledge base, and taking one out."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.knowledge.documents import Document
    from pipeline.scenarios.model import Scenario
    from pipeline.settings import Settings


def scenario_named(settings: Settings, name: str) -> Scenario:
    """A scenario of this installation.

    Raises:
        ConvmineError: there is none of this name.
    """
    from pipeline.scenarios.load import ScenarioError
    from pipeline.scenarios.opened import load_library

    try:
        return load_library(settings)(name, settings.tenant)
    except ScenarioError as error:
        raise ConvmineError(str(error), hint="convmine scenario list has them") from error


@click.command("list")
@click.option("--scenario", help="Documents of this scenario; of all if not given.")
@json_option
def list_knowledge(scenario: str | None, *, as_json: bool) -> None:
    """List the documents that were added, each with its version, and who added it when.

    Pages that ship with a scenario are not among them: they come and go with it.
    """
    from pipeline.settings import load

    found = asyncio.run(_documents(load(), scenario))
    if as_json:
        print_json({"items": [dataclasses.asdict(one) for one in found], "next": None})
        return
    columns = ("document", "scenario", "language", "version", "passages", "added by", "added at", "title")
    print_table(columns, [_row(one) for one in found])


@click.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="DOCUMENT...")
@click.option("--scenario", help="Of this scenario alone; needed where several have a document of this name.")
@json_option
def remove_knowledge(names: tuple[str, ...], scenario: str | None, *, as_json: bool) -> None:
    """Take documents out, named as `convmine kb list` names them, or by their document_id."""
    from pipeline.settings import load

    removed = asyncio.run(_remove(load(), names, scenario))
    if as_json:
        print_json({"items": [dataclasses.asdict(one) for one in removed], "next": None})
        return
    for one in removed:
        click.echo(f"taken out: {plain(one.source)} ({one.scenario}, version {one.version}, {one.passages} passages)")


async def _documents(settings: Settings, scenario: str | None) -> Sequence[Document]:
    from pipeline.knowledge.documents import documents
    from pipeline.store.open import store_of

    async with store_of(settings) as store:
        return await documents(store, settings.tenant, scenario)


async def _remove(settings: Settings, names: Sequence[str], scenario: str | None) -> Sequence[Document]:
    """All of them or none."""
    from pipeline.knowledge.documents import documents, of_documents
    from pipeline.store.collections import KNOWLEDGE
    from pipeline.store.open import store_of
    from workers.cli.recording import record

    async with store_of(settings) as store:
        known = await documents(store, settings.tenant, scenario)
        chosen = {one.document_id: one for name in names for one in [_named(name, known)]}
        await record(settings, "kb remove", documents=[one.source for one in chosen.values()])
        for one in chosen.values():
            await store.remove(KNOWLEDGE, of_documents(settings.tenant, one.scenario, one.source))
        return list(chosen.values())


def _named(name: str, known: Sequence[Document]) -> Document:
    found = [one for one in known if name in {one.source, one.document_id}]
    if not found:
        raise ConvmineError(f"there is no document {name!r}", hint="convmine kb list has them")
    if len(found) > 1:
        raise ConvmineError(
            f"{name!r} is in {', '.join(one.scenario for one in found)}", hint="--scenario says which is meant"
        )
    return found[0]


def _row(one: Document) -> tuple[object, ...]:
    version = f"{one.version}{'' if one.is_whole else ' (not whole: add it again)'}"
    return (one.source, one.scenario, one.language, version, one.passages, one.added_by, one.added_at, one.title)
