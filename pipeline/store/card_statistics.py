"""How cards do: counted anew from the store after feedback or an outcome was stored, and published on ``config.cards``.

As all is counted each time, an event that comes again, or a replay, ends with the same figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.ports import Hit, VectorStore, Where
from pipeline.stages import CARDS
from pipeline.store import points
from pipeline.store.collections import CALLS, SUGGESTIONS
from pipeline.store.filters import both
from schemas.call import CallOutcome, OutcomeResult
from schemas.envelope import message
from schemas.reference import CardStatistics
from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback

STATISTICS: Final = "statistics"
"""What the key of a card's figures ends with; without it, it is that of the card."""
APART_S: Final = 2.0
"""Seconds between two counts of one card in one process: 50 agents who react to one card every 10 s are 5 a second, and
a ranking needs none of these figures sooner.
"""
MOST_CALLS: Final = 10_000
"""Calls of which it is looked up how they ended; with so many a win rate is known to one point."""
_SEEN: Final = Where(equal={"feedback": tuple(str(kind) for kind in FeedbackKind)})
"""Suggestions that an agent saw: who reacts to one has seen it."""
_OF_A_CALL: Final = 200
"""Suggestions of one call that are looked at when its outcome comes; a call gets a handful."""
_ENDED: Final = "outcome_observed_result"

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, order=True)
class CountedCard:
    """A card, or a passage (``kb:…``), of a playbook."""

    tenant_id: str
    scenario: str
    language: str
    card_id: str

    @property
    def key(self) -> str:
        """The key of the record of its figures."""
        return f"{self.tenant_id}:{self.scenario}:{self.language}:{self.card_id}:{STATISTICS}"


def counting(
    handler: Handler,
    store: VectorStore,
    *,
    apart_s: float = APART_S,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Handler:
    """The handler of ``index``, which also publishes the figures of the cards that an event is about.

    While a count of a card waits for its turn, other events of the card are done at once: that count comes after what
    they have stored, and the event that waits for it is not done before its figures are published.
    """
    turns = _Turns(apart_s, clock, sleep)

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        outputs = await handler(inbound)
        cards = await _concerned(store, inbound)
        told = await asyncio.gather(*(count(card, inbound.message.envelope.time) for card in cards))
        return (*outputs, *(one for one in told if one is not None))

    async def count(card: CountedCard, at: datetime) -> Outbound | None:
        async with turns.turn(card) as is_mine:
            return _published(card, await counted(store, card, at)) if is_mine else None

    return handle


async def counted(store: VectorStore, card: CountedCard, at: datetime) -> CardStatistics:
    """What became of a card's suggestions until now; ``at`` is the time of the event that led to the count.

    Won and lost are calls, by their observed outcome, in which an agent saw the card.

    Raises:
        Retryable: the store is away.
    """
    of_card = {name: getattr(card, name) for name in ("tenant_id", "scenario", "language", "card_id")}
    seen = both(Where(equal=of_card), _SEEN)
    kinds, calls = await asyncio.gather(
        store.values(SUGGESTIONS, "feedback", seen), store.values(SUGGESTIONS, "call_id", seen, MOST_CALLS)
    )
    in_calls = Where(equal={"tenant_id": card.tenant_id, "call_id": tuple(calls)})
    ended = await store.values(CALLS, _ENDED, in_calls) if calls else {}
    return CardStatistics(
        scenario=card.scenario,
        language=card.language,
        card_id=card.card_id,
        shown=sum(kinds.values()),
        accepted=kinds.get(FeedbackKind.ACCEPTED, 0),
        edited=kinds.get(FeedbackKind.EDITED, 0),
        dismissed=kinds.get(FeedbackKind.DISMISSED, 0),
        won=ended.get(OutcomeResult.WON, 0),
        lost=ended.get(OutcomeResult.LOST, 0),
        counted_at=at,
    )


class _Turns:
    """Whose turn it is to count a card: one waits for all that come meanwhile, and two counts are ``apart_s`` apart."""

    def __init__(self, apart_s: float, clock: Clock, sleep: Sleep) -> None:
        self._apart_s = apart_s
        self._clock = clock
        self._sleep = sleep
        self._waiting: set[CountedCard] = set()
        self._begun: dict[CountedCard, float] = {}
        self._locks: dict[CountedCard, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, card: CountedCard) -> AsyncIterator[bool]:
        """Whether the caller is to count, now; False at once where another one waits to.

        A count that is under way is waited for: it may not have seen what was stored last, and of two counts the older
        must not be published last.
        """
        if card in self._waiting:
            yield False
            return
        self._waiting.add(card)
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._locks.setdefault(card, asyncio.Lock()))
                if (pause := self._begun.get(card, -self._apart_s) + self._apart_s - self._clock()) > 0:
                    await self._sleep(pause)
            finally:
                self._waiting.discard(card)
            self._begun[card] = self._clock()
            yield True


async def _concerned(store: VectorStore, inbound: Inbound) -> Sequence[CountedCard]:
    """The cards whose figures an event that was just stored may have changed, in order."""
    match inbound.payload:
        case SuggestionFeedback() | SuggestionCreated() as of:
            id_ = points.suggestion_point_id(inbound.tenant_id, of.call_id, of.suggestion_id)
            hits = await store.get(SUGGESTIONS, [id_])
        case CallOutcome() as outcome:
            of_call = both(points.of_call(inbound.tenant_id, outcome.call_id), _SEEN)
            hits, _ = await store.page(SUGGESTIONS, of_call, _OF_A_CALL)
        case _:
            hits = []
    return sorted({card for hit in hits if (card := _card_of(hit)) is not None})


def _card_of(hit: Hit) -> CountedCard | None:
    """The card of a suggestion that an agent saw; None where it has not come yet, or does not say its playbook."""
    names = [str(hit.payload.get(name) or "") for name in ("tenant_id", "scenario", "language", "card_id")]
    return CountedCard(*names) if all(names) and "feedback" in hit.payload else None


def _published(card: CountedCard, figures: CardStatistics) -> Outbound:
    """The same figures have the same id."""
    told = message(
        figures,
        id=stable_id("event", CARDS, card.key, figures.model_dump_json()),
        source="/convmine/index",
        time=figures.counted_at,
        subject=card.card_id,
        tenant_id=card.tenant_id,
        key=card.key,
    )
    return Outbound(CARDS, told)
