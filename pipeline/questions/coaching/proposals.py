"""Playbook cards proposed to a person: what agents did after an objection in won calls, and less often in lost ones.

A card says what goes together, never what is the reason. It has no ``approved_by``, without which no scenario takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pipeline.ports import Where
from pipeline.questions.differences.contrasts import Contrast, Quote, contrasted, side_by_side
from pipeline.questions.differences.sampling import Words, spoken, words_of
from pipeline.questions.differences.statistics import SURE
from pipeline.questions.narrowing import Asking
from pipeline.store.calls import all_pages
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.filters import both
from schemas.wire import Lane, Role, Sentiment

FEWEST: Final = 10
"""Calls won, and as many lost, that an objection must have been raised in."""
_READ: Final = 120
"""Calls won, and as many lost, that are read of each topic; all in one go, as a filter by ids is dear in local mode."""
_QUOTES: Final = 2
_LONGEST_QUOTE: Final = 160
_LONGEST_ID: Final = 64
_PAGE: Final = 5_000
_PRIORITY: Final = 50
_EXPIRES_S: Final = 60
_WORDING: Final[Mapping[str, tuple[str, str]]] = {
    "en": (
        "After an objection on {topic}: {what}",
        "The customer objects ({topic}). In calls won, agents more often went on with: {what}. They said: {quotes}",
    ),
    "zh": (
        "客户对{topic}有异议之后：{what}",  # noqa: RUF001 - Chinese marks
        "客户对{topic}有异议。在成交的通话里，坐席接下来更常做的是：{what}。原话：{quotes}",  # noqa: RUF001 - Chinese marks
    ),
}


@dataclass(frozen=True, slots=True)
class ProposedCard:
    """A card as ``playbook.yaml`` has it but for ``approved_by``, and what it stands on.

    ``evidence`` compares calls with an objection on the topic: a are calls won, b calls lost, counted where the agent
    did or said it after the objection. ``quotes`` are of calls won.
    """

    scenario: str
    language: str
    topic: str
    card: Mapping[str, Any]
    evidence: Contrast
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class _After:
    """After the first objection on a topic: by intent of agents its words in each call, and all that was said."""

    did: Mapping[str, Mapping[str, Quote]]
    said: Words


async def proposed(
    asking: Asking, won: Where, lost: Where, of: tuple[str, str], topics: Sequence[str]
) -> tuple[ProposedCard, ...]:
    """The cards that calls won and lost speak for, of these objections; strongest first within each topic.

    A phrase has a card of its own, as it may say which of the things of one intent it was. The p that Benjamini and
    Hochberg adjust within a topic is held against 0.05 divided by the number of topics (Bonferroni).

    Args:
        asking: of whom, by whom.
        won: calls won.
        lost: calls lost.
        of: scenario and language of all these calls.
        topics: of objections, each in at least ``FEWEST`` calls of both.
    """
    raised = [(await _raised(asking, won, topic), await _raised(asking, lost, topic)) for topic in topics]
    calls = {call_id for pair in raised for side in pair for call_id in side}
    did, said = await _done(asking, calls), await words_of(asking, calls)
    cards: list[ProposedCard] = []
    for topic, (in_won, in_lost) in zip(topics, raised, strict=True):
        good, bad = _after(in_won, did, said), _after(in_lost, did, said)
        found = [*_by_intent(good, bad), *_by_phrase(good, bad)]
        cards += [
            ProposedCard(*of, topic, _card(topic, contrast, quotes, of[1], asking.now.date()), contrast, quotes)
            for contrast, quotes in found
            if contrast.points > 0 and (contrast.adjusted_p or 0.0) < SURE / len(topics)
        ]
    return tuple(cards)


async def _raised(asking: Asking, where: Where, topic: str) -> dict[str, int]:
    """When an objection on the topic was first raised, in ms of the call, in a bounded sample of these calls."""
    narrowed = both(where, Where(equal={"objection_topics": topic}))
    hits, _ = await asking.store.page(CALLS, narrowed, _READ, fields=["call_id", "objections"])
    return {hit.payload["call_id"]: _raised_ms(hit.payload["objections"], topic) for hit in hits}


async def _done(asking: Asking, call_ids: Iterable[str]) -> list[tuple[str, Quote]]:
    """The intents of agents in these calls, each with its words, in order of time."""
    if not (ids := sorted(call_ids)):
        return []
    of_agents = both(asking.asker.scope, Where(equal={"call_id": ids, "role": str(Role.AGENT)}))
    fields = ("call_id", "name", "start_ms", "quote")
    found = [hit.payload for hit in await all_pages(asking.store, INTENTS, of_agents, size=_PAGE, fields=fields)]
    found.sort(key=lambda one: (one["call_id"], one["start_ms"]))
    return [(one["name"], Quote(one["call_id"], str(Role.AGENT), one["start_ms"], one["quote"])) for one in found]


def _after(raised: Mapping[str, int], did: Iterable[tuple[str, Quote]], said: Words) -> _After:
    first: dict[str, dict[str, Quote]] = {}
    for name, quote in did:
        if quote.call_id in raised and quote.start_ms > raised[quote.call_id]:
            first.setdefault(name, {}).setdefault(quote.call_id, quote)
    later = {call: [one for one in said[call] if one.start_ms > moment] for call, moment in raised.items()}
    return _After(first, later)


def _raised_ms(objections: Sequence[Mapping[str, Any]], topic: str) -> int:
    """When an objection on the topic was first raised, in ms of the call."""
    return min(int(one["evidence"][0]["start_ms"]) for one in objections if one.get("topic") == topic)


def _by_intent(good: _After, bad: _After) -> Iterator[tuple[Contrast, tuple[Quote, ...]]]:
    of = len(good.said), len(bad.said)
    counts = [{name: len(calls) for name, calls in one.did.items()} for one in (good, bad)]
    roles = {name: str(Role.AGENT) for one in counts for name in one}
    for contrast in contrasted(side_by_side("intent", counts[0], counts[1], of, roles)):
        if contrast.is_sure and contrast.points > 0:
            yield contrast, tuple(good.did[contrast.name].values())[:_QUOTES]


def _by_phrase(good: _After, bad: _After) -> Iterator[tuple[Contrast, tuple[Quote, ...]]]:
    for contrast in spoken(good.said, bad.said, [Role.AGENT], _QUOTES).contrasts:
        if contrast.example is not None and contrast.points > 0:
            yield contrast, (contrast.example,)


def _card(topic: str, of: Contrast, quotes: Sequence[Quote], language: str, today: date) -> dict[str, Any]:
    title, text = _WORDING.get(language.partition("-")[0], _WORDING["en"])
    what = of.name.replace("_", " ") if of.what == "intent" else f"“{_shown(of.name)}”"
    words = {
        "topic": topic.replace("_", " "),
        "what": what,
        "quotes": " / ".join(f"“{_shown(quote.text)}”" for quote in quotes),
    }
    trigger = {"topic": topic, "sentiment": str(Sentiment.NEGATIVE)}
    return {
        "id": _slug(f"after-{topic}-{of.name}"),
        "title": title.format(**words),
        "text": text.format(**words),
        "trigger": trigger | ({"unless_intent": of.name} if of.what == "intent" else {}),
        "lanes": [str(Lane.LIVE), str(Lane.BATCH)],
        "priority": _PRIORITY,
        "valid_from": today.isoformat(),
        "expires_after_s": _EXPIRES_S,
    }


def _shown(text: str) -> str:
    """Words of a call on one line and cut; braces would be slots."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    cut = line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
    return cut.replace("{", "(").replace("}", ")")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.casefold())[:_LONGEST_ID].strip("-")
