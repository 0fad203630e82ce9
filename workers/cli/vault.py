"""``convmine vault``: what was masked, for who has its key; every look is recorded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import click

from pipeline.errors import Config
from pipeline.settings import load
from workers.cli.output import json_option, print_json, print_table
from workers.os_user import os_user

if TYPE_CHECKING:
    from pipeline.privacy.vault import Vault

T = TypeVar("T")

_TOKEN: Final = re.compile(r"[0-9a-f]{32}")

_who = click.option(
    "--who", help="Who is looking, as it is recorded; the name of the user on this machine if not given."
)


@click.command("new-key")
def make_key() -> None:
    """Print a new key, for CONVMINE_PRIVACY_VAULT_KEY or CONVMINE_PRIVACY_STORAGE_KEYS; it is stored nowhere."""
    from pipeline.privacy.sealing import new_key

    click.echo(new_key())


@click.command("show")
@click.argument("what", metavar="CALL|TOKEN")
@_who
@json_option
def show(what: str, who: str | None, *, as_json: bool) -> None:
    """Show what was masked in a CALL, or one thing by its TOKEN. It is recorded that you looked."""
    tenant = load().tenant
    _record("vault show", calls=() if _TOKEN.fullmatch(what) else (what,), what=what)
    kept = _with_vault(lambda vault: vault.reveal(what, tenant_id=tenant, who=who or os_user()))
    if as_json:
        items = [
            {**asdict(one), "subject": str(one.subject), "call_id": one.subject.call_id, "tenant_id": tenant}
            for one in kept
        ]
        print_json({"items": items, "next": None})
    elif not kept:
        click.echo(f"nothing is kept of {what}", err=True)
    else:
        rows = [(one.kind, one.value, one.segment_id, one.token) for one in kept]
        print_table(("kind", "value", "segment", "token"), rows)


@click.command("log")
@json_option
def log(*, as_json: bool) -> None:
    """Show who looked and who had something erased, of the tenant of CONVMINE_TENANT, the last first."""
    tenant = load().tenant
    accesses = _with_vault(lambda vault: vault.accesses(tenant))[::-1]
    rows = [(_at(it.at_s), it.who, it.what, it.subject, it.count) for it in accesses]
    if as_json:
        names = ("at", "who", "what", "subject", "count")
        print_json({"items": [dict(zip(names, row, strict=True)) for row in rows], "next": None})
    else:
        print_table(("at", "who", "what", "of", "things"), rows)


@click.command("erase")
@click.argument("call")
@_who
@json_option
def erase(call: str, who: str | None, *, as_json: bool) -> None:
    """Delete what is kept of a CALL, beyond recovery."""
    subject = f"{load().tenant}:{call}"
    _record("vault erase", calls=(call,))
    count = _with_vault(lambda vault: vault.erase(subject, who=who or os_user()))
    if as_json:
        print_json({"subject": subject, "erased": count})
    else:
        click.echo(f"erased of {subject}: {count}")


def _with_vault(ask: Callable[[Vault], Awaitable[T]]) -> T:
    from pipeline.privacy.vault_sqlite import VAULT_KEY, vault_of

    async def run() -> T:
        vault = vault_of(load().privacy)
        if vault is None:
            raise Config(VAULT_KEY, "is not set, so that nothing is kept", hint="convmine vault new-key makes one")
        try:
            return await ask(vault)
        finally:
            await vault.close()

    return asyncio.run(run())


def _record(action: str, *, calls: Sequence[str] = (), **about: str) -> None:
    """In the audit log, too, which has all that people look at; the vault's own has what it gave."""
    from workers.cli.recording import record

    asyncio.run(record(load(), action, calls=calls, **about))


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
