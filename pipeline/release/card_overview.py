"""The cards of a tenant on one list: where each stands, and how it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.questions.differences.statistics import Interval, wilson
from pipeline.release.card_succession import CardStanding, Content
from pipeline.scenarios.card_editions import Name
from pipeline.scenarios.model import Scenario
from schemas.reference import CardPublished, CardStatistics, CardStatus


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval of 95 % (Wilson); ``of`` is never 0."""

    part: int
    of: int

    @property
    def share(self) -> float:
        return self.part / self.of

    @property
    def interval(self) -> Interval:
        return wilson(self.part, self.of)


@dataclass(frozen=True, slots=True)
class ListedCard:
    """A card, or a passage of the knowledge base that was suggested; ``shown`` is what agents are shown of it.

    ``status`` is ``scenario`` for one that nobody has published by itself, ``left out`` for one that was approved and
    does not fit the scenario, ``passage`` for a passage, and ``gone`` for one of which figures are all that is left.
    ``newest`` is the last number given, be it that of a draft; 0 where there is none.
    """

    scenario: str
    language: str
    card_id: str
    status: str
    newest: int
    shown: Content | None
    draft: CardPublished | None
    record: CardPublished | None
    figures: CardStatistics | None
    left_out: str | None = None

    @property
    def version(self) -> int:
        """The number of what ``status`` is said of; 0 where nothing was published."""
        return self.record.card_version if self.record else self.newest

    @property
    def acceptance(self) -> Rate | None:
        """Of those that saw it, who took it up, as it was or in words of their own; None where nobody saw it."""
        seen = self.figures
        return Rate(seen.accepted + seen.edited, seen.shown) if seen and seen.shown else None

    @property
    def win_rate(self) -> Rate | None:
        """Of the calls in which it was seen and whose outcome was observed, won or lost, those won."""
        ended = self.figures
        return Rate(ended.won, ended.won + ended.lost) if ended and ended.won + ended.lost else None

    def field(self, name: str) -> Any:  # noqa: ANN401 - whatever a card has
        """A field of what is shown, else of what was, or is to be; None where there is none."""
        rest = self.draft or self.record
        return (self.shown or (rest.content if rest else {})).get(name)


def listed(
    scenario: Scenario,
    cards: Mapping[Name, CardPublished],
    drafts: Mapping[Name, CardPublished],
    statistics: Mapping[Name, CardStatistics],
    left_out: Mapping[Name, str],
) -> Iterator[ListedCard]:
    """Every card of a scenario, language by language, by priority and id; what has figures alone comes last.

    Args:
        scenario: as it is in files, or was pushed, without what is published of its cards.
        cards: what was last published of cards, of any scenario.
        drafts: those that there are.
        statistics: how cards did.
        left_out: those that do not fit the scenario, each with the reason.
    """
    own = {(scenario.id, code, card.id): card for code, it in scenario.editions.items() for card in it.playbook.cards}
    names = {name for name in (*own, *cards, *drafts, *statistics) if name[0] == scenario.id}
    rows = []
    for name in names:
        standing = CardStanding(*name, own.get(name), cards.get(name), drafts.get(name))
        rows.append(
            ListedCard(
                *name,
                status="left out" if name in left_out else _status(standing),
                newest=standing.version,
                shown=None if name in left_out else standing.shown,
                draft=standing.draft,
                record=standing.record,
                figures=statistics.get(name),
                left_out=left_out.get(name),
            )
        )
    yield from sorted(rows, key=_order)


def _status(standing: CardStanding) -> str:
    """What is shown says it; where nothing is, the draft, or what became of it."""
    if standing.record is not None and standing.record.status is CardStatus.APPROVED:
        return str(CardStatus.APPROVED)
    if standing.record is None and standing.own is not None:
        return "scenario"
    if standing.newest is not None:
        return str(standing.newest.status)
    return "passage" if standing.card_id.startswith("kb:") else "gone"


def _order(card: ListedCard) -> tuple[str, bool, int, str]:
    return card.language, card.field("id") is None, -int(card.field("priority") or 0), card.card_id
