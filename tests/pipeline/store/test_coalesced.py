from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.dependencies import answered, noting_answers
from pipeline.errors import Poison, Retryable
from pipeline.ids import stable_id
from pipeline.ports import Hit, Point, Where
from pipeline.store.changing import change, stored
from pipeline.store.coalesced import Coalescing
from pipeline.testing import InMemoryStore

PLACE = "utterances"


class Gated(InMemoryStore):
    """Notes what it is asked to write, and answers when it is let; refuses points with the text ``bad``."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.writes: list[tuple[list[str], Where | None]] = []
        self.reads: list[Sequence[str]] = []
        self.error: Exception | None = None

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        self.writes.append(([point.text for point in points], over))
        await self.gate.wait()
        answered("qdrant")
        if self.error is not None:
            raise self.error
        if any(point.text == "bad" for point in points):
            raise Poison("refused")
        await super().put(collection, points, over=over)

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        self.reads.append(ids)
        return await super().get(collection, ids)


def point(text: str, id_: str = "") -> Point:
    return Point(stable_id("test", id_ or text), text, {"text": text})


def texts(store: InMemoryStore) -> set[str]:
    return {one.text for one in store.points.get(PLACE, {}).values()}


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_written_at_the_same_time_goes_in_one_request() -> None:
    inner = Gated()
    store = Coalescing(inner)
    await asyncio.gather(*(store.put(PLACE, [point(f"p{number}")]) for number in range(50)))
    assert len(inner.writes) == 1
    assert len(texts(inner)) == 50


async def test_a_request_has_no_more_points_than_allowed_unless_one_caller_brings_them() -> None:
    inner = Gated()
    store = Coalescing(inner, most=10)
    many = [point(f"many{number}") for number in range(25)]
    await asyncio.gather(store.put(PLACE, many), *(store.put(PLACE, [point(f"p{number}")]) for number in range(25)))
    assert sorted(len(written) for written, _ in inner.writes) == [5, 10, 10, 25]


async def test_nobody_goes_on_before_their_own_points_are_written_and_others_gather_meanwhile() -> None:
    inner = Gated()
    inner.gate.clear()
    store = Coalescing(inner)
    writers = []
    for number in range(9):
        writers.append(asyncio.create_task(store.put(PLACE, [point(f"p{number}")])))
        await turns()
    assert not any(writer.done() for writer in writers)
    assert [len(written) for written, _ in inner.writes] == [1]
    inner.gate.set()
    await asyncio.gather(*writers)
    assert [len(written) for written, _ in inner.writes] == [1, 8]


async def test_writes_of_one_point_go_one_after_the_other_in_their_order() -> None:
    inner = Gated()
    store = Coalescing(inner)
    await asyncio.gather(*(store.put(PLACE, [point(f"v{number}", "same")]) for number in range(5)))
    assert [written for written, _ in inner.writes] == [["v0"], ["v1"], ["v2"], ["v3"], ["v4"]]
    assert texts(inner) == {"v4"}


async def test_only_writes_under_equal_conditions_go_together() -> None:
    inner = Gated()
    store = Coalescing(inner)
    live, batch = Where(equal={"lane": "live"}), Where(equal={"lane": "batch"})
    await asyncio.gather(
        store.put(PLACE, [point("a")], over=live),
        store.put(PLACE, [point("b")], over=Where(equal={"lane": "live"})),
        store.put(PLACE, [point("c")], over=batch),
        store.put(PLACE, [point("d")]),
    )
    assert inner.writes == [(["a", "b"], live), (["c"], batch), (["d"], None)]


async def test_an_outage_is_told_to_all_that_shared_the_request_and_the_next_try_works() -> None:
    inner = Gated()
    store = Coalescing(inner)
    inner.error = Retryable("away", dependency="qdrant")
    results = await asyncio.gather(*(store.put(PLACE, [point(text)]) for text in "abc"), return_exceptions=True)
    assert [type(result) for result in results] == [Retryable] * 3
    inner.error = None
    await store.put(PLACE, [point("a")])
    assert texts(inner) == {"a"}


async def test_of_what_is_refused_for_good_only_the_one_that_brought_it_fails() -> None:
    inner = Gated()
    store = Coalescing(inner)
    results = await asyncio.gather(
        *(store.put(PLACE, [point(text)]) for text in ("a", "bad", "b")), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), Poison, type(None)]
    assert texts(inner) == {"a", "b"}


async def test_what_waits_when_its_caller_is_cancelled_is_not_written() -> None:
    inner = Gated()
    inner.gate.clear()
    store = Coalescing(inner)
    ahead = [asyncio.create_task(store.put(PLACE, [point(text, "same")])) for text in ("a", "b")]
    await turns()
    ahead[1].cancel()
    await turns()
    assert ahead[1].cancelled()
    inner.gate.set()
    await ahead[0]
    await turns()
    assert inner.writes == [(["a"], None)]


async def test_who_is_cancelled_while_its_points_are_on_their_way_ends_after_them() -> None:
    inner = Gated()
    inner.gate.clear()
    store = Coalescing(inner)
    writer = asyncio.create_task(store.put(PLACE, [point("a")]))
    await turns()
    writer.cancel()
    await turns()
    assert not writer.done()
    inner.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await writer
    assert texts(inner) == {"a"}


async def test_reads_by_id_share_a_request_and_everybody_gets_their_own_in_their_order() -> None:
    inner = Gated()
    store = Coalescing(inner)
    await store.put(PLACE, [point("a"), point("b"), point("c")])
    ids = {text: point(text).id for text in "abcx"}
    found = await asyncio.gather(
        store.get(PLACE, [ids["c"], ids["a"]]), store.get(PLACE, [ids["x"], ids["a"]]), store.get(PLACE, [])
    )
    assert [[hit.payload["text"] for hit in hits] for hits in found] == [["c", "a"], ["a"], []]
    assert len(inner.reads) == 1


async def test_each_caller_knows_which_dependency_has_answered() -> None:
    store = Coalescing(Gated())

    async def write(text: str) -> set[str]:
        with noting_answers() as noted:
            await store.put(PLACE, [point(text)])
        return noted

    assert list(await asyncio.gather(write("a"), write("b"))) == [{"qdrant"}, {"qdrant"}]


async def test_a_full_request_goes_beside_another_and_one_that_is_not_full_waits_for_company() -> None:
    inner = Gated()
    inner.gate.clear()
    store = Coalescing(inner, most=10)
    tasks: list[asyncio.Task[None]] = []
    for size in (1, 4, 6, 9, 9, 9):
        many = [point(f"{len(tasks)}-{number}") for number in range(size)]
        tasks.append(asyncio.create_task(store.put(PLACE, many)))
        await turns()
        tasks[-1].set_name(str(len(inner.writes)))
    assert [task.get_name() for task in tasks] == ["1", "1", "2", "2", "2", "2"]
    inner.gate.set()
    await asyncio.gather(*tasks)
    assert [len(written) for written, _ in inner.writes] == [1, 10, 9, 9, 9]


async def test_a_full_request_waits_for_the_one_that_writes_the_same_point() -> None:
    inner = Gated()
    inner.gate.clear()
    store = Coalescing(inner, most=2)
    tasks = [asyncio.create_task(store.put(PLACE, [point("old", "same"), point("a")]))]
    await turns()
    tasks.append(asyncio.create_task(store.put(PLACE, [point("new", "same"), point("b")])))
    await turns()
    assert len(inner.writes) == 1
    inner.gate.set()
    await asyncio.gather(*tasks)
    assert texts(inner) == {"new", "a", "b"}


async def test_an_end_before_the_first_step_of_a_request_lets_its_callers_go() -> None:
    store = Coalescing(Gated())
    writer = asyncio.create_task(store.put(PLACE, [point("a")]))
    others = asyncio.all_tasks() - {writer}
    for _ in range(20):
        if sent := asyncio.all_tasks() - others - {writer}:
            break
        await asyncio.sleep(0)
    assert sent
    for task in (*sent, writer):
        task.cancel()
    await asyncio.wait([writer], timeout=5)
    assert writer.cancelled()


async def test_changes_of_several_points_go_together_each_only_over_what_it_was_made_of() -> None:
    inner = Gated()
    store = Coalescing(inner)
    ids = [stable_id("test", name) for name in "abc"]

    def setting(id_: str, **fields: object) -> Callable[[dict[str, Any]], Point]:
        return lambda before: Point(id_, "", {"call_id": id_, **before, **fields})

    await asyncio.gather(*(change(store, PLACE, id_, setting(id_, a=1)) for id_ in ids))
    assert [len(written) for written, _ in inner.writes] == [3]
    known = {id_: await stored(store, PLACE, id_) for id_ in ids}
    await change(inner, PLACE, ids[0], setting(ids[0], theirs=True))
    inner.writes.clear()
    await asyncio.gather(*(change(store, PLACE, id_, setting(id_, b=2), known[id_]) for id_ in ids))
    assert [len(written) for written, _ in inner.writes] == [3, 1]
    changed = [await stored(store, PLACE, id_) for id_ in ids]
    assert [("theirs" in one, one["a"], one["b"]) for one in changed] == [(True, 1, 2), (False, 1, 2), (False, 1, 2)]
