from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from mined_calls import TENANT
from planted_calls import UNTIL, planted

from pipeline.ports import Point
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.question import Similar
from pipeline.store.collections import CALLS
from pipeline.store.known import Unknown
from pipeline.store.points import call_point_id
from pipeline.testing import InMemoryStore

CALL = "synthetic-000011"


@cache
def store() -> InMemoryStore:
    return planted()


async def alike(call: str, *where: str, agent: str | None = None, of: InMemoryStore | None = None) -> Any:
    question = Similar(call=call, where=tuple(map(parse_condition, where)))
    return await StoredAnswers(of or store(), Asker(TENANT, agent), lambda: UNTIL).answer(question)


def payload(call: str) -> Any:
    return store().points[CALLS][call_point_id(TENANT, call)].payload


async def test_the_nearest_calls_say_what_they_share() -> None:
    found = (await alike(CALL)).items
    assert len(found) == 10
    assert CALL not in {one.call.call_id for one in found}
    for one in found:
        assert set(one.intents) == set(payload(CALL)["intents"]) & set(payload(one.call.call_id)["intents"])
        assert set(one.objections) <= set(payload(CALL)["objection_topics"])
        assert one.call.outcome_observed is None
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


async def test_only_calls_that_fit_are_looked_at() -> None:
    found = (await alike(CALL, "outcome=won", "team=north")).items
    assert {one.call.outcome_inferred.result for one in found} == {"won"}
    empty = await alike(CALL, "started<2020-01-01")
    assert (empty.items, empty.emptied_by) == ((), "started<2020-01-01")


async def test_an_unknown_call_names_the_nearest() -> None:
    with pytest.raises(Unknown) as caught:
        await alike("synthetic-00001x")
    assert "synthetic-00001" in (caught.value.hint or "")


async def test_an_agent_sees_calls_of_their_own_alone() -> None:
    own, other = (
        next(one.payload["call_id"] for one in store().points[CALLS].values() if one.payload.get("agent") == agent)
        for agent in ("agent-01", "agent-02")
    )
    assert {one.call.agent for one in (await alike(own, agent="agent-01")).items} == {"agent-01"}
    with pytest.raises(Unknown) as caught:
        await alike(other, agent="agent-01")
    assert other not in (caught.value.hint or "")


async def test_a_call_that_was_not_mined_is_like_no_other() -> None:
    bare = InMemoryStore()
    point = Point(call_point_id(TENANT, "k1"), "", {"tenant_id": TENANT, "call_id": "k1", "text": ""})
    await bare.put(CALLS, [point])
    with pytest.raises(Unknown, match="nothing is known yet"):
        await alike("k1", of=bare)
