"""``convmine cards edit``, ``approve`` and ``withdraw``: write a card, have it shown, have it shown no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import Config, ConvmineError, Retryable
from workers.cli.cards_desk import CardAsked, asks_for_card, card_desk, difference
from workers.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from pipeline.release.card_succession import CardStanding
    from pipeline.scenarios.model import Card
    from schemas.reference import CardPublished
    from workers.changing.cards import CardDesk

_TRIGGERS: Final = "intent, topic, outcome, sentiment, missing_phrase, unless_intent"


@click.command("edit")
@click.argument("card")
@click.option("--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Take it from this YAML.")
@click.option("--title", help="One line for the agent.")
@click.option("--text", help="The advice, with {slots} of entities.")
@click.option("--trigger", multiple=True, metavar="NAME=VALUE", help=f"When it fits, all anew; of {_TRIGGERS} …")
@click.option("--lane", "lanes", multiple=True, type=click.Choice(["live", "batch"]), help="In which it is shown.")
@click.option("--priority", type=click.IntRange(0, 100), help="100 comes first.")
@click.option("--valid-from", metavar="DATE", help="First day, such as 2026-01-31.")
@click.option("--valid-to", metavar="DATE", help="Last day; 'none' takes it away.")
@click.option("--expires-after", "expires_after_s", type=click.IntRange(min=1), help="Seconds for which it is shown.")
@asks_for_card
@json_option
def edit_card(card: str, file: Path | None, asked: CardAsked, *, as_json: bool, **changes: Any) -> None:  # noqa: ANN401 - the options by name
    """Write CARD, or change it, as a draft: what is shown stays until somebody approves the draft.

    The file is a card as playbook.yaml has it, or a list of cards, such as convmine coach writes; options go over it.
    Who has approved it there counts for nothing. What somebody else has written is changed with --version alone.
    """
    from pipeline.release.card_succession import unapproved

    with card_desk(asked) as desk:
        standing = desk.standing(card)
        new = _checked(standing, desk, file, changes)
        record, changed = _edited(desk, standing, new, asked, as_json=as_json)
    if as_json:
        print_json(_document(record if changed else standing.newest or record, changed=changed))
    elif not changed:
        click.echo(f"{standing.where} is that already: nothing was published")
    else:
        for line in difference(unapproved(standing.content or {}), record.content, ("before", "after")):
            click.echo(line)
        click.echo(f"version {record.card_version} of {standing.where} is a draft; what is shown has not changed")
        click.echo(
            f"who has not written it may approve it: convmine cards approve {card} {desk.place} "
            f"--version {record.card_version}"
        )


@click.command("approve")
@click.argument("card")
@asks_for_card
@click.option("--force", is_flag=True, help="Also what you have written yourself; needs --reason.")
@json_option
def approve_card(card: str, asked: CardAsked, *, force: bool, as_json: bool) -> None:
    """Have the draft of CARD shown from now on. Somebody else must have written it."""
    from pipeline.release.card_succession import NotYours

    if force and not (asked.reason or "").strip():
        raise click.UsageError('--force needs a --reason "..."')
    with card_desk(asked) as desk:
        standing = desk.standing(card)
        signature = asked.signature()
        own = standing.draft is not None and standing.draft.written_by == signature.by
        try:
            record = desk.approve(standing, asked.signature(forced=force and own), seen=asked.seen, alone=force)
        except NotYours as error:
            _show_draft(standing, as_json=as_json)
            look = f"convmine cards list {desk.place} --card {card}"
            raise ConvmineError(error.message, hint=f"look at it: {look}") from error
        except (Retryable, Config):
            raise
        except ConvmineError as error:
            hint = '--by says who approves it; or --force --reason "..."' if standing.draft else None
            raise ConvmineError(error.message, hint=error.hint or hint) from error
    if as_json:
        print_json(_document(record, changed=True))
        return
    for line in difference(standing.shown, record.content, ("shown until now", "shown from now on")):
        click.echo(line)
    click.echo(f"version {record.card_version} of {standing.where} is shown from now on, approved by {signature.by}")
    click.echo(f"workers take it up without a restart; to see it: convmine cards list {desk.place} --running")


@click.command("withdraw")
@click.argument("card")
@asks_for_card
@click.option("--draft", "only_draft", is_flag=True, help="Take the draft away; what is shown stays.")
@json_option
def withdraw_card(card: str, asked: CardAsked, *, only_draft: bool, as_json: bool) -> None:
    """Have CARD shown no more; a draft of it stays, to be approved some day.

    Where the scenario itself has a card of this id, that one is not shown either.
    """
    with card_desk(asked) as desk:
        standing = desk.standing(card)
        record, dropped = desk.withdraw(standing, asked.signature(), seen=asked.seen, only_draft=only_draft)
    said = (
        f"the draft of {standing.where} is gone"
        if dropped
        else f"{standing.where} is not shown from now on; workers take it up without a restart"
    )
    if as_json:
        print_json({**_document(record, changed=True), "status": "dropped" if dropped else "withdrawn"})
    else:
        click.echo(said)


def _checked(standing: CardStanding, desk: CardDesk, file: Path | None, changes: Mapping[str, Any]) -> Card:
    """The card as it is to be.

    Raises:
        ConvmineError: it is not valid, or does not fit; the field is named.
    """
    from pipeline.release.card_check import card_in
    from pipeline.scenarios.files import ScenarioError
    from workers.changing.cards import new_card

    try:
        base = card_in(file, standing.card_id) if file else standing.content or new_card(standing.card_id)
        return desk.card({**base, **_given(changes)}, standing.card_id)
    except ScenarioError as error:
        raise ConvmineError(plain(f"nothing was published: {'; '.join(error.complaints)}")) from error


def _given(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the options set."""
    given = {name: list(value) if name == "lanes" else value for name, value in changes.items() if value}
    if changes["priority"] == 0:
        given["priority"] = 0
    if given.get("valid_to") == "none":
        given["valid_to"] = None
    if "trigger" in given:
        given["trigger"] = _trigger(given["trigger"])
    return given


def _trigger(pairs: Sequence[str]) -> dict[str, str]:
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(found) != len(pairs):
        raise click.UsageError("--trigger is NAME=VALUE, each name once, such as --trigger intent=price_objection")
    return found


def _edited(
    desk: CardDesk, standing: CardStanding, new: Card, asked: CardAsked, *, as_json: bool
) -> tuple[CardPublished, bool]:
    """The draft; where it would go over what somebody else has written, the difference is shown, and it is refused."""
    from pipeline.release.card_succession import NotYours, content_of, unapproved

    try:
        return desk.edit(standing, new, asked.signature(), seen=asked.seen)
    except NotYours as error:
        if not as_json and standing.content is not None:
            names = (f"version {standing.version}", "yours")
            for line in difference(unapproved(standing.content), unapproved(content_of(new)), names):
                click.echo(line, err=True)
        hint = f"to go over it: the same command with --version {standing.version}"
        raise ConvmineError(error.message, hint=hint) from error


def _show_draft(standing: CardStanding, *, as_json: bool) -> None:
    if standing.draft is not None and not as_json:
        for line in difference(standing.shown, standing.draft.content, ("shown", "draft")):
            click.echo(line, err=True)


def _document(record: CardPublished, *, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "scenario": record.scenario,
        "language": record.language,
        "card": record.card_id,
        "version": record.card_version,
        "status": str(record.status),
        "by": record.published_by,
        "at": record.published_at.isoformat(),
        "written_by": record.written_by,
        "approved_by": record.approved_by,
        "reason": record.reason,
        "content": record.content,
    }
