"""Stored calls mined again: beside what is there, paid for once, switched to and back, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mined_calls import FACTS, START, TENANT, TURNS, feedback, flow_state, inbound, insight, outcome, transcript
from store_places import Shelf

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.extract.findings import Conversation, Findings, FoundIntent, evidence_of
from pipeline.history import switching
from pipeline.history.building import Built, build
from pipeline.history.comparing import compare
from pipeline.history.extracting import Reextraction, Stopped
from pipeline.history.pinned import Pinned, digests
from pipeline.history.run import MARK, Run, Scope
from pipeline.history.versions import MINED, Side, Versions, find
from pipeline.llm.budget import Spent
from pipeline.ports import Hit, VectorStore, Where
from pipeline.scenarios.load import shipped
from pipeline.store import stage
from pipeline.store.calls import show_call
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.connections import Connection, Folder
from pipeline.store.generations.applying import Installation, apply
from pipeline.store.generations.physical import create
from pipeline.store.points import of_call
from pipeline.store.qdrant import QdrantStore
from schemas.insight import Extractor, Provenance
from schemas.suggestion import FeedbackKind
from schemas.wire import Lane

Fails = Callable[[str], Exception | None]
FOUND = {"extract.v1": "ask_price", "extract.v2": "price_objection"}


def never(_call: str) -> None:
    return None


class Model:
    """Finds one intent, which one the version of the prompt decides; counts who was asked about."""

    def __init__(self, fails: Fails = never) -> None:
        self.fails = fails
        self.asked: list[str] = []

    async def extract(self, conversation: Conversation) -> Findings:
        prompt = conversation.edition.prompt("extract")
        assert prompt is not None
        call_id = conversation.subject.removeprefix(f"{TENANT}:")
        self.asked.append(call_id)
        if (failure := self.fails(call_id)) is not None:
            raise failure
        made = Provenance(
            extractor=Extractor.LLM, model="m", scenario="telecom", scenario_version=1, prompt_version=prompt.label
        )
        said = conversation.segments[1]
        intent = FoundIntent(FOUND[prompt.label], 0.9, evidence_of(said, said.text))
        return Findings((intent,), None, f"by {prompt.label}", made)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Desk:
    """A store with calls that were mined with the first version, and runs with the second."""

    shelf: Shelf
    model: Model = field(default_factory=Model)
    second: int = 0

    @property
    def to(self) -> Installation:
        made = self.shelf.installation()
        return Installation(made.connection, made.embedder, made.prefix, now=self.now)

    def now(self) -> float:
        return datetime.now(UTC).timestamp() + self.second

    async def mine(self, *call_ids: str, store: VectorStore | None = None, revision: int = 1) -> None:
        """What the index stage writes of a call; a worker that runs keeps to its store."""
        if store is None:
            store = self.shelf.store()
            await store.prepare()
        handler = stage.build(store=store)
        for call_id in call_ids:
            found = insight(call_id, revision=revision)
            for event in (transcript(call_id, TURNS, revision=revision), found, flow_state(found)):
                await handler(inbound(event))

    async def worker(self) -> QdrantStore:
        """The store of a process that is started now."""
        store = self.shelf.store()
        await store.prepare()
        return store

    async def reextract(self, run: Run | None = None, **scope: Any) -> Built:
        found = await self.find()
        begun = run or (found.run if found else new_run(**scope))
        return await build(self.to, begun, self._make)

    async def find(self) -> Versions | None:
        return await find(self.to)

    async def versions(self) -> Versions:
        found = await self.find()
        assert found is not None
        return found

    async def switch(self) -> switching.Turned:
        """Some seconds ago: no worker starts within the second of a switch."""
        self.second -= 3
        try:
            return await switching.switch(self.to, await self.versions())
        finally:
            self.second += 3

    async def roll_back(self) -> switching.Turned:
        return await switching.roll_back(self.to, await self.versions())

    async def intents(self, call_id: str) -> list[str]:
        """What questions that are asked now say of a call, by its own point and by its intents."""
        shown = await show_call(await self.worker(), call_id, tenant_id=TENANT)
        names = sorted(one.name for one in shown.intents)
        assert sorted(shown.row.intents) == names
        return names

    async def everything(self) -> dict[str, dict[str, Any]]:
        """All points of the current version of what is mined."""
        store = await self.worker()
        held: dict[str, dict[str, Any]] = {}
        for name in MINED:
            hits, _ = await store.page(name, Where(), 1_000)
            held[name] = {hit.id: dict(hit.payload) for hit in hits}
        return held

    def _make(self, old: Side, new: Side, done: Callable[[str], Awaitable[None]]) -> Reextraction:
        async def no_sleep(_seconds: float) -> None:
            return None

        return Reextraction(
            tenant_id=TENANT,
            stored=old.store,
            index=stage.build(store=new.store),
            done=done,
            extractor=self.model,
            scenarios=Pinned(lambda name, _tenant: shipped(name), "extract.v2"),
            default_scenario="telecom",
            delay_s=lambda _tries, _error: 0.0,
            at_once=2,
            sleep=no_sleep,
        )


def new_run(run_id: str = "r1", **scope: Any) -> Run:
    return Run(
        run_id=run_id,
        scope=Scope(tenant_id=TENANT, **scope),
        asked="--since 7d --prompt extract.v2",
        prompt="extract.v2",
        extractor="llm",
        digests={},
        began_at=START,
    )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """In local mode; what concerns servers besides is tried by itself."""
    connection = Folder(tmp_path / "qdrant")
    yield Desk(Shelf(connection, "t-"))
    await connection.close()


OLD, NEW = ["cancel_contract", "price_concern"], ["price_objection"]


async def test_nothing_shows_before_the_switch_and_everything_after_it_and_back_again(shelf: Shelf) -> None:
    desk = Desk(shelf)
    await desk.mine("a", "b")
    before = await desk.everything()
    built = await desk.reextract()
    assert (built.redone, built.failed, built.versions.state) == (2, (), "built")
    assert await desk.everything() == before
    assert (await desk.switch()).is_new
    assert [await desk.intents(call) for call in ("a", "b")] == [NEW, NEW]
    assert (await desk.roll_back()).is_new
    assert await desk.everything() == before
    assert (await desk.switch()).is_new
    assert await desk.intents("a") == NEW
    deleted = await switching.drop(desk.to, await desk.versions())
    assert len(deleted) == len(MINED)
    assert await desk.find() is None
    assert await desk.intents("b") == NEW


async def test_points_are_those_that_the_index_stage_writes_with_all_that_is_known_of_the_call(desk: Desk) -> None:
    await desk.mine("a")
    store = await desk.worker()
    await stage.build(store=store)(inbound(outcome("a")))
    before = (await store.page(CALLS, of_call(TENANT, "a"), 1))[0][0].payload
    await desk.reextract()
    await desk.switch()
    after = (await (await desk.worker()).page(CALLS, of_call(TENANT, "a"), 1))[0][0].payload
    kept = ("agent", "team", "customer_id", "started_at", "duration_ms", "revision", "lane", "outcome_observed")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["prompt_version"], after["path"], after["summary"]) == ("extract.v2", NEW, "by extract.v2")
    assert after[MARK] == "r1"
    assert "outcome_inferred" not in after


async def test_only_the_calls_in_scope_are_mined_again(desk: Desk) -> None:
    await desk.mine("a", "b")
    await desk.reextract(calls=("a",))
    await desk.switch()
    assert desk.model.asked == ["a"]
    assert [await desk.intents(call) for call in ("a", "b")] == [NEW, OLD]


async def test_a_scope_is_by_start_scenario_and_language() -> None:
    later = START + timedelta(days=1)
    scope = Scope(tenant_id=TENANT, since=START, until=later, scenario="telecom", language="en")
    where = scope.where()
    assert where.equal == {"tenant_id": TENANT, "scenario": "telecom", "language": "en"}
    assert (where.at_least, where.below) == ({"started_ts": START.timestamp()}, {"started_ts": later.timestamp()})


@pytest.mark.parametrize(
    "failure",
    [Spent("the budget for today is spent", scope="day"), Retryable("the model is away", dependency="llm")],
)
async def test_a_run_that_was_stopped_goes_on_and_pays_no_call_twice(desk: Desk, failure: ConvmineError) -> None:
    calls = [f"c{number}" for number in range(6)]
    await desk.mine(*calls)
    done: list[str] = []

    def fails(call_id: str) -> Exception | None:
        if len(set(done)) >= 3:
            return failure
        done.append(call_id)
        return None

    desk.model.fails = fails
    with pytest.raises(Stopped) as raised:
        await desk.reextract()
    assert failure.message in raised.value.message
    assert raised.value.done == 3
    with pytest.raises(ConvmineError, match="is not done"):
        await desk.switch()
    desk.model = Model()
    built = await desk.reextract()
    assert sorted(desk.model.asked) == sorted(set(calls) - set(done))
    assert (built.redone, built.now) == (6, 3)


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_run_that_was_killed_between_its_two_collections_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    await desk.mine("a")
    if not is_first:
        await desk.reextract(new_run("r0"))
        await desk.switch()
        await switching.drop(desk.to, await desk.versions())

    made = list[str]()

    async def killed(connection: Connection, name: str, *rest: Any) -> None:
        if made:
            raise KeyboardInterrupt
        made.append(name)
        await create(connection, name, *rest)

    monkeypatch.setattr("pipeline.history.versions.create", killed)
    with pytest.raises(KeyboardInterrupt):
        await desk.reextract()
    monkeypatch.undo()
    assert (await desk.versions()).state == "half built"
    assert (await desk.reextract()).redone == 1
    await desk.switch()
    assert await desk.intents("a") == NEW


async def test_a_call_without_a_valid_answer_stays_as_it_was(desk: Desk) -> None:
    await desk.mine("a", "b")
    desk.model.fails = lambda call_id: Poison("no valid answer") if call_id == "a" else None
    built = await desk.reextract()
    assert built.failed == (("a", "no valid answer"),)
    await desk.switch()
    assert [await desk.intents(call) for call in ("a", "b")] == [OLD, NEW]


async def test_what_workers_write_to_the_old_version_is_taken_over(desk: Desk) -> None:
    await desk.mine("a", "b")
    worker = await desk.worker()
    await desk.reextract()
    await desk.mine("c", store=worker)
    await desk.switch()
    assert await desk.intents("c") == OLD
    desk.second = 10
    await stage.build(store=worker)(inbound(outcome("a", at=START + timedelta(hours=1))))
    await desk.mine("d", store=worker)
    assert (await desk.switch()).taken_over > 0
    assert [await desk.intents(call) for call in ("a", "d")] == [NEW, OLD]
    shown = await show_call(await desk.worker(), "a", tenant_id=TENANT)
    assert shown.row.outcome_observed is not None


async def test_a_newer_transcript_wins_over_what_was_mined_again(desk: Desk) -> None:
    await desk.mine("a", "b")
    worker = await desk.worker()
    await desk.reextract()
    await desk.mine("a", store=worker, revision=2)
    await desk.switch()
    assert [await desk.intents(call) for call in ("a", "b")] == [OLD, NEW]
    shown = await show_call(await desk.worker(), "a", tenant_id=TENANT)
    assert shown.facts["revision"] == 2


async def test_what_was_written_to_the_new_version_is_there_after_rolling_back(desk: Desk) -> None:
    await desk.mine("a")
    await desk.reextract()
    await desk.switch()
    started_again = await desk.worker()
    await desk.mine("b", store=started_again)
    await stage.build(store=started_again)(inbound(outcome("a")))
    await desk.roll_back()
    assert [await desk.intents(call) for call in ("a", "b")] == [OLD, OLD]
    shown = await show_call(await desk.worker(), "a", tenant_id=TENANT)
    assert shown.row.outcome_observed is not None
    desk.second = 10
    await desk.mine("c", store=started_again)
    assert not (await desk.roll_back()).is_new
    assert await desk.intents("c") == OLD


async def test_an_erased_call_does_not_come_back(desk: Desk) -> None:
    await desk.mine("a", "b", "c")
    worker = await desk.worker()

    def erased_while_it_is_mined(call_id: str) -> None:
        if call_id == "b":
            erased.append(call_id)

    erased: list[str] = []
    desk.model.fails = erased_while_it_is_mined
    await desk.reextract()
    for name in MINED:
        for call_id in ("a", "b"):
            await worker.remove(name, of_call(TENANT, call_id))
    await desk.switch()
    new = await desk.everything()
    assert {one["call_id"] for points in new.values() for one in points.values()} == {"c"}
    assert len(new[INTENTS]) == len(new[CALLS]) == 1


async def test_a_live_call_keeps_its_lane_and_its_words(desk: Desk) -> None:
    store = await desk.worker()
    handler = stage.build(store=store)
    facts = FACTS.model_copy(update={"started_at": START})
    live = {"lane": Lane.LIVE}
    found = insight("a", facts=facts).model_copy(update=live)
    for event in (transcript("a", facts=facts).model_copy(update=live), found, flow_state(found)):
        await handler(inbound(event))
    await desk.reextract()
    await desk.switch()
    assert await desk.intents("a") == NEW
    shown = await show_call(await desk.worker(), "a", tenant_id=TENANT)
    assert (shown.facts["lane"], len(shown.turns)) == ("live", len(TURNS))


async def test_feedback_and_suggestions_are_those_of_both_versions(desk: Desk) -> None:
    await desk.mine("a")
    await desk.reextract()
    await desk.switch()
    await stage.build(store=await desk.worker())(inbound(feedback("a", FeedbackKind.ACCEPTED)))
    await desk.roll_back()
    hits: list[Hit] = (await (await desk.worker()).page("suggestions", of_call(TENANT, "a"), 10))[0]
    assert [hit.payload["feedback"] for hit in hits] == ["accepted"]


async def test_the_comparison_counts_both_versions(desk: Desk) -> None:
    await desk.mine("a", "b")
    await desk.reextract()
    found = await compare(desk.to, await desk.versions(), examples=1)
    assert (found.calls, found.intents_changed, found.outcomes_changed) == (2, 2, 2)
    assert {one.name: (one.old, one.new) for one in found.intents} == {
        "cancel_contract": (2, 0), "price_concern": (2, 0), "price_objection": (0, 2),
    }  # fmt: skip
    assert [(one.name, one.difference) for one in found.outcomes] == [(None, 2), ("cancelled", -2)]
    assert [one.call_id for one in found.examples] == ["a"]
    assert found.examples[0].gained == ("price_objection",)


async def test_store_apply_leaves_both_versions_alone(desk: Desk) -> None:
    await desk.mine("a")
    await desk.reextract()
    applied = await apply(desk.to, drop_old=True)
    assert applied.others == ()
    await desk.switch()
    await apply(desk.to, drop_old=True)
    assert await desk.intents("a") == NEW
    await desk.roll_back()
    assert await desk.intents("a") == OLD


async def test_the_old_version_is_not_deleted_while_a_worker_writes_to_it(desk: Desk) -> None:
    await desk.mine("a")
    worker = await desk.worker()
    await desk.reextract()
    await desk.switch()
    await desk.mine("b", store=worker)
    versions = await desk.versions()
    run = versions.run.model_copy(update={"turning": versions.run.turning - 10})
    await versions.note(desk.to.connection, run)
    with pytest.raises(ConvmineError, match="workers still write"):
        await switching.drop(desk.to, await desk.versions())
    assert await desk.intents("b") == OLD, "what it wrote was taken over"
    desk.second = 120
    await switching.drop(desk.to, await desk.versions())
    assert await desk.find() is None


async def test_a_closed_run_is_no_obstacle_to_the_next_nor_to_store_apply(desk: Desk) -> None:
    await desk.mine("a")
    for run_id in ("r1", "r2"):
        assert (await desk.reextract(new_run(run_id))).now == 1
        await desk.switch()
        await switching.drop(desk.to, await desk.versions())
    assert await desk.intents("a") == NEW
    assert await desk.find() is None
    assert (await apply(desk.to)).others == ()


async def test_a_version_that_was_given_up_leaves_nothing(desk: Desk) -> None:
    await desk.mine("a")
    before, names = await desk.everything(), await desk.shelf.names()
    await desk.reextract()
    await switching.drop(desk.to, await desk.versions())
    assert await desk.find() is None
    assert await desk.everything() == before
    assert await desk.shelf.names() == names


def test_a_scenario_of_stored_calls_that_is_not_here_is_named_with_the_ways_to_have_it() -> None:
    with pytest.raises(ConvmineError, match="no scenario 'parcels'") as raised:
        digests(lambda name, _: shipped(name), "telecom", TENANT, "extract.v2", [("parcels", "en")])
    assert "--published" in (raised.value.hint or "")
