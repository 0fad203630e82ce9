"""An agent beside the best: what they do, how objections end, calls to listen to, and cards for a person to approve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.ports import Where
from pipeline.questions.coaching.best_agents import FEWEST_DECIDED, Ranked, best, ranked
from pipeline.questions.coaching.listening import Listen, with_answers, with_open_objections
from pipeline.questions.coaching.proposals import FEWEST, ProposedCard, proposed
from pipeline.questions.coaching.talking import TalkFigure, talk_figures
from pipeline.questions.differences.call_sets import ANY, Tally, beside, roles_of, tally
from pipeline.questions.differences.comparing import FEW, INFERRED
from pipeline.questions.differences.contrasts import Contrast, Counted, Share, contrasted, share
from pipeline.questions.fields import OutcomeSource, place_of_outcome
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Coach
from pipeline.store.collections import CALLS
from pipeline.store.filters import both
from pipeline.store.known import Named, check_known
from schemas.call import OutcomeResult
from schemas.wire import Role

_TOPICS: Final = 5
_MOST_AGENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Coached:
    """An agent (a) beside the best of those whose calls were asked about (b); all shares are adjusted together.

    ``agents`` are how many have calls enough to be ranked, ``place`` is which of them this one is (1 is best), None
    where they have too few. ``best`` leaves the agent out. ``behind`` is where the agent surely does less, or wins
    less, than the best do. ``undecided`` are the agent's calls that are neither won nor lost. ``listen`` are the
    agent's calls lost after an objection that stayed open, ``listen_best`` calls that the best won after answering the
    same. ``cards`` are from all calls asked about, of the scenario and the language of most of the agent's calls.
    """

    agent: str
    outcomes: OutcomeSource
    calls: int
    undecided: int = 0
    agents: int = 0
    place: int | None = None
    best: tuple[Ranked, ...] = ()
    won: Contrast | None = None
    intents: tuple[Contrast, ...] = ()
    objections: tuple[Contrast, ...] = ()
    handling: tuple[Contrast, ...] = ()
    behind: tuple[Contrast, ...] = ()
    talk: tuple[TalkFigure, ...] = ()
    listen: tuple[Listen, ...] = ()
    listen_best: tuple[Listen, ...] = ()
    cards: tuple[ProposedCard, ...] = ()
    notes: tuple[str, ...] = ()
    emptied_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls asked about, and how they ended."""

    all: Where
    place: str

    def ended(self, result: OutcomeResult) -> Where:
        return both(self.all, Where(equal={self.place: str(result)}))

    def of(self, *agents: str) -> _Calls:
        return replace(self, all=both(self.all, Where(equal={"agent": list(agents)})))


async def coach(asking: Asking, question: Coach) -> Coached:
    """An agent beside the best.

    Raises:
        NoField: a condition cannot be asked.
        Unknown: there is no such agent among those whose calls the asker may see, with the nearest; or another name
            that was asked for is not in the store.
        TooWide: a condition matches too many calls for one filter.
    """
    narrowings = await narrowed(asking, CALLS, question.where, question.outcomes)
    calls = _Calls(combined(asking.asker, narrowings), place_of_outcome(question.outcomes, result=True))
    own_calls = calls.of(question.agent)
    own = await tally(asking, own_calls.all)
    if not own.calls:
        await check_known(asking.store, asking.asker.scope, Named("agent", CALLS, "agent", question.agent))
        empty = await emptied_by(asking, CALLS, narrowings) or f"agent={question.agent}"
        return Coached(question.agent, question.outcomes, 0, emptied_by=empty)
    won, lost = await _decided(asking, calls)
    ranking = ranked(won, lost)
    others = tuple(row for row in best(ranking) if row.agent != question.agent)
    best_calls = calls.of(*(row.agent for row in others)) if others else None
    own_won = share(won.get(question.agent, 0), won.get(question.agent, 0) + lost.get(question.agent, 0))
    beside_best = await _beside(asking, own, own_won, others, best_calls)
    decided = own_won.of
    unanswered = [topic for topic in own.unanswered if topic != ANY]
    listen = await with_open_objections(asking, own_calls.ended(OutcomeResult.LOST), unanswered, question.limit)
    same = dict.fromkeys(one.topic for one in listen)

    def of(what: str) -> tuple[Contrast, ...]:
        return tuple([one for one in beside_best if one.what == what][: question.limit])

    return Coached(
        question.agent,
        question.outcomes,
        own.calls,
        own.calls - decided,
        len(ranking),
        next((number for number, row in enumerate(ranking, start=1) if row.agent == question.agent), None),
        others,
        of("won")[0],
        of("intent"),
        of("objection"),
        of("handling"),
        tuple(filter(_is_behind, beside_best))[: question.limit],
        await talk_figures(asking, own_calls.all, best_calls.all if best_calls else None),
        listen,
        await with_answers(asking, best_calls.ended(OutcomeResult.WON), same, question.limit) if best_calls else (),
        (await _cards(asking, calls, own_calls))[: question.limit],
        tuple(_notes(question, own, decided, others)),
    )


async def _decided(asking: Asking, calls: _Calls) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Calls won and calls lost, by agent."""
    won, lost = [
        await asking.store.values(CALLS, "agent", calls.ended(result), limit=_MOST_AGENTS)
        for result in (OutcomeResult.WON, OutcomeResult.LOST)
    ]
    return won, lost


async def _beside(
    asking: Asking, own: Tally, own_won: Share, others: Sequence[Ranked], best_calls: _Calls | None
) -> list[Contrast]:
    none = Tally(0, {}, {}, {}, {})
    theirs = none if best_calls is None else await tally(asking, best_calls.all)
    their_won = share(sum(row.won.calls for row in others), sum(row.won.of for row in others))
    roles = await roles_of(asking, {**own.intents, **theirs.intents})
    rows = [Counted("won", "won", own_won, their_won), *beside(own, theirs, roles)]
    return contrasted(row for row in rows if row.what != "topic")


def _is_behind(contrast: Contrast) -> bool:
    of_agent = contrast.what in {"won", "handling"} or (contrast.what == "intent" and contrast.role == Role.AGENT)
    return of_agent and contrast.is_sure and contrast.points < 0


async def _cards(asking: Asking, calls: _Calls, own_calls: _Calls) -> tuple[ProposedCard, ...]:
    scenario, language = [
        next(iter(await asking.store.values(CALLS, field, own_calls.all)), "") for field in ("scenario", "language")
    ]
    alike = replace(calls, all=both(calls.all, Where(equal={"scenario": scenario, "language": language})))
    won, lost = alike.ended(OutcomeResult.WON), alike.ended(OutcomeResult.LOST)
    in_won, in_lost = [await asking.store.values(CALLS, "objection_topics", where) for where in (won, lost)]
    topics = [topic for topic in in_won if min(in_won[topic], in_lost.get(topic, 0)) >= FEWEST][:_TOPICS]
    return await proposed(asking, won, lost, (scenario, language), topics) if topics else ()


def _notes(question: Coach, own: Tally, decided: int, others: Sequence[Ranked]) -> Iterator[str]:
    if not others:
        yield (
            f"nobody to compare with: no other agent in these calls has {FEWEST_DECIDED} calls won or lost "
            f"({question.outcomes})"
        )
    if own.calls < FEW:
        yield f"the agent has only {own.calls} calls: nothing but a large difference can be seen"
    if decided < FEWEST_DECIDED:
        yield f"only {decided} of the agent's calls were won or lost: too few to be ranked"
    if others:
        yield "agents are not called about the same: narrow with conditions such as queue or scenario before you judge"
    if question.outcomes == "inferred":
        yield INFERRED
