"""``convmine calls``: the calls that were mined, and one of them from end to end."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.moments import clock
from workers.cli.output import json_option, plain, print_json
from workers.cli.questions.search import say_empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.store.answers import CallView, FoundFollowUp, Turn

_MOMENT: Final = re.compile(r"(\d{1,4}):([0-5]\d)")


@click.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@click.option("--after", help="The mark that the page before gave as next.")
@json_option
def list_calls(limit: int, after: str | None, *, as_json: bool) -> None:
    """List the calls that were mined."""
    from pipeline.questions.question import Query
    from workers.cli.questions.asking import ask
    from workers.cli.questions.rows import print_rows

    found = asyncio.run(ask(Query(of="calls", sort="started", limit=limit, after=after)))
    if as_json:
        print_json(dataclasses.asdict(found))
    elif not found.items:
        say_empty(found.emptied_by)
    else:
        print_rows("calls", found.items)
        if found.next is not None:
            following = ["convmine", "calls", "list", "--limit", str(limit), "--after", found.next]
            click.echo(f"more: {shlex.join(following)}", err=True)


class Moment(click.ParamType):
    """A moment of a call, such as ``03:07``, in seconds."""

    name = "MM:SS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's own
        if isinstance(value, int):
            return value
        found = _MOMENT.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is no moment of a call, such as 03:07", param, ctx)
        return int(found[1]) * 60 + int(found[2])


@click.command()
@click.argument("call_id")
@click.option("--at", "at_s", type=Moment(), help="Mark what was said then, as `search` prints it.")
@json_option
def show_call(call_id: str, at_s: int | None, *, as_json: bool) -> None:
    """Show one call: turns, intents, outcome, suggestions."""
    from pipeline.questions.question import ShowCall
    from pipeline.store.known import Unknown
    from workers.cli.questions.asking import ask

    try:
        view = asyncio.run(ask(ShowCall(call=call_id)))
    except Unknown:
        _say_if_erased(call_id)
        raise
    if as_json:
        print_json(call_document(view))
    else:
        print_call(view, at_s)


def _say_if_erased(call_id: str) -> None:
    """That a call was erased, where it was and the store can be asked; a gateway tells nothing of it.

    Raises:
        ConvmineError: it was.
    """
    from pipeline.errors import ConvmineError
    from pipeline.settings import load
    from workers.cli.calls_erase import erased_at

    settings = load()
    if settings.gateway.url is None and (since := asyncio.run(erased_at(settings, call_id))) is not None:
        raise ConvmineError(f"call {call_id!r} was erased on {since.date()}", hint="convmine calls erasures") from None


def call_document(view: CallView) -> dict[str, Any]:
    """One call for programs: the fields of its row on the top level, ``intents`` with their words."""
    document = dataclasses.asdict(view)
    return {**document.pop("row"), **document}


def print_call(view: CallView, at_s: int | None = None) -> None:
    """One call for people, a thing a line; what was said at this second is marked."""
    _print_facts(view)
    marked = None if at_s is None else _said_at(view.turns, at_s)
    _section("turns", [f"{clock(turn.start_ms)}  {turn.role:<8}  {turn.text}" for turn in view.turns], marked)
    _section(
        "intents",
        [
            f"{clock(intent.start_ms)}  {intent.role:<8}  {intent.name} ({intent.confidence:.2f}): “{intent.quote}”"
            for intent in view.intents
        ],
    )
    _section(
        "tone",
        [
            f"{clock(turn.at_ms)}  {turn.role:<8}  turns for the {turn.change}: “{turn.quote}”"
            for turn in view.tone_turns
        ],
    )
    _section(
        "objections",
        [
            f"{clock(one.start_ms)}  {one.topic or 'no topic'}, {one.handling}: “{one.quote}”{_answered(one.answer)}"
            for one in view.objections
        ],
    )
    _section(
        "follow-ups",
        [
            f"{clock(one.start_ms)}  {one.role:<8}  {one.kind.replace('_', ' ')}: {one.what}{_due(one)}"
            for one in view.follow_ups
        ],
    )
    _section("entities", [f"{one.name} = {one.value}: “{one.quote}”" for one in view.entities])
    _section(
        "compliance",
        [f"{hit.kind.replace('_', ' ')}: {hit.name}{_quoted(hit.quotes)}" for hit in view.compliance],
    )
    _section("talk", _talk(view.talk) if view.talk else [])
    for advice in view.suggestions:
        became = advice.feedback or ("withdrawn" if advice.withdrawn else None)
        click.echo()
        click.echo(plain(f"suggestion at {clock(advice.at_ms)}: {advice.title}" + (f" [{became}]" if became else "")))
        click.echo(f"  {plain(advice.text)}")
        click.echo(f"  because: {plain(advice.reason)}")


def _print_facts(view: CallView) -> None:
    from workers.cli.questions.rows import named

    row = view.row
    lines = {
        "call": row.call_id,
        "started": row.started_at,
        "length": None if row.duration_ms is None else clock(row.duration_ms),
        "scenario": row.scenario,
        "language": row.language,
        "agent": row.agent,
        **view.facts,
        "summary": view.summary,
        "outcome inferred": row.outcome_inferred
        and f"{named(row.outcome_inferred)}, by {row.outcome_inferred.said_by}",
        "outcome observed": row.outcome_observed
        and f"{named(row.outcome_observed)}, by {row.outcome_observed.said_by}",
        "failed": row.failed and f"{row.failed.stage} at {row.failed.at}: {row.failed.reason}",
    }
    known = {name: value for name, value in lines.items() if value not in {None, ""}}
    width = max(map(len, known))
    for name, value in known.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {plain(str(value))}")


def _said_at(turns: Sequence[Turn], at_s: int) -> int | None:
    """Which turn began in this second, or was the last to begin before it."""
    begun = [number for number, turn in enumerate(turns) if turn.start_ms // 1_000 <= at_s]
    return max(begun, key=lambda number: (turns[number].start_ms // 1_000, -number), default=None)


def _section(title: str, lines: list[str], marked: int | None = None) -> None:
    if lines:
        click.echo(f"\n{title}")
    for number, line in enumerate(lines):
        click.echo(click.style(f"▶ {plain(line)}", bold=True) if number == marked else f"  {plain(line)}")


def _answered(answer: str | None) -> str:
    return "" if answer is None else f", the agent: “{answer}”"


def _due(follow_up: FoundFollowUp) -> str:
    """By when, as a day where one was worked out, and as it was said."""
    said = f"“{follow_up.due_said}”" if follow_up.due_said else None
    known = ", ".join(part for part in (follow_up.due, said) if part)
    return f" (due {known})" if known else ""


def _talk(talk: Mapping[str, Any]) -> list[str]:
    """The figures of a talk, a side a line, and what is of the whole talk."""
    lines = []
    for side in talk["sides"]:
        figures = [f"{side['share']:.0%} of the talk", f"{side['turns']} turns", f"{side['units']} {talk['unit']}"]
        if "longest_ms" in side:
            figures.append(f"longest {clock(side['longest_ms'])}")
        if "units_per_minute" in side:
            figures.append(f"{side['units_per_minute']:.0f} {talk['unit']} a minute")
        if "interruptions" in side:
            figures.append(f"interrupts {side['interruptions']} times")
        if "response_ms" in side:
            figures.append(f"answers after {clock(side['response_ms'])}, at most {clock(side['longest_response_ms'])}")
        lines.append(f"{side['role']:<8}  {', '.join(figures)}")
    if talk["medium"] == "speech":
        lines.append(f"dead air {clock(talk['dead_air_ms'])}, longest pause {clock(talk['longest_pause_ms'])}")
    return lines


def _quoted(quotes: tuple[str, ...]) -> str:
    return "".join(f" “{quote}”" for quote in quotes)
