"""The calls of which two versions say different things, side by side for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from pipeline.backtest.cases import Case
from pipeline.backtest.items import SCORED, Item, ScoredField, items_of
from pipeline.backtest.run import Outcome
from schemas.transcript import Segment

Labelled = Literal["yes", "no", "unsure"]
"""``unsure``: people do not agree."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item and who says it: ``a`` and ``b`` are the words that each stands it on, None where it says nothing of it.

    ``turn`` counts from 1. ``labelled`` is None where nobody has labelled the field in this call.
    """

    field: ScoredField
    name: str
    value: str | None
    turn: int | None
    a: str | None
    b: str | None
    labelled: Labelled | None

    @property
    def differs(self) -> bool:
        """Whether one version alone says it."""
        return (self.a is None) != (self.b is None)


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a turn, and which versions take them for evidence: ``A``, ``B``, ``AB`` or nobody."""

    text: str
    by: str


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One turn as it is shown; ``number`` counts from 1."""

    number: int
    role: str
    start_ms: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class DifferingCall:
    """One call with what both versions say: the items that differ come first, a summary is there of each."""

    call_id: str
    rows: tuple[ItemRow, ...]
    turns: tuple[ShownTurn, ...]
    summaries: tuple[str, str]
    labelled_summary: str | None
    failed: tuple[str | None, str | None]


def differing(cases: Sequence[Case], a: Sequence[Outcome], b: Sequence[Outcome]) -> Iterator[DifferingCall]:
    """The calls in which an item is said by one version alone, or one version gave no valid answer; in order."""
    for case, first, second in zip(cases, a, b, strict=True):
        rows = [row for name in SCORED for row in _rows(case, name, first, second)]
        if any(row.differs for row in rows) or (first.insight is None) != (second.insight is None):
            yield DifferingCall(
                call_id=case.transcript.call_id,
                rows=tuple(sorted(rows, key=lambda row: not row.differs)),
                turns=tuple(_turns(case, first, second)),
                summaries=(_summary(first), _summary(second)),
                labelled_summary=case.summary,
                failed=(first.failed, second.failed),
            )


def _rows(case: Case, scored: ScoredField, first: Outcome, second: Outcome) -> Iterator[ItemRow]:
    said = items_of(first.insight, scored), items_of(second.insight, scored)
    gold = case.gold.get(scored)
    numbers = {segment.segment_id: number for number, segment in enumerate(case.transcript.segments, 1)}
    for item in _apart((*said[0], *said[1], *(gold or ()))):
        yield ItemRow(
            field=scored,
            name=item.name,
            value=item.value,
            turn=_turn(item, case, numbers),
            a=_words(item, said[0]),
            b=_words(item, said[1]),
            labelled=None if gold is None else _labelled(item, gold, case.unsure.get(scored, ())),
        )


def _apart(items: Iterable[Item]) -> list[Item]:
    """Each thing once, in the words of who says it first."""
    found: list[Item] = []
    for item in items:
        if not any(item.is_same(other) for other in found):
            found.append(item)
    return found


def _words(item: Item, said: Iterable[Item]) -> str | None:
    same = next((one for one in said if one.is_same(item)), None)
    return None if same is None else same.evidence[1] if same.evidence else ""


def _labelled(item: Item, gold: Iterable[Item], unsure: Iterable[Item]) -> Labelled:
    if any(item.is_same(one) for one in gold):
        return "yes"
    return "unsure" if any(item.is_same(one) for one in unsure) else "no"


def _turn(item: Item, case: Case, numbers: dict[str, int]) -> int | None:
    if item.evidence is not None:
        return numbers.get(item.evidence[0])
    starts = ((one.role, one.start_ms, one.end_ms) for one in case.transcript.segments)
    return next((number for number, place in enumerate(starts, 1) if place == item.place), None)


def _turns(case: Case, first: Outcome, second: Outcome) -> Iterator[ShownTurn]:
    quotes = [
        (evidence, by)
        for outcome, by in ((first, "A"), (second, "B"))
        for name in SCORED
        for item in items_of(outcome.insight, name)
        if (evidence := item.evidence) is not None
    ]
    for number, segment in enumerate(case.transcript.segments, 1):
        there = [(quote, by) for (segment_id, quote), by in quotes if segment_id == segment.segment_id]
        yield ShownTurn(number, segment.role.value, segment.start_ms, tuple(_pieces(segment, there)))


def _pieces(segment: Segment, quotes: Iterable[tuple[str, str]]) -> Iterator[Piece]:
    """The text cut where a quote begins or ends; a quote is marked where it stands first."""
    text = segment.text
    spans = [(at, at + len(quote), by) for quote, by in quotes if (at := text.find(quote)) >= 0]
    cuts = sorted({0, len(text), *(cut for start, end, _ in spans for cut in (start, end))})

    def by(piece: tuple[int, int]) -> str:
        return "".join(sorted({who for start, end, who in spans if start <= piece[0] and piece[1] <= end}))

    for who, pieces in groupby(pairwise(cuts), by):
        first, *rest = pieces
        yield Piece(text[first[0] : (rest or [first])[-1][1]], who)


def _summary(outcome: Outcome) -> str:
    return outcome.insight.summary if outcome.insight else ""
