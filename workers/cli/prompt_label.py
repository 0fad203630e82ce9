"""``convmine prompt label``: a person judges what was extracted from calls, one item after the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json
from workers.os_user import os_user

if TYPE_CHECKING:
    from pipeline.labels.judging import Judging, Session
    from pipeline.labels.mined_call import MinedCall
    from pipeline.ports import VectorStore
    from pipeline.settings import Settings
    from pipeline.workbench.place import Workbench

FIELDS = ("intents", "entities", "topics", "outcome", "objections", "follow_ups", "summary")
_STORED = "stored"


@click.command("label")
@click.option(
    "--on",
    metavar="stored|FILE.jsonl",
    default=_STORED,
    show_default=True,
    help="What is judged: the stored calls, or the results that prompt try --out has written.",
)
@click.option("--prompt", help="Only what this version found, such as extract.v2.")
@click.option("--field", "fields", multiple=True, type=click.Choice(FIELDS), help="What is judged; may repeat. All.")
@click.option("--by", help="Who judges; the user of this machine if not given.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="At most so many calls.")
@json_option
def label_outputs(  # noqa: PLR0913 - one argument an option
    on: str, prompt: str | None, fields: tuple[str, ...], by: str | None, limit: int, *, as_json: bool
) -> None:
    """Judge what was extracted from calls, item by item: y it is right, n it is wrong, a add one that is missing.

    Every word is kept at once, under your name; the next time it goes on where you stopped.
    """
    from pipeline.settings import load

    person = by or os_user()
    session = asyncio.run(_judged(load(), _Asked(on, prompt, fields, limit), person, as_json=as_json))
    said = _summary(session, person)
    if as_json:
        print_json(said)
    elif not session.calls:
        click.echo(f"nothing waits for {plain(person)}: every item was judged, or no call fits (convmine calls list)")
    else:
        words = (f"{said['right']} right", f"{said['wrong']} wrong", f"{said['missing']} added")
        click.echo(f"{', '.join(words)}, {said['passed_over']} passed over; items that still wait: {said['waiting']}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options say."""

    on: str
    prompt: str | None
    fields: tuple[str, ...]
    limit: int


async def _judged(settings: Settings, asked: _Asked, by: str, *, as_json: bool) -> Session:
    from pipeline.labels.judging import Person
    from pipeline.workbench.places import open_workbench
    from workers.cli.label_desk import Desk

    workbench = open_workbench(settings)
    try:
        session = await _session(settings, workbench, asked, by)
        desk = Desk(workbench, Person(settings.tenant, by), asked.fields or FIELDS, to_stderr=as_json)
        return await desk.run(session)
    finally:
        await workbench.close()


async def _session(settings: Settings, workbench: Workbench, asked: _Asked, by: str) -> Session:
    """The first calls in which something waits; read before anybody is asked, so that the store is free again."""
    from pipeline.labels.judging import Session, begin, once
    from pipeline.labels.label import by_call
    from pipeline.scenarios.files import ScenarioError
    from pipeline.scenarios.opened import load_library
    from workers.cli.recording import recorded_store_of

    library = load_library(settings)
    labels = by_call(await workbench.labels(settings.tenant))
    waiting: list[Judging] = []
    async with recorded_store_of(settings, "prompt label") as store:
        async for call in _calls(store, settings.tenant, asked):
            try:
                edition = library(call.scenario, settings.tenant).edition(call.language)
            except ScenarioError as error:
                click.echo(f"convmine: call {call.call_id} is passed over: {error}", err=True)
                continue
            said = labels.get(call.call_id, ())
            if judging := begin(call, edition, said, by=by, fields=asked.fields):
                waiting.append(judging)
            if len(waiting) == asked.limit:
                break
    return Session(once(waiting))


async def _calls(store: VectorStore, tenant_id: str, asked: _Asked) -> AsyncIterator[MinedCall]:
    from pipeline.labels.stored_calls import calls_of_results, mined_call_ids, stored_call

    if asked.on != _STORED:
        async for call in calls_of_results(store, tenant_id, Path(asked.on)):
            if asked.prompt in {None, call.prompt_version}:
                yield call
        return
    async for call_id in mined_call_ids(store, tenant_id, prompt_version=asked.prompt):
        if (stored := await stored_call(store, tenant_id, call_id)) is not None:
            yield stored


def _summary(session: Session, by: str) -> dict[str, Any]:
    words = Counter(word.verdict.value for word in session.words)
    return {
        "by": by,
        "calls": len(session.calls),
        **{verdict: words[verdict] for verdict in ("right", "wrong", "missing")},
        "passed_over": session.passed_over,
        "waiting": session.waiting,
    }
