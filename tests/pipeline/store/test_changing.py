from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import Retryable
from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore
from pipeline.store.changing import change, stored
from pipeline.store.collections import CALLS
from pipeline.testing import InMemoryStore

ID = stable_id("call", "acme", "c1")


def setting(**fields: Any) -> Callable[[dict[str, Any]], Point]:
    return lambda before: Point(ID, "", {"tenant_id": "acme", "call_id": "c1", **before, **fields})


class Overtaken(InMemoryStore):
    """Another worker writes just before the first so many writes."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def get(self, collection: str, ids: Any) -> Any:
        found = await super().get(collection, ids)
        if self.times:
            self.times -= 1
            other = InMemoryStore()
            other.points = self.points
            await change(other, CALLS, ID, setting(**{f"other{self.times}": True}))
        return found


async def test_what_is_made_of_a_point_is_stored(store: VectorStore) -> None:
    await change(store, CALLS, ID, setting(a=1))
    await change(store, CALLS, ID, setting(b=2))
    await change(store, CALLS, ID, lambda _: None)
    payload = await stored(store, CALLS, ID)
    assert (payload["a"], payload["b"]) == (1, 2)


async def test_changes_at_the_same_time_all_count(store: VectorStore) -> None:
    await asyncio.gather(*(change(store, CALLS, ID, setting(**{name: True})) for name in "abcd"))
    assert {"a", "b", "c", "d"} <= (await stored(store, CALLS, ID)).keys()


async def test_a_change_is_made_again_on_what_another_worker_wrote_meanwhile() -> None:
    store = Overtaken(3)
    await change(store, CALLS, ID, setting(mine=True))
    assert {"mine", "other0", "other1", "other2"} <= (await stored(store, CALLS, ID)).keys()


async def test_a_point_without_a_mark_is_changed_all_the_same(store: VectorStore) -> None:
    await store.put(CALLS, [Point(ID, "", {"tenant_id": "acme", "old": True})])
    await change(store, CALLS, ID, setting(a=1))
    assert {"old", "a"} <= (await stored(store, CALLS, ID)).keys()


async def test_who_is_overtaken_time_and_again_tries_later() -> None:
    with pytest.raises(Retryable, match="being changed by others"):
        await change(Overtaken(1_000), CALLS, ID, setting(mine=True))


async def test_what_was_read_lately_is_changed_without_reading_it_first_and_read_where_it_is_not_so_any_more() -> None:
    store = InMemoryStore()
    known = await change(store, CALLS, ID, setting(a=1))
    await change(store, CALLS, ID, setting(theirs=True))
    payload = await change(store, CALLS, ID, setting(b=2), known)
    assert payload == await stored(store, CALLS, ID)
    assert (payload["a"], payload["b"], payload["theirs"]) == (1, 2, True)


async def test_that_there_is_nothing_to_change_is_seen_in_what_is_stored_not_in_what_was_read_lately() -> None:
    store = InMemoryStore()
    known = await change(store, CALLS, ID, setting(a=1))
    await change(store, CALLS, ID, setting(a=2))
    await change(store, CALLS, ID, lambda call: None if call["a"] == 1 else setting(seen=call["a"])(call), known)
    assert (await stored(store, CALLS, ID))["seen"] == 2
