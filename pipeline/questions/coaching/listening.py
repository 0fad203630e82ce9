"""Calls to listen to: where an agent's objections were left open and the call was lost, and where others answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ports import Order, Where
from pipeline.questions.narrowing import Asking
from pipeline.store.collections import CALLS
from pipeline.store.filters import both
from schemas.insight import Handling

_NEWEST: Final = Order("started_ts", descending=True)
_OF_A_TOPIC: Final = 3
_LOOKED_AT: Final = 20


@dataclass(frozen=True, slots=True)
class Listen:
    """A call and the moment in it at which an objection was raised; ``answer`` are the agent's words on it."""

    call_id: str
    agent: str | None
    topic: str
    start_ms: int
    quote: str
    handling: str
    answer: str | None


async def with_open_objections(asking: Asking, where: Where, topics: Iterable[str], most: int) -> tuple[Listen, ...]:
    """The newest of these calls in which an objection was not, or only partly, answered; up to three a topic."""
    return await _listen(asking, where, topics, "objections_open", answered=False, most=most)


async def with_answers(asking: Asking, where: Where, topics: Iterable[str], most: int) -> tuple[Listen, ...]:
    """The newest of these calls in which an objection was answered; up to three a topic."""
    return await _listen(asking, where, topics, "objection_topics", answered=True, most=most)


async def _listen(  # noqa: PLR0913 - one way for both sides
    asking: Asking, where: Where, topics: Iterable[str], field: str, *, answered: bool, most: int
) -> tuple[Listen, ...]:
    found: list[Listen] = []
    for topic in topics:
        if len(found) >= most:
            break
        narrowed = both(where, Where(equal={field: topic}))
        fields = ["call_id", "agent", "objections", "started_ts"]
        hits, _ = await asking.store.page(CALLS, narrowed, _LOOKED_AT, order=_NEWEST, fields=fields)
        moments = [moment for hit in hits for moment in _moments(hit.payload, topic, answered=answered)]
        found += moments[:_OF_A_TOPIC]
    return tuple(found[:most])


def _moments(call: Mapping[str, Any], topic: str, *, answered: bool) -> Iterator[Listen]:
    """The first fitting objection of a call."""
    for objection in call.get("objections", ()):
        if objection.get("topic") == topic and (objection["handling"] == Handling.ANSWERED) is answered:
            said, answer = objection["evidence"][0], objection["answer"]
            quote = answer[0]["quote"] if answer else None
            yield Listen(
                call["call_id"],
                call.get("agent"),
                topic,
                said["start_ms"],
                said["quote"],
                objection["handling"],
                quote,
            )
            return
