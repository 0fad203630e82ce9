"""``convmine calls erase`` and ``calls erasures``: calls forgotten everywhere, and the receipts of that."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.erasure.receipt import ErasedCall, Receipt
    from pipeline.settings import Settings
    from workers.erasing import Asked, Erasing, Found


@click.command()
@click.argument("call_ids", nargs=-1, metavar="[ID]...")
@click.option("--customer", "customer_id", help="All calls of this customer that have begun by now.")
@click.option("--tenant", help="Whose calls they are; that of CONVMINE_TENANT if not given.")
@click.option("--reason", help="Why, as the receipt says it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask first; also erase what is not stored, or not yet.")
@json_option
def erase_calls(  # noqa: PLR0913 - one argument an option
    call_ids: tuple[str, ...],
    customer_id: str | None,
    tenant: str | None,
    reason: str | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase calls by their IDs, or all of a customer: from the store, caches, files, and from what workers do.

    Each request is published, so that every worker forgets the call, also one that goes on, and no replay brings it
    back. The receipt says what was removed where, what could not be reached, and till when Kafka holds what. It cannot
    be undone; to do it again does no harm.
    """
    from workers.erasing import Asked
    from workers.os_user import os_user

    if bool(call_ids) == (customer_id is not None):
        raise click.UsageError("name calls by their ids, or a customer with --customer", click.get_current_context())
    settings = _settings(tenant)
    asked = Asked(settings.tenant, os_user(), tuple(dict.fromkeys(call_ids)), customer_id, reason)
    if dry_run:
        _rehearse(settings, asked, as_json=as_json)
    else:
        _erase(settings, asked, yes=yes, as_json=as_json)


@click.command()
@click.option("--tenant", help="Whose erasures; those of CONVMINE_TENANT if not given.")
@json_option
def list_erasures(tenant: str | None, *, as_json: bool) -> None:
    """List the receipts of erasures, newest first; --json has them whole."""
    from workers.erasing import erasing

    async def run() -> list[Receipt]:
        async with erasing(_settings(tenant), "") as it:
            return await it.receipts()

    receipts = asyncio.run(run())
    if as_json:
        print_json({"items": [one.model_dump(mode="json") for one in receipts], "next": None})
        return
    rows = [
        (
            one.requested_at.isoformat(timespec="seconds"),
            one.requested_by,
            f"{len(one.calls)}: {', '.join(call.call_id for call in one.calls[:3])}{'…' * (len(one.calls) > 3)}",  # noqa: PLR2004 - as many as fit
            sum(removed.removed for removed in one.removed),
            len(one.not_reached),
            one.reason,
            one.receipt_id,
        )
        for one in receipts
    ]
    print_table(("at", "by", "calls", "removed", "not reached", "reason", "receipt"), rows)


def _settings(tenant: str | None) -> Settings:
    from pipeline.settings import load

    settings = load()
    if settings.gateway.url is not None and settings.store.url is None:
        raise ConvmineError(
            "calls are not erased through a gateway", hint="run it where QDRANT_URL and KAFKA_BOOTSTRAP_SERVERS are set"
        )
    return settings if tenant is None else type(settings).model_validate({**dict(settings), "tenant": tenant})


def _rehearse(settings: Settings, asked: Asked, *, as_json: bool) -> None:
    from workers.erasing import erasing

    async def run() -> tuple[Found, list[str]]:
        async with erasing(settings, asked.requested_by) as it:
            return await it.look(asked), [place.name for place in it.places]

    found, places = asyncio.run(run())
    if as_json:
        calls = [one.model_dump(mode="json") for one in found.calls]
        print_json({"dry_run": True, "calls": calls, "points": found.points, "places": places})
        return
    for call in found.calls:
        click.echo(f"would be erased: {_told(call)}")
    if not found.calls:
        click.echo(f"of customer {plain(asked.customer_id or '')} no calls are stored")
    for name, points in found.points.items():
        click.echo(f"  {points:>6,}  points in {name}")
    for place in places:
        click.echo(f"          looked through: {place}")


def _erase(settings: Settings, asked: Asked, *, yes: bool, as_json: bool) -> None:
    from pipeline.audit.act import erasure
    from workers.cli.recording import recording
    from workers.erasing import erasing

    async def run() -> Receipt:
        async with recording(settings) as recorder, erasing(settings, asked.requested_by) as it:
            calls = await _looked_up(it, asked, yes=yes)
            await recorder.record(erasure([one.call_id for one in calls], customer=asked.customer_id))
            return await it.erase(asked, calls)

    receipt = asyncio.run(run())
    if as_json:
        print_json({**receipt.model_dump(mode="json"), "whole": receipt.is_whole})
    else:
        _print(receipt, asked)
    if not receipt.is_whole:
        places = "; ".join(f"{one.place}: {one.why}" for one in receipt.not_reached)
        raise ConvmineError(f"not everything could be reached: {places}", hint="run it again when that is mended")


async def _looked_up(it: Erasing, asked: Asked, *, yes: bool) -> tuple[ErasedCall, ...]:
    """The calls to erase, once somebody has said yes; where the store is away, those that were named."""
    from pipeline.erasure.receipt import ErasedCall
    from pipeline.errors import Retryable

    try:
        found = await it.look(asked)
    except Retryable:
        if not yes or asked.customer_id is not None:  # a customer's calls are found in the store alone
            raise
        return tuple(ErasedCall(call_id=one) for one in asked.call_ids)
    if not yes:
        _confirm(found, asked)
    return found.calls


def _confirm(found: Found, asked: Asked) -> None:
    if found.unknown:
        raise ConvmineError(
            f"no call named {found.unknown[0]!r} is stored",
            hint="--yes erases it all the same: one that goes on, or that is still in Kafka; convmine calls list",
        )
    if not found.calls:
        raise ConvmineError(
            f"no calls of customer {asked.customer_id!r} are stored",
            hint="--yes asks for it all the same: calls that began before now are erased as they come",
        )
    if not sys.stdin.isatty():
        raise click.UsageError("it cannot be undone: give --yes, or --dry-run to look", click.get_current_context())
    for call in found.calls:
        click.echo(_told(call), err=True)
    if not click.confirm(f"erase {_calls(len(found.calls))} for good?", err=True):
        raise ConvmineError("nothing was erased")


def _print(receipt: Receipt, asked: Asked) -> None:
    whose = "" if asked.customer_id is None else f" of customer {plain(asked.customer_id)}"
    click.echo(f"receipt {receipt.receipt_id}: {_calls(len(receipt.calls))}{whose}, erased at {receipt.requested_at}")
    for call in receipt.calls:
        click.echo(f"  {_told(call)}")
    click.echo("published: every worker forgets it" if receipt.published else "not published")
    click.echo("\nremoved")
    for removed in receipt.removed:
        click.echo(f"  {removed.removed:>6,}  {removed.place}")
    for failed in receipt.not_reached:
        click.echo(f"  failed  {failed.place}: {plain(failed.why)}{f' ({failed.hint})' if failed.hint else ''}")
    if receipt.still_held:
        click.echo("\nKafka holds what was written there, at the longest until")
        for held in receipt.still_held:
            until = "for good" if held.until is None else held.until.isoformat(timespec="minutes")
            click.echo(f"  {until}  {held.topic}{'' if held.from_broker else ' (as convmine topics apply sets it)'}")
    for one in receipt.recordings:
        ours = "removed with its folder" if one.ours else "not ours: whoever keeps it has to delete it"
        click.echo(f"\nrecording of {plain(one.call_id)}: {plain(one.uri)} ({ours})")
    click.echo()
    for note in receipt.notes:
        click.echo(f"note: {plain(note)}")


def _told(call: ErasedCall) -> str:
    known = "goes on" if call.was_live else "stored" if call.was_stored else "not stored"
    before = "" if call.erased_before is None else f", first erased at {call.erased_before.isoformat()}"
    return plain(f"{call.call_id} ({known}{before})")


def _calls(count: int) -> str:
    return f"{count} {'call' if count == 1 else 'calls'}"


async def erased_at(settings: Settings, call_id: str) -> datetime | None:
    """When a call was erased; None where it was not."""
    from pipeline.erasure.record import ErasureRecord
    from pipeline.store.open import connection_of

    connection = connection_of(settings.store)
    try:
        return await ErasureRecord(connection, prefix=settings.store.prefix).since(settings.tenant, call_id)
    finally:
        await connection.close()
