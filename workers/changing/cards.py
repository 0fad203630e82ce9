"""Cards: written as drafts, approved by somebody else, withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.audit.act import Act, command
from pipeline.errors import ConvmineError
from pipeline.release.card_check import fitting
from pipeline.release.card_overview import ListedCard, listed
from pipeline.release.card_succession import CardStanding, NotYours, approved, edited, withdrawn
from pipeline.release.succession import Signature
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library
from pipeline.scenarios.model import Card, Edition, Scenario
from schemas.reference import CardPublished
from workers.changing.grounds import OpenChange
from workers.published import CardName, Published, card_name, card_record, dropped_draft
from workers.records import NewRecord

Note = Callable[[Act], None]
"""Writes what is about to be changed into the audit log; waits until it is there."""


@dataclass(frozen=True, slots=True)
class CardDesk:
    """The cards of a scenario in a language, while nobody else can change them; ``edition`` is that of the scenario."""

    tenant: str
    scenario: str
    edition: Edition
    library: Library
    change: OpenChange
    note: Note

    @property
    def place(self) -> str:
        """What a command about the same playbook needs."""
        return f"--scenario {self.scenario} --language {self.edition.language}"

    def standing(self, card_id: str) -> CardStanding:
        """Where a card stands."""
        published, name = self.change.published, (self.scenario, self.edition.language, card_id)
        own = next((card for card in self.edition.playbook.cards if card.id == card_id), None)
        return CardStanding(*name, own, published.cards.get(name), published.drafts.get(name))

    def card(self, content: Mapping[str, Any], card_id: str) -> Card:
        """A content as a card that fits.

        Raises:
            ScenarioError: it does not; each complaint names the field.
        """
        return fitting(content, card_id, self.edition)

    def edit(
        self, standing: CardStanding, card: Card, signature: Signature, *, seen: int | None
    ) -> tuple[CardPublished, bool]:
        """Publish a draft, unless it says what is there already; and whether that was done.

        Raises:
            NotYours: somebody else has changed the card meanwhile.
        """
        record = edited(standing, card, signature, seen=seen)
        if standing.says(record.content):
            return record, False
        self._publish("cards edit", record)
        return record, True

    def approve(
        self, standing: CardStanding, signature: Signature, *, seen: int | None, alone: bool = False
    ) -> CardPublished:
        """Have the draft shown.

        Raises:
            NotYours: the draft is another one by now.
            ConvmineError: there is none, who approves it has written it, or workers would refuse it.
        """
        record = approved(standing, signature, seen=seen, alone=alone)
        try:
            self.library.take_card(self.tenant, record)
        except ScenarioError as error:
            raise ConvmineError(
                f"nothing was published, as workers would refuse it: {error}",
                hint=f"change the draft: convmine cards edit {record.card_id} {self.place}",
            ) from error
        self._publish("cards approve", record, drop_draft=True)
        return record

    def withdraw(
        self, standing: CardStanding, signature: Signature, *, seen: int | None, only_draft: bool = False
    ) -> tuple[CardPublished, bool]:
        """Have the card shown no more, or take its draft away; and whether it was the draft.

        Raises:
            NotYours: it is at another version than was seen.
            ConvmineError: there is nothing to withdraw.
        """
        if seen is not None and seen != standing.version:
            raise NotYours(f"{standing.where} is at version {standing.version}, and not at {seen}")
        draft = standing.draft
        if not only_draft and (standing.shown is not None or draft is None):
            record = withdrawn(standing, signature)
            self._publish("cards withdraw", record)
            return record, False
        if draft is None:
            raise ConvmineError(f"there is no draft of {standing.where}")
        self._note("cards withdraw", card_name(draft), by=signature.by, version=draft.card_version, draft=True)
        self.change.publish(self._no_draft(card_name(draft)))
        return draft, True

    def _publish(self, action: str, record: CardPublished, *, drop_draft: bool = False) -> None:
        """Publish a card, or a draft of it; it is in the audit log first."""
        self._note(action, card_name(record), by=record.published_by, version=record.card_version, reason=record.reason)
        records = [card_record(self.tenant, record)]
        self.change.publish([*records, *(self._no_draft(card_name(record)) if drop_draft else ())])

    def _no_draft(self, name: CardName) -> Sequence[NewRecord]:
        return (dropped_draft(self.tenant, name),)

    def _note(self, action: str, name: CardName, **about: str | int | None) -> None:
        self.note(command(action, calls=(), card=":".join(name), **about))


def new_card(card_id: str) -> Mapping[str, Any]:
    """What a card begins as: for both lanes, from today, with the middle priority."""
    today = datetime.now(UTC).date().isoformat()
    return {"id": card_id, "trigger": {}, "lanes": ["live", "batch"], "priority": 50, "valid_from": today}


def listed_cards(library: Library, published: Published, scenario: Scenario) -> list[ListedCard]:
    """The cards of a scenario, as it is without what is published of its cards; those that workers refuse say why."""
    left_out = {
        card_name(card): reason
        for card in published.cards.values()
        if card.scenario == scenario.id and (reason := _why_left_out(library, published.tenant, card)) is not None
    }
    return list(listed(scenario, published.cards, published.drafts, published.statistics, left_out))


def _why_left_out(library: Library, tenant: str, card: CardPublished) -> str | None:
    """What workers have against a card; None: nothing."""
    try:
        library.take_card(tenant, card)
    except ScenarioError as error:
        return str(error)
    return None
