"""The calls that are most like one: nearest in meaning of their summary and intents, each with what it shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.ports import Hit
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Similar
from pipeline.store.answers import CallRow, Found
from pipeline.store.calls import row_of
from pipeline.store.collections import CALLS
from pipeline.store.known import Named, Unknown, check_known
from pipeline.store.points import call_point_id

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alike:
    """A call that is like the one asked about: how near in meaning (cosine), and the names that both have."""

    call: CallRow
    score: float
    intents: tuple[str, ...]
    topics: tuple[str, ...]
    objections: tuple[str, ...]
    summary: str


async def similar(asking: Asking, question: Similar) -> Found[Alike]:
    """The nearest calls, best first.

    Raises:
        NoField: a condition cannot be asked.
        TooWide: a condition matches too many calls for one filter.
        Unknown: there is no such call that the asker may see, with the nearest ids as a hint; or nothing was mined of
            it.
    """
    of = await _asked_of(asking, question.call)
    narrowings = await narrowed(asking, CALLS, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    hits = await asking.store.similar(CALLS, [of.id], where, question.limit)
    if hits:
        return Found(tuple(_alike(of.payload, hit) for hit in hits if hit.payload.get("text")))
    return Found((), emptied_by=await emptied_by(asking, CALLS, narrowings))


async def _asked_of(asking: Asking, call_id: str) -> Hit:
    asker = asking.asker
    hits = await asking.store.get(CALLS, [call_point_id(asker.tenant_id, call_id)])
    if not hits or asker.agent not in {None, hits[0].payload.get("agent")}:
        await check_known(asking.store, asker.scope, Named("call", CALLS, "call_id", call_id))
        raise Unknown(f"no call named {call_id!r} is stored", hint="see convmine calls list")
    if not hits[0].payload.get("text"):
        raise Unknown(f"nothing is known yet of what the call {call_id!r} is about", hint="it has not been mined")
    return hits[0]


def _alike(of: Payload, hit: Hit) -> Alike:
    return Alike(
        row_of(hit.payload),
        hit.score,
        _shared(of, hit.payload, "intents"),
        _shared(of, hit.payload, "topics"),
        _shared(of, hit.payload, "objection_topics"),
        hit.payload.get("summary", ""),
    )


def _shared(one: Payload, other: Payload, field: str) -> tuple[str, ...]:
    return tuple(name for name in one.get(field, ()) if name in other.get(field, ()))
