"""``convmine kb add``: files, folders and web pages into the knowledge base."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.knowledge.adding import Added, Entry, Offered
    from pipeline.knowledge.documents import Document
    from pipeline.knowledge.offering import Folder
    from pipeline.ports import VectorStore
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class _What:
    """What is to be added, as it was typed."""

    paths: tuple[Path, ...]
    folder_name: str | None
    hosts: tuple[str, ...]


@click.command("add")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="DIR|FILE|URLS.txt..."
)
@click.option("--scenario", required=True, help="Whose knowledge it is.")
@click.option("--language", help="Of all documents; told from each one's text if not given.")
@click.option("--by", help="Who answers for what they say; the user of this machine if not given.")
@click.option("--as", "folder_name", help="Name of the folder in the knowledge base; its own if not given.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST[:PORT]", help="Host that pages may come from.")
@click.option("--prune", is_flag=True, help="Take out documents of the folder whose file is gone.")
@json_option
def add_knowledge(  # noqa: PLR0913 - one argument an option
    *,
    paths: tuple[Path, ...],
    scenario: str,
    language: str | None,
    by: str | None,
    folder_name: str | None,
    hosts: tuple[str, ...],
    prune: bool,
    as_json: bool,
) -> None:
    """Add documents to the knowledge base, or renew those that have changed: Markdown, text, HTML, PDF, DOCX, CSV.

    A folder is taken with those below it. A text file that has nothing but addresses, one a line, is a list of web
    pages; they are fetched from the hosts that --allow-host names. What has not changed since costs nothing. Personal
    numbers and addresses are masked. Exits with 1 where a document could not be read; the others are added.
    """
    from pipeline.settings import load

    if folder_name is not None and sum(path.is_dir() for path in paths) != 1:
        raise click.UsageError("--as names one folder")
    settings = load()
    entry = _entry(settings, scenario, language, by)
    added, gone = asyncio.run(_add(settings, entry, _What(paths, folder_name, hosts), prune=prune))
    if as_json:
        print_json(
            {
                "items": [dataclasses.asdict(one) for one in added],
                "gone": [dataclasses.asdict(one) for one in gone],
                "pruned": prune,
                "next": None,
            }
        )
    else:
        _tell(added, gone, scenario, pruned=prune)
    if any(one.what == "failed" for one in added):
        raise click.exceptions.Exit(1)


def _entry(settings: Settings, scenario: str, language: str | None, by: str | None) -> Entry:
    from pipeline.errors import ConvmineError
    from pipeline.knowledge.adding import Entry
    from workers.cli.kb import scenario_named
    from workers.os_user import os_user

    languages = tuple(scenario_named(settings, scenario).editions)
    if language is not None and language not in languages:
        raise ConvmineError(f"{scenario} is not in {language}", hint=f"its languages are {', '.join(languages)}")
    return Entry(settings.tenant, scenario, languages, by or os_user(), language)


async def _add(
    settings: Settings, entry: Entry, what: _What, *, prune: bool
) -> tuple[Sequence[Added], Sequence[Document]]:
    """What became of each document, and those that are gone from the folders."""
    from pipeline.knowledge.adding import Added, add
    from pipeline.knowledge.documents import documents
    from pipeline.knowledge.reading_apart import ReadApart
    from pipeline.store.open import store_of
    from workers.cli.recording import record

    await record(settings, "kb add", scenario=entry.scenario, paths=[str(path) for path in what.paths], prune=prune)
    async with store_of(settings) as store:
        known = {one.source: one for one in await documents(store, entry.tenant_id, entry.scenario)}
        done: dict[str, Added] = {}
        with ReadApart() as apart:
            async for one in _offered(what):
                if one.source not in done:
                    read = (
                        one
                        if isinstance(one, Added)
                        else await add(store, one, known.get(one.source), entry, apart.read)
                    )
                    done[one.source] = read
        gone = list(_gone(what, known.values(), done))
        if prune:
            await _prune(store, entry, gone)
    return list(done.values()), gone


async def _offered(what: _What) -> AsyncIterator[Offered | Added]:
    from pipeline.knowledge.offering import of_file, of_folder, urls_in
    from pipeline.knowledge.web_pages import WebPages

    pages = WebPages(what.hosts)
    for path in what.paths:
        if path.is_dir():
            for one in of_folder(_folder(path, what.folder_name)):
                yield one
        elif urls := urls_in(path):
            for url in urls:
                yield await pages.fetch(url)
        else:
            yield of_file(path, path.name)


def _folder(path: Path, name: str | None) -> Folder:
    from pipeline.knowledge.offering import Folder

    return Folder(path, name or path.resolve().name)


def _gone(what: _What, known: Iterable[Document], done: dict[str, Added]) -> Iterable[Document]:
    prefixes = tuple(_folder(path, what.folder_name).prefix for path in what.paths if path.is_dir())
    return (one for one in known if prefixes and one.source.startswith(prefixes) and one.source not in done)


async def _prune(store: VectorStore, entry: Entry, gone: Sequence[Document]) -> None:
    from pipeline.knowledge.documents import of_documents
    from pipeline.store.collections import KNOWLEDGE

    for one in gone:
        await store.remove(KNOWLEDGE, of_documents(entry.tenant_id, entry.scenario, one.source))


def _tell(added: Sequence[Added], gone: Sequence[Document], scenario: str, *, pruned: bool) -> None:
    shown = [one for one in added if one.what != "unchanged"]
    if shown:
        columns = ("document", "what", "version", "language", "passages", "masked", "note")
        print_table(columns, [_row(one) for one in shown])
    for one in gone:
        click.echo(f"{'taken out' if pruned else 'gone from the folder, and still known'}: {plain(one.source)}")
    if gone and not pruned:
        click.echo("--prune takes them out")
    counts = Counter(one.what for one in added)
    click.echo(
        ", ".join(f"{counts[what]} {what}" for what in ("added", "changed", "unchanged", "failed") if counts[what])
    )
    if counts["added"] or counts["changed"]:
        click.echo(f"what it is worth: convmine kb check --scenario {scenario}", err=True)


def _row(one: Added) -> tuple[object, ...]:
    return (
        one.source,
        one.what,
        one.version or "",
        one.language,
        one.passages or "",
        one.masked or "",
        one.reason or "; ".join(one.notes),
    )
