"""``convmine reextract compare|switch|roll-back|drop``: the version that was mined again beside the one before it."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.history.comparing import ChangedCall, Comparison, Counted
    from pipeline.history.switching import Turned
    from pipeline.history.versions import Versions
    from pipeline.settings import Settings
    from pipeline.store.generations.applying import Installation, Progress

T = TypeVar("T")
_RESTART: Final = """\
workers and the gateway go on with the version that they began with until they are started again; what they write until
then is taken over by: """


@asynccontextmanager
async def installation(settings: Settings, tell: Progress | None = None) -> AsyncIterator[Installation]:
    """The store of these settings as its generations are worked on; closed at the end."""
    from pipeline.store.generations.applying import Installation
    from pipeline.store.open import connection_of, embedder_of, layout_of

    embedder, connection = embedder_of(settings), connection_of(settings.store)
    try:
        layout, prefix = layout_of(settings.store), settings.store.prefix
        yield Installation(connection, embedder, prefix, layout, tell or (lambda _: None))
    finally:
        await embedder.close()
        await connection.close()


@click.command("compare", short_help="Intents, outcomes and calls, old against new.")
@click.option("--examples", default=10, show_default=True, type=click.IntRange(0, 1_000), help="Calls that differ.")
@json_option
def compare_versions(*, examples: int, as_json: bool) -> None:
    """Put the new version beside the old one: intents, outcomes, and calls that differ."""
    from pipeline.history.comparing import compare

    async def work(to: Installation, versions: Versions) -> tuple[Versions, Comparison]:
        if any(pair.old is None or pair.new is None for pair in versions.pairs.values()):
            raise ConvmineError(f"one of the versions of {versions.run.title} is not there")
        return versions, await compare(to, versions, examples=examples)

    versions, found = _on_versions(work)
    if as_json:
        state = {"run_id": versions.run.run_id, "asked": versions.run.asked, "state": versions.state}
        print_json({**state, **_document(found)})
    else:
        _print_comparison(versions, found)


@click.command("switch", short_help="Make the new version current.")
@json_option
def switch_version(*, as_json: bool) -> None:
    """Make the new version current, for all questions at once; the old one is kept.

    Asked for again, it takes over what workers wrote to the old version since.
    """
    from pipeline.history.switching import switch

    turned = _on_versions(switch)
    _print_turned(turned, as_json=as_json, now="the new version is current", command="convmine reextract switch")
    if not as_json:
        click.echo("To go back: convmine reextract roll-back; to delete the old version: convmine reextract drop")


@click.command("roll-back", short_help="Make the old version current again.")
@json_option
def roll_back_version(*, as_json: bool) -> None:
    """Make the old version current again; the new one is kept, and can be switched to once more."""
    from pipeline.history.switching import roll_back

    turned = _on_versions(roll_back)
    _print_turned(turned, as_json=as_json, now="the old version is current", command="convmine reextract roll-back")
    if not as_json:
        click.echo("To delete the new version: convmine reextract drop")


@click.command("drop", short_help="Delete the version that is not current.")
@click.option("--yes", is_flag=True, help="Do not ask, though it is the new version that goes.")
@json_option
def drop_version(*, yes: bool, as_json: bool) -> None:
    """Delete the version that is not current: after a switch the old one, before it the new one."""
    from pipeline.history.switching import drop

    async def work(to: Installation, versions: Versions) -> tuple[str, ...]:
        if versions.state not in {"current", "dropped in part"} and not yes:
            _confirm(f"{versions.run.title} is {versions.state}; what it has mined again is deleted", as_json=as_json)
        return await drop(to, versions)

    names = _on_versions(work)
    if as_json:
        print_json({"deleted": list(names)})
    else:
        click.echo(plain(f"deleted {', '.join(names)}"))


def _on_versions(work: Callable[[Installation, Versions], Awaitable[T]]) -> T:
    from pipeline.settings import load

    async def run() -> T:
        from pipeline.history.versions import find
        from workers.cli.reextract_plan import refuse_others

        settings = load()
        async with installation(settings) as to:
            versions = await find(to)
            if versions is None:
                raise ConvmineError("there is no re-extraction", hint="convmine reextract --since TIME begins one")
            refuse_others(versions, settings)
            return await work(to, versions)

    return asyncio.run(run())


def _confirm(what: str, *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise ConvmineError(what, hint="--yes agrees to it")
    click.confirm(f"{what}. Go on?", abort=True, err=True)


def _print_turned(turned: Turned, *, as_json: bool, now: str, command: str) -> None:
    if as_json:
        print_json(dataclasses.asdict(turned))
        return
    click.echo(now if turned.is_new else f"{now} already; took over {turned.taken_over:,} points")
    if turned.is_new:
        click.echo(_RESTART + command)


def _document(found: Comparison) -> Mapping[str, object]:
    document = dataclasses.asdict(found)
    for name, rows in (("intents", found.intents), ("outcomes", found.outcomes)):
        document[name] = [{**dataclasses.asdict(row), "difference": row.difference} for row in rows]
    return document


def _print_comparison(versions: Versions, found: Comparison) -> None:
    title = f"{versions.run.title} ({versions.run.asked}) is {versions.state}"
    click.echo(plain(title))
    click.echo(
        f"Of {found.calls:,} calls mined again, intents differ in {found.intents_changed:,} and the outcome in "
        f"{found.outcomes_changed:,}"
    )
    if found.intents:
        _print_counts("intent", found.intents)
    if found.outcomes:
        _print_counts("outcome", found.outcomes)
    if found.examples:
        rows = [(one.call_id, ", ".join(one.gained), ", ".join(one.lost), _outcome(one)) for one in found.examples]
        print_table(("call", "found now", "found before", "outcome"), rows, title="Calls that differ most")


def _print_counts(what: str, counts: tuple[Counted, ...]) -> None:
    rows = [(one.name or "(none)", f"{one.old:,}", f"{one.new:,}", f"{one.difference:+,}") for one in counts]
    print_table((what, "calls, old", "calls, new", "difference"), rows)


def _outcome(one: ChangedCall) -> str:
    if one.outcome_old == one.outcome_new:
        return ""
    return f"{one.outcome_old or '(none)'} -> {one.outcome_new or '(none)'}"
