"""What is due by the rules is not stored again by a replay."""

from __future__ import annotations

from datetime import timedelta

from mined_calls import FACTS, START, flow_state, inbound, insight, outcome, suggestion, transcript

from pipeline.questions.asker import Asker
from pipeline.retention.obeying import unexpired
from pipeline.retention.rules import Rules
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore

RULES = Rules.model_validate(
    {
        "rules": [
            {"kind": "transcripts", "keep": "10d"},
            {"kind": "intents", "keep": "20d"},
            {"kind": "suggestions", "keep": "30d"},
            {"kind": "calls", "keep": "40d"},
            {"kind": "transcripts", "tenant": "umbrella", "keep": "50d"},
        ]
    }
)


async def stored(days: int, tenant: str = "acme") -> dict[str, int]:
    """How many points there are after all events of a call came so many days after its beginning."""
    store, now = InMemoryStore(), START + timedelta(days=days, seconds=1)
    handle = unexpired(RULES, build(store=store), lambda: now)
    facts = FACTS.model_copy(update={"started_at": START})
    found = insight("call-1", facts=facts)
    advice = suggestion("call-1").model_copy(update={"call": facts})
    for event in (transcript("call-1", facts=facts), found, flow_state(found), advice):
        await handle(inbound(event, at=now, tenant=tenant))
    return {name: await store.count(name, Asker(tenant).scope) for name in (UTTERANCES, INTENTS, SUGGESTIONS, CALLS)}


async def test_each_kind_comes_again_for_as_long_as_it_is_kept() -> None:
    assert list((await stored(0)).values()) == [4, 2, 1, 1]
    assert list((await stored(10)).values()) == [0, 2, 1, 1]
    assert list((await stored(20)).values()) == [0, 0, 1, 1]
    assert list((await stored(30)).values()) == [0, 0, 0, 1]
    assert list((await stored(40)).values()) == [0, 0, 0, 0]


async def test_the_rule_of_the_events_tenant_counts() -> None:
    assert (await stored(30, "umbrella"))[UTTERANCES] == 4


async def test_an_event_that_does_not_say_when_its_call_began_counts_from_its_own_time() -> None:
    store = InMemoryStore()
    handle = unexpired(RULES, build(store=store), lambda: START + timedelta(days=100))
    await handle(inbound(outcome("call-old"), at=START))
    await handle(inbound(outcome("call-new"), at=START + timedelta(days=99)))
    assert [one.payload["call_id"] for one in store.points[CALLS].values()] == ["call-new"]
