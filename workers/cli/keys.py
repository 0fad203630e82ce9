"""``convmine keys``: API keys for the gateway, of which the file keeps hashes alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from pipeline.settings import load
from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.access.keys import ApiKey

_DAYS: Final = re.compile(r"^([1-9]\d{0,3})d$")


class Expiry(click.ParamType):
    """Days from now such as ``90d``, or a date in the future."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own
        now = datetime.now(UTC)
        if days := _DAYS.match(value):
            return now + timedelta(days=int(days[1]))
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither days such as 90d nor a date such as 2027-03-31", param, ctx)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if at <= now:
            self.fail(f"{value!r} is over", param, ctx)
        return at


@click.command("new")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="What it may do: publish, agent:ID, supervisor, analyst, admin; may be given again.",
)
@click.option("--tenant", help="Whose key it is, instead of CONVMINE_TENANT.")
@click.option("--expires", type=Expiry(), help="When it ends: 90d, or a date; never, if not given.")
@click.option("--name", default="", help="Who or what it is for.")
@json_option
def make_key(
    scopes: tuple[str, ...], tenant: str | None, expires: datetime | None, name: str, *, as_json: bool
) -> None:
    """Make a key and print it, once: only its hash is kept, in the file CONVMINE_GATEWAY_KEYS."""
    from pydantic import ValidationError

    from pipeline.access.keys import new_key
    from workers.gateway.key_file import change_keys

    settings = load()
    try:
        made = new_key(scopes, tenant=tenant or settings.tenant, now=datetime.now(UTC), expires_at=expires, name=name)
    except ValidationError as error:
        raise click.UsageError(_said(error.errors(include_url=False)[0])) from None
    change_keys(settings.gateway.keys, lambda keyring: keyring.with_key(made.kept))
    text = made.text.get_secret_value()
    if as_json:
        print_json({"key": text, **_facts(made.kept)})
    else:
        click.echo(text)
        click.echo(f"key {made.kept.id} of {made.kept.tenant}: keep it, it is not shown again", err=True)


@click.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List the keys with their state; what they are is not kept."""
    from workers.gateway.key_file import read_keys

    keys = read_keys(load().gateway.keys).keys
    if as_json:
        print_json({"items": [_facts(key) for key in keys], "next": None})
    else:
        rows = [
            (
                key.id,
                key.name,
                key.tenant,
                ", ".join(key.scopes),
                _day(key.created_at),
                _day(key.expires_at),
                _state(key),
            )
            for key in keys
        ]
        print_table(("key", "name", "tenant", "scopes", "made", "expires", "state"), rows)


@click.command("revoke")
@click.argument("id_", metavar="ID")
@json_option
def revoke_key(id_: str, *, as_json: bool) -> None:
    """Make the key ID open nothing any more; a gateway that runs takes it up with its next request."""
    from workers.gateway.key_file import change_keys, read_keys

    path = load().gateway.keys
    key = read_keys(path).named(id_)
    if key is None:
        raise ConvmineError(f"there is no key {id_!r}", hint="convmine keys list")
    changed = change_keys(path, lambda keyring: keyring.revoked(id_, datetime.now(UTC))).named(id_)
    assert changed is not None
    if as_json:
        print_json(_facts(changed))
    else:
        click.echo(f"key {id_} of {changed.tenant} is revoked")


def _facts(key: ApiKey) -> dict[str, Any]:
    return {**key.model_dump(mode="json", exclude={"sha256"}), "state": _state(key)}


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.valid_at(datetime.now(UTC)) else "expired"


def _day(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d}"


def _said(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    """What is wrong with an option, in our words."""
    field, *_ = error["loc"] or ("",)
    if field == "scopes":
        return f"{error['input']!r} is no scope: publish, agent:ID, supervisor, analyst or admin"
    return f"{field}: {error['msg']}" if field else error["msg"].removeprefix("Value error, ")
