"""``convmine kb check``: what is wrong with the knowledge base, and what it lacks."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.since import Since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.knowledge.checking import Checked
    from pipeline.knowledge.hits import Hits
    from pipeline.knowledge.stored import Quote
    from pipeline.settings import Settings

_SHOWN: Final = 20
"""Of each kind, for people; --json has all."""
_SINCE: Final = timedelta(days=30)


@click.command("check")
@click.option("--scenario", required=True, help="Whose knowledge.")
@click.option(
    "--questions",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask those of this file, one a line, and not those of stored calls.",
)
@click.option("--since", type=Since(), help="Ask what customers asked in calls begun since then; 30d if not given.")
@click.option("--strict", is_flag=True, help="Exit with 1 where there is a finding.")
@json_option
def check_knowledge(*, scenario: str, file: Path | None, since: datetime | None, strict: bool, as_json: bool) -> None:
    """Say what is there twice, what contradicts itself, what to look at, and which questions have no answer.

    A contradiction is the same thing with another price, amount or date in two passages; both are quoted. Questions are
    those that customers asked in stored calls, or those of a file.
    """
    from pipeline.settings import load

    if file is not None and since is not None:
        raise click.UsageError("--questions has questions of its own: leave out --since")
    checked = asyncio.run(_check(load(), scenario, file, since or datetime.now(UTC) - _SINCE))
    if as_json:
        print_json({**dataclasses.asdict(checked), "findings": checked.findings})
    else:
        _tell(checked)
    if strict and checked.findings:
        raise click.exceptions.Exit(1)


async def _check(settings: Settings, name: str, file: Path | None, since: datetime) -> Checked:
    from pipeline.knowledge.checking import check
    from pipeline.knowledge.hits import questions_of_file, stored_questions
    from pipeline.store.open import store_of
    from workers.cli.kb import scenario_named
    from workers.cli.recording import record

    scenario = scenario_named(settings, name)
    asked = None if file is None else questions_of_file(file, scenario.editions)
    await record(settings, "kb check", scenario=name, since=None if file else since.isoformat(timespec="seconds"))
    async with store_of(settings) as store:
        if asked is None:
            asked = await stored_questions(store, tenant_id=settings.tenant, scenario=name, since=since)
        return await check(store, scenario, asked, tenant_id=settings.tenant)


def _tell(checked: Checked) -> None:
    click.echo(f"{checked.passages} passages of {plain(checked.scenario)}")
    _table(
        "the same twice",
        ("likeness", "one", "other", "words"),
        [(f"{it.likeness:.2f}", _where(it.one), _where(it.other), it.one.text) for it in checked.duplicates],
    )
    _table(
        "contradictions",
        ("about", "unit", "one says", "in", "other says", "in"),
        [
            (" ".join(it.about), it.unit, it.one.text, _where(it.one), it.other.text, _where(it.other))
            for it in checked.contradictions
        ],
    )
    sensitive = [(it.name, it.where.text, _where(it.where)) for it in checked.sensitive_words]
    _table("sensitive words", ("list", "words", "in"), sensitive)
    personal = [(it.kind, it.where.text, _where(it.where)) for it in checked.personal_data]
    _table("personal data", ("kind", "words", "in"), personal)
    _tell_hits(checked.hits)


def _tell_hits(hits: Hits) -> None:
    if hits.hit_rate is None:
        click.echo("no questions were asked: give some with --questions FILE, or look further back with --since")
        return
    _table(
        "questions without an answer",
        ("times", "language", "relevance", "nearest", "question"),
        [(it.times, it.language, f"{it.relevance:.2f}", it.nearest, it.question) for it in hits.misses],
    )
    _table("passages that answered nothing", ("in", "words"), [(_where(it), it.text) for it in hits.never_hit])
    click.echo(f"{hits.answered} of {hits.asked} questions have an answer ({hits.hit_rate:.0%})")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Nothing where there are no rows."""
    if not rows:
        return
    print_table(columns, rows[:_SHOWN], title=f"{title}: {len(rows)}")
    if len(rows) > _SHOWN:
        click.echo(f"and {len(rows) - _SHOWN} more: --json has all")


def _where(quote: Quote) -> str:
    return f"{quote.source}: {quote.title}"
