"""``convmine retention``: how long what is stored is kept by the rules, what is due, and its removal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.retention.applying import Applies, Removed, Standing
    from pipeline.retention.notes import TopicStanding
    from pipeline.retention.rules import Rules
    from pipeline.settings import Settings

_rules_option = click.option(
    "--rules",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of rules, instead of CONVMINE_RETENTION_RULES.",
)


@click.command("show")
@_rules_option
@click.option("--kafka", is_flag=True, help="Ask the broker how long its topics keep; else what topics apply sets.")
@json_option
def show_retention(rules: Path | None, *, kafka: bool, as_json: bool) -> None:
    """Show which rules apply to what, and what is due: how many things, and of when the oldest is.

    Nothing is removed. Points of Qdrant's older generations, which are kept for a roll-back, are counted by themselves.
    """
    from pipeline.retention.notes import notes_of, topic_standings
    from pipeline.settings import load

    settings = load()
    read = _rules(settings, rules)
    topics = topic_standings(read, _retentions(settings) if kafka else None)
    found = asyncio.run(_standing(settings, read))
    notes = list(notes_of(read, settings, topics))
    if as_json:
        items = [{**_document(one.applies), "due": one.due.count, "oldest": _text(one.due.oldest)} for one in found]
        print_json({"items": items, "topics": [_topic(one) for one in topics], "notes": notes, "next": None})
        return
    print_table(("kind", "tenant", "kept", "before", "due", "oldest"), [_row(one) for one in found])
    for note in notes:
        click.echo(f"note: {plain(note)}")


@click.command("apply")
@_rules_option
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def apply_retention(rules: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Remove what is older than the rules allow, in Qdrant's older generations, too; calls that go on stay.

    For a timer: run again it has nothing to do, and one that was stopped is gone on with. In local mode no other
    process may have the store open.
    """
    from pipeline.settings import load

    settings = load()
    read = _rules(settings, rules)
    if dry_run:
        due = asyncio.run(_standing(settings, read))
        items = [{**_document(one.applies), "removed": 0, "due": one.due.count} for one in due]
        rows = [(one.applies.kind, one.applies.tenant, _counted(one.due.count)) for one in due if one.due.count != 0]
    else:
        removed = asyncio.run(_apply(settings, read))
        items = [{**_document(one.applies), "removed": one.count, "due": None} for one in removed]
        rows = [(one.applies.kind, one.applies.tenant, f"{one.count:,}") for one in removed if one.count]
    if as_json:
        print_json({"items": items, "dry_run": dry_run, "next": None})
    elif rows:
        print_table(("kind", "tenant", "would be removed" if dry_run else "removed"), rows)
    else:
        click.echo("nothing is due")


async def _standing(settings: Settings, rules: Rules) -> Sequence[Standing]:
    from pipeline.retention.applying import standing
    from pipeline.retention.opened import opened

    async with opened(settings) as found:
        return await standing(found.stocks, rules, found.tenants, datetime.now(UTC))


async def _apply(settings: Settings, rules: Rules) -> Sequence[Removed]:
    """What was removed, kind by kind, each recorded in the audit log as soon as it is."""
    from pipeline.audit.act import command
    from pipeline.retention.applying import apply
    from pipeline.retention.opened import opened
    from workers.cli.recording import recording

    done: list[Removed] = []
    async with opened(settings) as found, recording(settings) as recorder:
        async for one in apply(found.stocks, rules, found.tenants, datetime.now(UTC)):
            if one.count:
                said = {**_document(one.applies), "removed": one.count}
                await recorder.record(command("retention", by=said))
            done.append(one)
    return done


def _rules(settings: Settings, path: Path | None) -> Rules:
    from pipeline.retention.rules import read_rules

    return read_rules(path or settings.retention.rules)


def _retentions(settings: Settings) -> dict[str, timedelta | None]:
    from workers.kafka_retention import retentions

    return retentions(settings.kafka)


def _document(one: Applies) -> dict[str, Any]:
    return {"kind": one.kind, "tenant": one.tenant, "keep_days": one.keep.days, "before": _text(one.before)}


def _topic(one: TopicStanding) -> dict[str, Any]:
    days = None if one.retention is None else round(one.retention / timedelta(days=1), 3)
    keep = None if one.keep is None else one.keep.days
    return {"topic": one.topic, "kind": one.kind, "kafka_days": days, "keep_days": keep, "outlives": one.outlives}


def _row(one: Standing) -> tuple[str, ...]:
    from pipeline.retention.rules import in_days

    rule, oldest = one.applies, one.due.oldest
    kept, before = in_days(rule.keep), f"{rule.before:%Y-%m-%d}"
    return (rule.kind, rule.tenant, kept, before, _counted(one.due.count), f"{oldest:%Y-%m-%d}" if oldest else "")


def _counted(count: int | None) -> str:
    return "not counted" if count is None else f"{count:,}"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
