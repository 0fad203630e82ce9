"""Where a card stands, and what is published when it is edited, approved or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import ConvmineError
from pipeline.release.succession import Signature
from pipeline.scenarios.model import Card
from schemas.reference import CardPublished, CardStatus, CardVersion

EARLIER: Final = 20
"""So many versions that were shown before are kept in a record."""

Content = Mapping[str, Any]


class NotYours(ConvmineError):
    """Somebody else has changed the card since the one who changes it had looked."""


@dataclass(frozen=True, slots=True)
class CardStanding:
    """A card: the scenario's own of its id, what was last published of it, and its draft; each may be missing."""

    scenario: str
    language: str
    card_id: str
    own: Card | None = None
    record: CardPublished | None = None
    draft: CardPublished | None = None

    @property
    def newest(self) -> CardPublished | None:
        """What was last published of it, be it a draft."""
        there = [one for one in (self.record, self.draft) if one is not None]
        return max(there, key=lambda one: one.card_version, default=None)

    @property
    def version(self) -> int:
        """The number of its newest version; 0 where nothing of it was published."""
        return self.newest.card_version if self.newest else 0

    @property
    def shown(self) -> Content | None:
        """What agents are shown now; None where that is nothing."""
        if self.record is not None:
            return self.record.content if self.record.status is CardStatus.APPROVED else None
        return content_of(self.own) if self.own else None

    @property
    def content(self) -> Content | None:
        """What an edit starts from; None where there is no such card yet."""
        if (newest := self.newest) is not None:
            return newest.content
        return content_of(self.own) if self.own else None

    def says(self, content: Content) -> bool:
        """Whether this is the content of its newest version already, whoever has approved that."""
        is_gone = self.newest is not None and self.newest.status is CardStatus.WITHDRAWN
        return self.content is not None and not is_gone and unapproved(self.content) == unapproved(content)

    @property
    def where(self) -> str:
        return f"card {self.card_id} in {self.scenario} ({self.language})"


def content_of(card: Card) -> dict[str, Any]:
    """A card as a record holds it: what is as usual is left out, so that a field of later need not be in it."""
    return card.model_dump(mode="json", exclude_defaults=True)


def unapproved(content: Content) -> Content:
    """The same without who has approved it."""
    return {name: value for name, value in content.items() if name != "approved_by"}


def edited(standing: CardStanding, card: Card, signature: Signature, *, seen: int | None = None) -> CardPublished:
    """The draft with this content; what is shown stays.

    Args:
        standing: of the card.
        card: its new content; who has approved it counts for nothing.
        signature: who writes it.
        seen: the newest version that the writer has seen; without it, none but of their own.

    Raises:
        NotYours: there is a newer one, or one that somebody else has written.
    """
    newest = standing.newest
    by_other = newest is not None and signature.by not in {newest.written_by, newest.published_by}
    if seen is not None and seen != standing.version:
        raise NotYours(f"{standing.where} is at version {standing.version}, and not at {seen}: nothing was changed")
    if newest is not None and seen is None and by_other:
        raise NotYours(
            f"version {newest.card_version} of {standing.where} is by {newest.published_by}: nothing was changed"
        )
    return _record(standing, CardStatus.DRAFT, unapproved(content_of(card)), signature, written_by=signature.by)


def approved(
    standing: CardStanding, signature: Signature, *, seen: int | None = None, alone: bool = False
) -> CardPublished:
    """The record with which the draft is shown from now on.

    Args:
        standing: of the card.
        signature: who approves it.
        seen: the version of the draft that was looked at, where that is said.
        alone: also who has written it may approve it.

    Raises:
        NotYours: the draft is another one by now.
        ConvmineError: there is no draft, or who approves it has written it.
    """
    draft = standing.draft
    if draft is None:
        raise ConvmineError(f"there is no draft of {standing.where} to approve")
    if seen is not None and seen != draft.card_version:
        raise NotYours(f"the draft of {standing.where} is version {draft.card_version}, and not {seen}")
    if signature.by == draft.written_by and not alone:
        raise ConvmineError(f"the draft of {standing.where} is by {draft.written_by}: somebody else must approve it")
    content = {**draft.content, "approved_by": signature.by}
    made = _record(standing, CardStatus.APPROVED, content, signature, written_by=draft.written_by)
    return made.model_copy(update={"card_version": draft.card_version, "approved_by": signature.by})


def withdrawn(standing: CardStanding, signature: Signature) -> CardPublished:
    """The record with which the card is shown no more.

    Raises:
        ConvmineError: it is not shown.
    """
    if (content := standing.shown) is None:
        raise ConvmineError(f"{standing.where} is not shown")
    return _record(standing, CardStatus.WITHDRAWN, content, signature, written_by=signature.by)


def _record(
    standing: CardStanding, status: CardStatus, content: Content, signature: Signature, *, written_by: str
) -> CardPublished:
    return CardPublished(
        scenario=standing.scenario,
        language=standing.language,
        card_id=standing.card_id,
        card_version=standing.version + 1,
        status=status,
        published_by=signature.by,
        published_at=signature.at,
        written_by=written_by,
        approved_by=signature.by if status is CardStatus.APPROVED else None,
        reason=signature.reason,
        content=dict(content),
        earlier=() if status is CardStatus.DRAFT else _earlier(standing.record),
    )


def _earlier(record: CardPublished | None) -> tuple[CardVersion, ...]:
    """The versions that were shown before, newest first."""
    if record is None:
        return ()
    if record.status is not CardStatus.APPROVED or record.approved_by is None:
        return record.earlier
    last = CardVersion(
        card_version=record.card_version,
        written_by=record.written_by,
        approved_by=record.approved_by,
        approved_at=record.published_at,
        reason=record.reason,
        content=record.content,
    )
    return (last, *record.earlier)[:EARLIER]
