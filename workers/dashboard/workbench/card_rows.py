"""Cards as the page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.release.card_overview import ListedCard, Rate
from pipeline.release.card_succession import unapproved
from pipeline.scenarios.library import Library
from pipeline.scenarios.model import Scenario
from schemas.reference import CardPublished
from workers.changing.cards import listed_cards
from workers.published import Published

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RateRow:
    """A share with its interval of 95 % (Wilson), of so many."""

    share: float
    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class FiguresRow:
    """What became of a card's suggestions."""

    shown: int
    accepted: int
    edited: int
    dismissed: int
    acceptance: RateRow | None
    won: RateRow | None
    counted_at: str


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft, and who wrote it."""

    version: int
    by: str
    at: str
    reason: str | None
    content: Content


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version that is or was shown, who wrote it and who approved it."""

    version: int
    status: str
    by: str
    approved_by: str | None
    at: str
    reason: str | None
    content: Content


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card; ``newest`` is the version that an edit must have seen, ``content`` what it starts from."""

    card: str
    scenario: str
    language: str
    title: str
    status: str
    version: int
    newest: int
    priority: int
    valid_from: str | None
    valid_to: str | None
    shown: Content | None
    content: Content
    draft: DraftRow | None
    versions: tuple[VersionRow, ...]
    figures: FiguresRow | None
    left_out: str | None


@dataclass(frozen=True, slots=True)
class CardList:
    """The cards of a scenario in a language, by priority."""

    items: tuple[CardRow, ...]


def card_rows(library: Library, published: Published, scenario: Scenario, language: str) -> CardList:
    """The cards of a scenario, as it is without what is published of its cards; passages are left out."""
    rows = listed_cards(library, published, scenario)
    return CardList(tuple(_row(one) for one in rows if one.language == language and one.status not in _NO_CARDS))


_NO_CARDS = frozenset({"passage", "gone"})


def _row(one: ListedCard) -> CardRow:
    newest = one.draft or one.record
    content = dict(unapproved(newest.content if newest else one.shown or {}))
    return CardRow(
        card=one.card_id,
        scenario=one.scenario,
        language=one.language,
        title=str(content.get("title", one.card_id)),
        status=one.status,
        version=one.version,
        newest=one.newest,
        priority=int(one.field("priority") or 0),
        valid_from=one.field("valid_from"),
        valid_to=one.field("valid_to"),
        shown=dict(one.shown) if one.shown is not None else None,
        content=content,
        draft=_draft(one.draft) if one.draft else None,
        versions=tuple(_versions(one.record)),
        figures=_figures(one),
        left_out=one.left_out,
    )


def _draft(draft: CardPublished) -> DraftRow:
    at = draft.published_at.isoformat()
    return DraftRow(draft.card_version, draft.written_by, at, draft.reason, dict(draft.content))


def _versions(record: CardPublished | None) -> Iterator[VersionRow]:
    if record is None:
        return
    yield VersionRow(
        record.card_version,
        str(record.status),
        record.written_by,
        record.approved_by,
        record.published_at.isoformat(),
        record.reason,
        record.content,
    )
    for one in record.earlier:
        at = one.approved_at.isoformat()
        yield VersionRow(one.card_version, "earlier", one.written_by, one.approved_by, at, one.reason, one.content)


def _figures(one: ListedCard) -> FiguresRow | None:
    if (found := one.figures) is None:
        return None
    rates = (_rate(one.acceptance), _rate(one.win_rate))
    counts = (found.shown, found.accepted, found.edited, found.dismissed)
    return FiguresRow(*counts, *rates, found.counted_at.isoformat())


def _rate(rate: Rate | None) -> RateRow | None:
    if rate is None:
        return None
    low, high = rate.interval
    return RateRow(rate.share, low, high, rate.of)
