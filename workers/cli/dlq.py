"""``convmine dlq list``: what could not be handled; and the filters by which ``replay`` finds it, too."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.settings import load
from pipeline.stages import STAGES
from schemas.wire import Lane
from workers.cli.output import json_option, print_json, print_table
from workers.cli.since import Since

if TYPE_CHECKING:
    from workers.dead_letters import DeadLetter, Replay, Wanted
    from workers.replays import DeadLetters, Known

Command = Callable[..., None]
_MESSAGE_WIDTH: Final = 100
"""Characters of an error's message in the table."""


def filter_options(command: Command) -> Command:
    """The filters that ``list`` and ``replay`` share."""
    stages = list(dict.fromkeys(stage.name for stage in STAGES))
    lanes = [str(lane) for lane in Lane]
    originals = list(dict.fromkeys(topic for stage in STAGES for topic in stage.reads))
    for option in (
        click.option("--since", type=Since(), help="That died since then: 7d, 12h, or a date."),
        click.option("--tenant", "tenant_id", metavar="TENANT", help="Of this tenant."),
        click.option("--call", "call_id", metavar="ID", help="Of this call."),
        click.option("--contains", metavar="TEXT", help="With this in the error's message, in upper or lower case."),
        click.option("--error", metavar="CLASS", help="That died of this, such as Poison."),
        click.option("--topic", type=click.Choice(originals), metavar="ORIGINAL", help="That came from this topic."),
        click.option("--lane", type=click.Choice(lanes), help="Of this lane."),
        click.option("--stage", type=click.Choice(stages), help="Of this stage."),
    ):
        command = option(command)
    return command


def wanted_of(filters: dict[str, Any]) -> Wanted:
    """The filters as they were typed.

    Raises:
        UsageError: no stage can have such dead letters.
    """
    from workers.dead_letters import Wanted

    wanted = Wanted(**filters)
    if not any(wanted.topics()):
        raise click.UsageError("no stage of this name and lane reads this topic")
    return wanted


def dead_letters() -> DeadLetters:
    """Those of the installation that the settings name."""
    from pipeline.privacy.sealing import seal_of
    from workers.replays import DeadLetters

    settings = load()
    return DeadLetters(settings.kafka, seal_of(settings.privacy))


def facts_of(letter: DeadLetter, replay: Replay | None) -> dict[str, Any]:
    """What programs are told of a dead letter."""
    facts = dataclasses.asdict(letter)
    del facts["place"]
    replayed = replay and {
        "at": replay.at.isoformat(),
        "by": replay.by,
        "topic": replay.topic,
        "partition": replay.partition,
        "offset": replay.offset,
    }
    return {"name": letter.name, **facts, "at": letter.at.isoformat(), "replayed": replayed}


@click.command("list")
@filter_options
@click.option("--replayed/--not-replayed", default=None, help="Only what was replayed, or only what was not.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="So many, newest first.")
@json_option
def list_letters(limit: int, *, replayed: bool | None, as_json: bool, **filters: Any) -> None:  # noqa: ANN401 - the options by name
    """List dead letters, newest first."""
    matching = 0

    def found() -> Iterator[Known]:
        nonlocal matching
        for known in dead_letters().wanted(wanted_of(filters)):
            if replayed in {None, known[1] is not None}:
                matching += 1
                yield known

    newest = heapq.nlargest(limit, found(), key=lambda known: (known[0].at, known[0].place.offset))
    if as_json:
        items = [facts_of(letter, replay) for letter, replay in newest]
        print_json({"items": items, "next": None, "matching": matching})
        return
    if not newest:
        click.echo("there are no such dead letters", err=True)
        return
    print_table(("letter", "when", "stage", "lane", "call", "error", "replayed"), (_row(*known) for known in newest))
    if matching > len(newest):
        click.echo(f"the newest {len(newest)} of {matching}; --limit shows more", err=True)


def _row(letter: DeadLetter, replay: Replay | None) -> tuple[object, ...]:
    said = f"{letter.error}: {letter.message}"
    error = said if len(said) <= _MESSAGE_WIDTH else f"{said[:_MESSAGE_WIDTH]}…"
    replayed = replay and f"{replay.at:%Y-%m-%d %H:%M}"
    return letter.name, f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.stage, letter.lane, letter.call_id, error, replayed
