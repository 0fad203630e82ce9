"""The calls of a back-test from the store: which ones, and what is taken for right in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from mined_calls import FACTS, START, TURNS, flow_state, inbound, insight, outcome, transcript

from pipeline.backtest.cases import CasesUnreadable
from pipeline.backtest.items import Item
from pipeline.backtest.stored_cases import StoredCases, stored_cases
from pipeline.labels.label import Label, LabelledField, Verdict
from pipeline.scenarios.load import shipped
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore, InMemoryWorkbench
from schemas.wire import CallFacts, Role

SCENARIO = shipped("telecom")
TURN_1 = (Role.CUSTOMER, 5_000, 9_000)


async def stored(*calls: tuple[str, CallFacts]) -> InMemoryStore:
    store = InMemoryStore()
    handler = build(store=store)
    for call_id, facts in calls:
        mined = insight(call_id, facts=facts).model_copy(update={"language": facts.language})
        for event in (transcript(call_id, facts=facts), mined, flow_state(mined)):
            await handler(inbound(event))
    return store


def said(  # noqa: PLR0913 - one argument a part of a label
    field: LabelledField,
    name: str,
    verdict: Verdict = Verdict.RIGHT,
    *,
    by: str = "ann",
    segment: str | None = None,
    value: str | None = None,
    call: str = "one",
) -> Label:
    return Label(
        tenant_id="acme", call_id=call, scenario="telecom", language="en", field=field, name=name, segment_id=segment,
        value=value, verdict=verdict, by=by, at=datetime(2026, 3, 3, tzinfo=UTC),
    )  # fmt: skip


async def found(
    store: InMemoryStore, labels: Sequence[Label] = (), *, since: datetime | None = None, limit: int = 10
) -> StoredCases:
    workbench = InMemoryWorkbench()
    await workbench.add_labels(labels)
    return await stored_cases(
        store,
        workbench,
        tenant_id="acme",
        scenario=SCENARIO,
        edition=SCENARIO.edition("en"),
        since=since,
        limit=limit,
    )


def facts(days: int = 0, **rest: str) -> CallFacts:
    return FACTS.model_copy(update={"started_at": START + timedelta(days=days), **rest})


async def test_calls_of_the_scenario_and_language_come_with_their_words() -> None:
    store = await stored(("one", facts()), ("zh", facts(language="zh-CN")), ("sale", facts(scenario="insurance")))
    (case,) = (await found(store)).cases
    assert case.transcript.call_id == "one"
    assert [segment.text for segment in case.transcript.segments] == [text for _, text in TURNS]
    assert case.transcript.call.started_at == START
    assert case.gold == {}


async def test_labelled_calls_come_first_then_the_newest() -> None:
    store = await stored(("one", facts()), ("two", facts(1)), ("three", facts(2)))
    labels = [said("topics", "price")]
    assert [case.transcript.call_id for case in (await found(store, labels, limit=2)).cases] == ["one", "three"]
    newest = await found(store, labels, since=START + timedelta(hours=1))
    assert [case.transcript.call_id for case in newest.cases] == ["three", "two"]


async def test_what_most_people_say_is_gold_and_a_tie_is_unsure() -> None:
    labels = [
        *(said("intents", "price_objection", segment="s1", by=name) for name in ("ann", "ben")),
        said("intents", "price_objection", Verdict.WRONG, segment="s1", by="cai"),
        said("intents", "cancel_contract", segment="s3"),
        said("intents", "cancel_contract", Verdict.WRONG, segment="s3", by="ben"),
        said("entities", "amount", Verdict.WRONG, segment="s1", value="30"),
        said("objections", "ignored", Verdict.MISSING, segment="s1"),
        said("follow_ups", "promise", segment="s2", value="Sends an offer."),
        said("summary", "summary", value="A price is too high."),
    ]
    (case,) = (await found(await stored(("one", facts())), labels)).cases
    assert case.gold == {
        "intents": (Item("price_objection", place=TURN_1),),
        "entities": (),
        "objections": (Item("ignored", place=TURN_1),),
        "follow_ups": (Item("promise", place=(Role.AGENT, 10_000, 14_000)),),
    }
    assert case.unsure == {"intents": (Item("cancel_contract", place=(Role.CUSTOMER, 15_000, 19_000)),)}
    assert case.summary == "A price is too high."


async def test_an_observed_outcome_counts_where_nobody_has_labelled_one() -> None:
    store = await stored(("one", facts()), ("two", facts(1)))
    observed = outcome("one").model_copy(update={"name": SCENARIO.edition("en").taxonomy.outcomes[0].name})
    await build(store=store)(inbound(observed))
    label = said("outcome", SCENARIO.edition("en").taxonomy.outcomes[1].name, Verdict.MISSING)
    cases = {case.transcript.call_id: case for case in (await found(store)).cases}
    assert cases["one"].gold == {"outcome": (Item(observed.name),)}
    assert cases["two"].gold == {}
    assert (await found(store, [label])).cases[0].gold == {"outcome": (Item(label.name),)}


async def test_labels_of_turns_that_are_gone_are_counted_and_do_not_count() -> None:
    heard_anew = await found(await stored(("one", facts())), [said("intents", "price_objection", segment="s77")])
    assert (heard_anew.lost, heard_anew.cases[0].gold) == (1, {"intents": ()})


async def test_a_name_that_the_taxonomy_does_not_have_is_told_with_the_nearest() -> None:
    store = await stored(("one", facts()))
    labels = [said("intents", "price_objections", segment="s1")]
    with pytest.raises(CasesUnreadable, match="nearest: price_objection") as raised:
        await found(store, labels)
    assert "label of call one by ann: intents: 'price_objections' is not in the taxonomy" in raised.value.message
    assert (await found(store, [said("intents", "gone", Verdict.WRONG, segment="s1")])).cases


async def test_no_call_says_of_what_and_since_when() -> None:
    with pytest.raises(CasesUnreadable, match="no call of scenario 'telecom' in 'en' is stored that began since 2030"):
        await found(await stored(("one", facts())), since=datetime(2030, 1, 1, tzinfo=UTC))
