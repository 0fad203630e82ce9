"""``convmine dlq replay``: publish dead letters again after the fix, each once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ConvmineError
from workers.cli.dlq import dead_letters, filter_options, wanted_of
from workers.cli.output import json_option, plain, print_json
from workers.cli.progress import stage_bars

if TYPE_CHECKING:
    from workers.dead_letters import DeadLetter
    from workers.replays import DeadLetters, Outcome, Pace


@click.command("replay")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@filter_options
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, oldest first.")
@click.option("--again", is_flag=True, help="Also those that were replayed before.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent where.")
@click.option("--rate", type=click.FloatRange(min=0.001), help="At most so many a second.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
def replay_letters(  # noqa: PLR0913 - one argument an option
    names: tuple[str, ...],
    limit: int | None,
    rate: float | None,
    *,
    everything: bool,
    again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **filters: Any,  # noqa: ANN401 - the options by name
) -> None:
    """Publish dead letters again for the stage that set them aside: each NAME, what filters find, or --all.

    The original value, key and headers go back to the original topic; other stages that read it skip them. What was
    replayed is marked, and skipped the next time unless --again. A replay that broke off can be run again.

    On a terminal it asks before it replays more than one that filters or --all have found, unless --yes. In a pipe it
    does not ask.
    """
    from workers.replays import Pace

    filtered = any(value is not None for value in filters.values())
    if bool(names) + filtered + everything != 1:
        raise click.UsageError("name dead letters, or give filters, or say --all: one of the three")
    letters = dead_letters()
    chosen, replayed_before = _chosen(letters, names, filters, again=again)
    chosen = chosen[:limit]
    if dry_run:
        outcomes = letters.rehearse(chosen)
    else:
        if len(chosen) > 1 and not names and not yes and sys.stdin.isatty():
            _ask(chosen)
        outcomes = _replayed(letters, chosen, Pace(rate), again=again, quiet=as_json)
    _print(outcomes, replayed_before, dry_run=dry_run, as_json=as_json)


def _chosen(
    letters: DeadLetters, names: Iterable[str], filters: dict[str, Any], *, again: bool
) -> tuple[list[DeadLetter], int]:
    """The letters to replay, oldest first, and how many there are besides that were replayed before."""
    from workers.dead_letters import place_of

    places = [place_of(name) for name in names]
    skipped = 0
    chosen: list[DeadLetter] = []
    for letter, replay in letters.at(places) if places else letters.wanted(wanted_of(filters)):
        if replay is None or again:
            chosen.append(letter)
        else:
            skipped += 1
    return sorted(chosen, key=lambda letter: (letter.at, letter.place.offset)), skipped


def _ask(chosen: Sequence[DeadLetter]) -> None:
    counts = Counter(f"{letter.stage}.{letter.lane} from {letter.topic}" for letter in chosen)
    what = ", ".join(f"{count} for {where}" for where, count in counts.items())
    if not click.confirm(f"replay {len(chosen)} dead letters ({what})?", err=True):
        raise ConvmineError("nothing was replayed")


def _replayed(
    letters: DeadLetters, chosen: Sequence[DeadLetter], pace: Pace, *, again: bool, quiet: bool
) -> list[Outcome]:
    """Replay them, with a progress bar on a terminal; what became of each."""
    if not chosen:
        return []
    outcomes: list[Outcome] = []
    with stage_bars(quiet=quiet or not sys.stderr.isatty()) as follow:

        def told(some: Sequence[Outcome]) -> None:
            outcomes.extend(some)
            follow({"replay": (len(outcomes), len(chosen))})

        try:
            letters.replay(chosen, again=again, pace=pace, told=told)
        except ConvmineError as error:
            if not (done := _count(outcomes, "replayed")):
                raise
            raise ConvmineError(
                f"{error.message}; {done} of {len(chosen)} were replayed before that", hint="run it again for the rest"
            ) from error
    return outcomes


def _print(outcomes: Sequence[Outcome], replayed_before: int, *, dry_run: bool, as_json: bool) -> None:
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    replayed = _count(outcomes, "due" if dry_run else "replayed")
    skipped = replayed_before + _count(outcomes, "skipped")
    if as_json:
        items = [_item(outcome) for outcome in outcomes]
        print_json({"replayed": replayed, "skipped": skipped, "dry_run": dry_run, "items": items})
    else:
        if dry_run:
            for outcome in outcomes:
                click.echo(_line(outcome))
        again = " (--again replays them once more)" if skipped else ""
        said = "would be replayed" if dry_run else "replayed"
        click.echo(f"{replayed} {said}, {skipped} skipped that were replayed before{again}")
    if refused:
        first = refused[0]
        raise ConvmineError(f"{len(refused)} cannot be replayed, such as {first.letter.name}: {first.reason}")


def _count(outcomes: Iterable[Outcome], state: str) -> int:
    return sum(outcome.state == state for outcome in outcomes)


def _item(outcome: Outcome) -> dict[str, object]:
    letter = outcome.letter
    return {
        "name": letter.name,
        "state": outcome.state,
        "stage": letter.stage,
        "lane": letter.lane,
        "call_id": letter.call_id,
        "topic": letter.topic,
        "partition": outcome.partition,
        "offset": outcome.offset,
        "reason": outcome.reason or None,
    }


def _line(outcome: Outcome) -> str:
    letter = outcome.letter
    where = "by its key" if outcome.partition is None else f"partition {outcome.partition}"
    call = f", call {letter.call_id}" if letter.call_id else ""
    return plain(f"{letter.name} to {letter.topic}, {where}, for {letter.stage}.{letter.lane}{call}")
