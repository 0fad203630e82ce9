"""Which piece of advice a live call is shown now: at most one, of what fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pipeline.figures import SUGGEST_WITHHELD
from pipeline.handling import Inbound
from pipeline.ports import Meter
from pipeline.suggest.advice import KNOWLEDGE_LIVES_S, KNOWLEDGE_PRIORITY, Advice, Advisor
from pipeline.suggest.already_said import says
from pipeline.suggest.asking import asked_in
from pipeline.suggest.known import Known
from pipeline.suggest.live_state import LiveAdvice
from pipeline.suggest.phrasing import MOST_OFFERED, Moment, Offer, Phrase, Turn
from pipeline.suggest.policy import URGENT, Bounds, Why, expires, withheld
from pipeline.suggest.ranking import Ranking
from schemas.insight import IntentExtracted
from schemas.suggestion import SuggestionKind

_TURNS_SHOWN: Final = 6
"""Turns that a model is shown to word the advice: the question, and what it stands on."""


@dataclass(frozen=True, slots=True)
class _Now:
    """What is looked at in one moment of a call; ``gone`` are the suggestions that are withdrawn in it."""

    inbound: Inbound
    state: LiveAdvice
    heard: IntentExtracted
    who: Advisor
    gone: Collection[str]


@dataclass(frozen=True, slots=True)
class Choosing:
    """Chooses by priority and record, now and then to learn, and where it is set by a language model.

    Urgent cards go before all others. Among them, and among the calm ones where there is none, the highest score of
    ``pipeline.suggest.ranking`` wins. A card is tried out among calm ones alone, and whether at this moment decides the
    hash of call and time, so that a replay chooses as the first run did.
    """

    bounds: Bounds
    explore: float
    knowledge: bool
    phrase: Phrase | None
    meter: Meter

    async def chosen(  # noqa: PLR0913, PLR0917 - what a moment of a call is made of
        self,
        inbound: Inbound,
        state: LiveAdvice,
        known: Known,
        heard: IntentExtracted,
        who: Advisor,
        gone: Collection[str],
    ) -> Advice | None:
        """What is shown now, with its passages and in its final words; None for nothing.

        Raises what the store raises, and ``Config`` as the language model does.
        """
        now = _Now(inbound, state, heard, who, gone)
        shown = {one.card_id for one in state.shown}
        fitting = [one for one in who.fitting(inbound, known) if one.key not in shown and self._is_of_use(now, one)]
        if not fitting:
            answer = await self._answer(now)
            return None if answer is None else await self._worded([answer], now)
        allowed = [one for one in fitting if self._has_room(now, one.priority)]
        if not allowed:
            return None
        urgent = [one for one in allowed if one.priority >= URGENT]
        ranking = who.ranking()
        ranked = sorted(urgent or allowed, key=lambda one: (-_score(one, ranking), one.at_ms, one.key))
        if not urgent and (tried := self._tried_out(now, ranked, ranking)) is not None:
            return await self._worded([replace(tried, explored=True)], now)
        return await self._worded(ranked, now)

    def _is_of_use(self, now: _Now, advice: Advice) -> bool:
        """Whether it would still be good when it comes, and is not what the agent says already."""
        if expires(advice.lives_s, _time(now)) <= now.state.now:
            return self._withhold(now, Why.EXPIRED)
        if says(now.state.agents_newest(), advice.text):
            return self._withhold(now, Why.AGENT_DOES_IT)
        return True

    def _has_room(self, now: _Now, priority: int) -> bool:
        why = withheld(priority, _time(now), now.state.screen(now.gone), self.bounds)
        return why is None or self._withhold(now, why)

    def _withhold(self, now: _Now, why: Why) -> bool:
        self.meter.count(SUGGEST_WITHHELD, reason=str(why), scenario=now.who.scenario.id)
        return False

    async def _answer(self, now: _Now) -> Advice | None:
        """The passage that answers what the customer asked; the knowledge base is asked where there is room for it."""
        if not self.knowledge or (asked := asked_in(now.heard, now.who.edition)) is None:
            return None
        if expires(KNOWLEDGE_LIVES_S, _time(now)) <= now.state.now or not self._has_room(now, KNOWLEDGE_PRIORITY):
            return None
        seen = {passage for one in now.state.shown for passage in one.passages}
        seen |= {one.card_id.removeprefix("kb:") for one in now.state.shown}
        found = await now.who.answer(asked, seen, self.meter)
        return found if found is not None and self._is_of_use(now, found) else None

    def _tried_out(self, now: _Now, ranked: Sequence[Advice], ranking: Ranking) -> Advice | None:
        """A card of which little is known, where it is not the best anyway."""
        by_id = {one.key: one for one in ranked}
        cards = [one.firing.card for one in ranked if one.firing is not None]
        moment = f"{now.who.tenant_id}:{now.heard.call_id}:{now.state.until_ms}"
        card = ranking.explored(cards, self.explore, moment)
        return None if card is None or card.id == ranked[0].key else by_id[card.id]

    async def _worded(self, ranked: Sequence[Advice], now: _Now) -> Advice:
        """The best in its own words, or the one that the model chose among the first, in words that were checked."""
        if self.phrase is None:
            return await now.who.backed(ranked[0])
        offered = [await now.who.backed(one) for one in ranked[:MOST_OFFERED]]
        phrased = await self.phrase([_offer(one) for one in offered], _moment(now))
        if phrased is None:
            return offered[0]
        chosen = offered[phrased.place]
        if phrased.text is None:
            return chosen
        return replace(chosen, text=phrased.text, phrased_by=phrased.model)


def _time(now: _Now) -> datetime:
    return now.state.time_of(now.inbound.message.envelope.time)


def _score(advice: Advice, ranking: Ranking) -> float:
    return ranking.score(advice.firing.card) if advice.firing is not None else advice.priority


def _offer(advice: Advice) -> Offer:
    """A passage that is shown itself backs nothing: its shortened text is all that may be said."""
    backing = advice.passages if advice.kind is SuggestionKind.CARD else ()
    return Offer(advice.title, advice.text, tuple(f"{one.title}\n{one.text}" for one in backing))


def _moment(now: _Now) -> Moment:
    turns = tuple(Turn(one.role, one.text) for one in now.state.turns[-_TURNS_SHOWN:])
    return Moment(now.who.scenario, now.who.edition, now.who.tenant_id, now.heard.call_id, turns)
