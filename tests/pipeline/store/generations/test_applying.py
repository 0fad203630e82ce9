"""``store apply`` and generations, wherever Qdrant is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from mined_calls import flow_state, inbound, insight
from qdrant_client.models import PayloadSchemaType
from store_places import Shelf

from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.ids import stable_id
from pipeline.ports import Point, Vectors, Where
from pipeline.store import points
from pipeline.store.collections import BY_NAME, CALLS, INTENTS, KNOWLEDGE, UTTERANCES
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.filters import to_filter
from pipeline.store.generations.applying import Step, apply
from pipeline.store.generations.physical import Layout, Plan, Stamp, create
from pipeline.store.structs import STORED

OLD = Stamp("hashing-v1", 384)


class Halved:
    """Another encoder, whose vectors are shorter."""

    name = "halved"
    dimension = 192

    def encode(self, texts: Sequence[str]) -> Vectors:
        return HashingEncoder().encode(texts)[:, : self.dimension]


class New(InThread):
    """Another embedder, which remembers what it embedded; ``meanwhile`` happens while it does so first."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(Halved())
        self.seen: list[str] = []
        self.meanwhile = meanwhile

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        self.seen += texts
        return await super().embed(texts)


def text_point(name: str, text: str, **fields: object) -> Point:
    return Point(stable_id("test", name), text, {"tenant_id": "t", "text": text, **fields})


def many(count: int) -> list[Point]:
    return [text_point(str(number), f"text number {number}") for number in range(count)]


async def texts_of(shelf: Shelf, collection: str, embedder: InThread | None = None) -> set[str]:
    store = shelf.store(embedder)
    await store.prepare()
    hits, _ = await store.page(collection, Where(), 1_000)
    return {hit.payload["text"] for hit in hits}


async def test_what_is_missing_is_made_once(shelf: Shelf) -> None:
    applied = await apply(shelf.installation())
    assert Step("utterances", "made utterances-1".replace("u", f"{shelf.prefix}u", 1)) in applied.steps
    assert (await apply(shelf.installation())).steps == ()
    assert [name for name in await shelf.names() if name.startswith("calls")] == ["calls-1"]


async def test_missing_indexes_are_made_and_settings_changed_once(shelf: Shelf) -> None:
    made = f"{shelf.prefix}{KNOWLEDGE}-1"
    await create(shelf.connection, made, Plan(BY_NAME[KNOWLEDGE], OLD, Layout()))
    quantised = Layout(quantise=True, on_disk_payload=False)
    if isinstance(shelf.connection, Folder):  # which has neither
        await apply(shelf.installation())
        assert (await apply(shelf.installation(layout=quantised))).steps == ()
        return
    await shelf.connection.run(lambda client: client.create_payload_index(made, "tenant_id", PayloadSchemaType.KEYWORD))
    done = await _done_to(shelf, KNOWLEDGE, quantised)
    assert "indexed tenant_id, scenario, language, origin, source, passage_id" in done
    assert done[-2:] == ["quantisation on", "payloads in memory"]
    assert await _done_to(shelf, KNOWLEDGE, quantised) == []
    assert await _done_to(shelf, KNOWLEDGE, Layout()) == ["quantisation off", "payloads on disk"]


async def _done_to(shelf: Shelf, collection: str, layout: Layout) -> list[str]:
    applied = await apply(shelf.installation(layout=layout))
    return [step.done for step in applied.steps if step.collection == collection]


async def test_fields_that_older_points_lack_are_filled_in_from_the_others(shelf: Shelf) -> None:
    mined = insight("c1")
    whole = [*points.intents(inbound(mined), mined)], [points.call(inbound(flow_state(mined)), flow_state(mined))]
    lacking = {"started_ts", "started_day", "started_week", "started_month", "duration_s", "utterance_ids"}
    lacking |= {"objection_topics", "objections_open"}
    store = shelf.store()
    await store.prepare()
    for collection, new in zip((INTENTS, CALLS), whole, strict=True):
        old = [{key: value for key, value in one.payload.items() if key not in lacking} for one in new]
        await store.put(collection, [Point(one.id, one.text, kept) for one, kept in zip(new, old, strict=True)])
    applied = await apply(shelf.installation())
    assert Step(INTENTS, f"filled in utterance_ids of {len(whole[0])} points") in applied.steps
    for collection, new in zip((INTENTS, CALLS), whole, strict=True):
        hits = await store.get(collection, [one.id for one in new])
        filled = [{key: value for key, value in one.payload.items() if value != []} for one in new]
        assert [{key: value for key, value in hit.payload.items() if value != []} for hit in hits] == filled
    assert (await apply(shelf.installation())).steps == ()


async def test_another_embedder_is_refused_with_the_command_that_makes_the_collection_anew(shelf: Shelf) -> None:
    await apply(shelf.installation())
    with pytest.raises(Config, match=r"hashing-v1 \(384 dimensions\).*halved \(192") as caught:
        await apply(shelf.installation(New()))
    assert "convmine store apply --re-embed" in (caught.value.hint or "")


async def test_a_new_generation_holds_the_same_points_and_the_old_one_goes_on_until_it_is_dropped(shelf: Shelf) -> None:
    old = shelf.store()
    await old.prepare()
    await old.put(UTTERANCES, [text_point("a", "the price is too high"), text_point("b", "we are moving")])
    await old.put(
        KNOWLEDGE, [Point(stable_id("test", "k"), "Prices\nsave money", {"title": "Prices", "text": "save money"})]
    )
    embedder = New()
    applied = await apply(shelf.installation(embedder), re_embed=True)
    assert {"the price is too high", "we are moving", "Prices\nsave money"} <= set(embedder.seen)
    assert f"{shelf.prefix}utterances-1" in applied.others
    new = shelf.store(New())
    await new.prepare()
    for store in (old, new):
        (hit,) = await store.search(UTTERANCES, "the price is too high", Where(), 1)
        assert hit.payload["text"] == "the price is too high"

    await asyncio.sleep(1 - time.time() % 1)  # past the second of the swap
    await old.put(UTTERANCES, [text_point("late", "said to a worker of before")])
    await old.remove(UTTERANCES, Where(equal={"text": "we are moving"}))
    await new.put(UTTERANCES, [text_point("new", "said to a worker of now")])
    assert await texts_of(shelf, UTTERANCES, New()) == {
        "the price is too high",
        "we are moving",
        "said to a worker of now",
    }
    await apply(shelf.installation(New()), re_embed=True)
    expected = {"the price is too high", "said to a worker of before", "said to a worker of now"}
    assert await texts_of(shelf, UTTERANCES, New()) == expected
    assert (await apply(shelf.installation(New()), re_embed=True)).steps == ()

    in_a_while = replace(shelf.installation(New()), now=lambda: time.time() + 100)
    applied = await apply(in_a_while, drop_old=True)
    assert applied.others == ()
    assert [name for name in await shelf.names() if name.startswith("utterances")] == ["utterances-2"]
    assert await texts_of(shelf, UTTERANCES, New()) == expected
    with pytest.raises(Config, match="CONVMINE_STORE_EMBEDDER"):
        await old.put(UTTERANCES, [text_point("lost", "text")])


async def test_a_copy_that_was_killed_goes_on_where_it_stopped(shelf: Shelf) -> None:
    store = shelf.store()
    await store.prepare()
    await store.put(UTTERANCES, many(300))
    long_ago = {STORED: int(time.time()) - 1_000}
    everything = Where(equal={"tenant_id": "t"})
    name = f"{shelf.prefix}utterances-1"
    await shelf.connection.run(lambda client: client.set_payload(name, long_ago, to_filter(everything), wait=True))
    broken, after = New(), New()

    async def away() -> None:
        raise Retryable("the embedder is away", dependency="llm")

    async def first_batch() -> None:
        broken.meanwhile = away

    broken.meanwhile = first_batch
    with pytest.raises(Retryable):
        await apply(shelf.installation(broken), re_embed=True)
    assert len(broken.seen) == 256
    assert await texts_of(shelf, UTTERANCES) == {point.text for point in many(300)}, "the old one is current still"
    await apply(shelf.installation(after), re_embed=True)
    assert set(broken.seen) | set(after.seen) >= {point.text for point in many(300)}
    assert len(after.seen) == 300 - 256
    assert [one for one in await shelf.names() if one.startswith("utterances")] == ["utterances-1", "utterances-2"]


async def test_what_is_written_and_deleted_while_a_generation_is_made_is_in_it(shelf: Shelf) -> None:
    old = shelf.store()
    await old.prepare()
    await old.put(
        UTTERANCES, [text_point("stays", "stays"), text_point("goes", "goes"), text_point("changes", "before")]
    )

    async def meanwhile() -> None:
        await old.put(UTTERANCES, [text_point("comes", "comes"), text_point("changes", "after")])
        await old.remove(UTTERANCES, Where(equal={"text": "goes"}))

    await apply(shelf.installation(New(meanwhile)), re_embed=True)
    assert await texts_of(shelf, UTTERANCES, New()) == {"stays", "comes", "after"}


async def test_old_generations_stay_while_workers_write_to_them(shelf: Shelf) -> None:
    old = shelf.store()
    await old.prepare()
    await apply(shelf.installation(New()), re_embed=True)
    await old.put(UTTERANCES, [text_point("late", "late")])
    later = {STORED: int(time.time()) + 6}
    id_ = stable_id("test", "late")
    name = f"{shelf.prefix}utterances-1"
    await shelf.connection.run(lambda client: client.set_payload(name, later, points=[id_], wait=True))
    with pytest.raises(ConvmineError, match="still write to"):
        await apply(shelf.installation(New()), drop_old=True)
    assert "utterances-1" in await shelf.names()
    assert "late" in await texts_of(shelf, UTTERANCES, New())


async def test_a_collection_from_before_generations_works_as_it_is_and_is_moved_aside_by_apply(shelf: Shelf) -> None:
    alias = shelf.prefix + UTTERANCES
    await create(shelf.connection, alias, Plan(BY_NAME[UTTERANCES], OLD, Layout()))
    store = shelf.store()
    await store.prepare()
    await store.put(UTTERANCES, [text_point("a", "the price is too high")])
    assert "utterances-1" not in await shelf.names()
    if not isinstance(shelf.connection, Folder):
        with pytest.raises(ConvmineError, match="workers write to it"):
            await apply(shelf.installation())
        earlier = {STORED: int(time.time()) - 60}
        id_ = stable_id("test", "a")
        await shelf.connection.run(lambda client: client.set_payload(alias, earlier, points=[id_], wait=True))
    applied = await apply(shelf.installation())
    assert Step(UTTERANCES, f"made {alias}-1 of it, under an alias") in applied.steps
    assert [name for name in await shelf.names() if name.startswith("utterances")] == ["utterances-1"]
    await store.put(UTTERANCES, [text_point("b", "we are moving")])
    (hit,) = await shelf.store().search(UTTERANCES, "price", Where(), 1)
    assert hit.payload["text"] == "the price is too high"
    assert await texts_of(shelf, UTTERANCES) == {"the price is too high", "we are moving"}
    assert (await apply(shelf.installation())).steps == ()


async def test_a_collection_that_was_deleted_under_a_running_worker_is_made_again(shelf: Shelf) -> None:
    store = shelf.store()
    await store.prepare()
    name = f"{shelf.prefix}utterances-1"
    await shelf.connection.run(lambda client: client.delete_collection(name))
    await store.put(UTTERANCES, [text_point("a", "hello")])
    assert await store.count(UTTERANCES, Where()) == 1
