"""``convmine search``: what was said, by meaning and by word."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.moments import clock
from workers.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from pipeline.questions.question import Search
    from pipeline.store.answers import Found, Utterance

Command = Callable[..., None]
_SHORT: Final = {
    "role": "Who said it.",
    "scenario": "Calls of this scenario.",
    "intent": "Where this intent was found.",
    "topic": "Where this topic was found.",
    "agent": "Calls of this agent.",
    "outcome": "Calls that ended so: won, lost, open, or a name.",
    "call": "One call.",
}
"""Conditions that are asked so often that they have options of their own."""


class Condition(click.ParamType):
    """A condition such as ``role=customer``."""

    name = "condition"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        from pipeline.questions.condition import parse_condition
        from pipeline.questions.fields import NoField

        try:
            return parse_condition(value) if isinstance(value, str) else value
        except NoField as error:
            self.fail(error.in_one_line, param, ctx)


def asked_options(command: Command) -> Command:
    """The conditions that all questions take; ``asked_of`` makes them the question's own arguments."""
    for option in reversed(
        (
            click.option("--where", multiple=True, type=Condition(), help="A condition; all must hold."),
            click.option("--since", help="Calls begun since then: 7d, 12h, or a date."),
            click.option("--until", help="Calls begun before then."),
            *(click.option(f"--{name}", help=help_) for name, help_ in _SHORT.items()),
            click.option(
                "--outcomes",
                type=click.Choice(["inferred", "observed"]),
                default="inferred",
                show_default=True,
                help="Who says how calls ended.",
            ),
        )
    ):
        command = option(command)
    return command


def asked_of(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments that every question has, taken out of a command's options.

    Raises:
        click.UsageError: there is no such field, or it cannot have this value.
    """
    where = [*options.pop("where")]
    given = {name: options.pop(name) for name in (*_SHORT, "since", "until")}
    written = [f"{name}={value}" for name, value in given.items() if value is not None and name in _SHORT]
    written += [f"started>={given['since']}"] if given["since"] else []
    written += [f"started<{given['until']}"] if given["until"] else []
    ctx = click.get_current_context()
    where += [Condition().convert(text, None, ctx) for text in written]
    return {"where": tuple(where), "outcomes": options.pop("outcomes")}


@click.command()
@click.argument("text")
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@json_option
def search(text: str, limit: int, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """Search what was said, by meaning and by word.

    Words of TEXT are highlighted on a terminal.
    """
    from pipeline.questions.question import Search
    from workers.cli.questions.asking import ask

    question = Search(text=text, limit=limit, **asked_of(options))
    found = asyncio.run(ask(question))
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        print_answer(question, found)


def say_empty(emptied_by: str | None) -> None:
    """Why an answer is empty, on standard error, so that a pipe gets nothing."""
    if emptied_by is None:
        click.echo("nothing is stored yet: `convmine demo` mines the sample calls", err=True)
    else:
        click.echo(f"nothing found: {emptied_by} left nothing", err=True)


def print_answer(question: Search, found: Found[Utterance]) -> None:
    """An utterance a line, and on standard error the command that shows the first in its call; or why there is none."""
    del question
    if not found.items:
        say_empty(found.emptied_by)
        return
    width = max(len(item.call_id) for item in found.items)
    for item in found.items:
        where = f"{plain(item.call_id):<{width}}  {clock(item.start_ms)}  {item.role:<8}"
        click.echo(f"{where}  {_highlighted(item.text, item.highlights)}")
    first = found.items[0]
    shown = shlex.join(["convmine", "calls", "show", first.call_id, "--at", clock(first.start_ms)])
    click.echo(f"the first in its call: {plain(shown)}", err=True)


def _highlighted(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    """The text with its spans in bold; ``click.echo`` takes the bold away where there is no terminal."""
    pieces, done = [], 0
    for start, end in spans:
        pieces += [plain(text[done:start]), click.style(plain(text[start:end]), bold=True)]
        done = end
    return "".join([*pieces, plain(text[done:])])
