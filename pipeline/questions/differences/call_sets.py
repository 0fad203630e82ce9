"""What a set of calls has: in how many each intent, topic, objection and handled objection is, by facets alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.ports import Where
from pipeline.questions.differences.contrasts import Counted, share, side_by_side
from pipeline.questions.narrowing import Asking
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.filters import both
from schemas.wire import Role

ANY: Final = "any"
"""Stands for objections on whatever topic."""
_RAISED: Final = "objection_topics"
_OPEN: Final = "objections_open"


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of calls, by name; ``objections`` and those left ``unanswered`` by topic, and on ``ANY`` topic."""

    calls: int
    intents: Mapping[str, int]
    topics: Mapping[str, int]
    objections: Mapping[str, int]
    unanswered: Mapping[str, int]

    def handled(self, topic: str) -> tuple[int, int]:
        """In how many calls every objection on the topic was answered, of how many that had one."""
        raised = self.objections.get(topic, 0)
        return raised - self.unanswered.get(topic, 0), raised


async def tally(asking: Asking, where: Where) -> Tally:
    """Of the calls that match."""
    store = asking.store
    return Tally(
        calls=await store.count(CALLS, where),
        intents=await store.values(CALLS, "intents", where),
        topics=await store.values(CALLS, "topics", where),
        objections=await _by_topic(asking, where, _RAISED),
        unanswered=await _by_topic(asking, where, _OPEN),
    )


async def roles_of(asking: Asking, names: Iterable[str]) -> dict[str, str]:
    """Whose each of these intents is."""
    where = both(asking.asker.scope, Where(equal={"role": str(Role.AGENT)}))
    of_agents = await asking.store.values(INTENTS, "name", where)
    return {name: str(Role.AGENT if name in of_agents else Role.CUSTOMER) for name in names}


def beside(a: Tally, b: Tally, roles: Mapping[str, str]) -> list[Counted]:
    """All that two sets have."""
    of = a.calls, b.calls
    objections, others = (_without_any(one.objections) for one in (a, b))
    raised = dict.fromkeys((*a.objections, *b.objections))
    return [
        *side_by_side("intent", a.intents, b.intents, of, roles),
        *side_by_side("objection", objections, others, of),
        *side_by_side("topic", a.topics, b.topics, of),
        *(
            Counted("handling", topic, share(*a.handled(topic)), share(*b.handled(topic)), str(Role.AGENT))
            for topic in raised
        ),
    ]


async def _by_topic(asking: Asking, where: Where, field: str) -> dict[str, int]:
    topics = await asking.store.values(CALLS, field, where)
    if not topics:
        return {}
    return {ANY: await asking.store.count(CALLS, both(where, Where(equal={field: list(topics)}))), **topics}


def _without_any(topics: Mapping[str, int]) -> dict[str, int]:
    return {topic: calls for topic, calls in topics.items() if topic != ANY}
