"""``convmine similar``: the calls that are most like one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.questions.search import asked_of, asked_options, say_empty

if TYPE_CHECKING:
    from pipeline.questions.differences.likeness import Alike
    from pipeline.questions.question import Similar
    from pipeline.store.answers import Found, Outcome


@click.command()
@click.argument("like", metavar="CALL")
@asked_options
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@json_option
def similar(like: str, limit: int, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - the options by name
    """List the calls that are most like CALL, by what they are about, and what they share.

    Intents that both have are what makes them alike; how each ended, inferred and observed, stands beside.
    """
    from pipeline.questions.question import Similar
    from workers.cli.questions.asking import ask

    question = Similar(call=like, limit=limit, **asked_of(options))
    found: Found[Alike] = asyncio.run(ask(question))
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        print_answer(question, found)


def print_answer(question: Similar, found: Found[Alike]) -> None:
    """A row a call."""
    del question
    if not found.items:
        say_empty(found.emptied_by)
        return
    print_table(
        ("call", "near", "inferred", "observed", "why"),
        (
            (
                one.call.call_id,
                f"{one.score:.2f}",
                _outcome(one.call.outcome_inferred),
                _outcome(one.call.outcome_observed),
                "; ".join(_why(one)) or "the words of its summary",
            )
            for one in found.items
        ),
    )


def _why(one: Alike) -> Iterator[str]:
    for what, names in (("objections", one.objections), ("intents", one.intents), ("topics", one.topics)):
        if names:
            yield f"{what}: {', '.join(map(plain, names))}"


def _outcome(outcome: Outcome | None) -> str:
    return "" if outcome is None else f"{outcome.result} ({outcome.name})"
