"""What the port promises, of each implementation."""

from __future__ import annotations

import pytest

from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore, Where
from pipeline.store.collections import KNOWLEDGE


def point(name: str, text: str, **payload: object) -> Point:
    return Point(stable_id("test", name), text, {"tenant_id": "t", "text": text, **payload})


PRICE = point("price", "the price is too high for me", source="a.md", language="en", n=1, tags=["money", "doubt"])
MOVE = point("move", "we are moving to another city", source="b.md", language="en", n=2, tags=["home"])
CHINESE = point("zh", "这个套餐太贵了", source="c.md", language="zh", n=3, tags=[])


@pytest.fixture
async def filled(store: VectorStore) -> VectorStore:
    await store.put(KNOWLEDGE, [PRICE, MOVE, CHINESE])
    return store


async def test_a_search_finds_the_text_with_the_words_asked_for_first(filled: VectorStore) -> None:
    hits = await filled.search(KNOWLEDGE, "price too high", Where(), 3)
    assert hits[0].id == PRICE.id
    assert hits[0].payload["text"] == PRICE.text
    assert hits[0].score > hits[-1].score


async def test_a_search_never_leaves_its_filter(filled: VectorStore) -> None:
    hits = await filled.search(KNOWLEDGE, "price too high", Where(equal={"source": "b.md"}), 3)
    assert [hit.id for hit in hits] == [MOVE.id]


async def test_writing_a_point_again_overwrites_it(filled: VectorStore) -> None:
    await filled.put(KNOWLEDGE, [point("move", "we stay", source="b.md")])
    assert await filled.count(KNOWLEDGE, Where()) == 3
    (hit,) = await filled.get(KNOWLEDGE, [MOVE.id])
    assert hit.payload == {"tenant_id": "t", "text": "we stay", "source": "b.md"}


async def test_a_condition_on_overwriting_lets_new_points_in_and_keeps_those_that_do_not_meet_it(
    filled: VectorStore,
) -> None:
    other = point("move", "we stay", source="b.md"), point("new", "hello", source="c.md")
    await filled.put(KNOWLEDGE, other, over=Where(equal={"source": "a.md"}))
    texts = [hit.payload["text"] for hit in await filled.get(KNOWLEDGE, [one.id for one in other])]
    assert texts == [MOVE.text, "hello"]
    await filled.put(KNOWLEDGE, other, over=Where(equal={"source": "b.md"}))
    assert (await filled.get(KNOWLEDGE, [MOVE.id]))[0].payload["text"] == "we stay"


async def test_get_answers_in_the_order_asked_and_leaves_out_what_is_not_there(filled: VectorStore) -> None:
    hits = await filled.get(KNOWLEDGE, [MOVE.id, stable_id("test", "nobody"), PRICE.id])
    assert [hit.id for hit in hits] == [MOVE.id, PRICE.id]
    assert await filled.get(KNOWLEDGE, []) == []


async def test_pages_go_through_everything_once_in_the_order_of_ids(filled: VectorStore) -> None:
    first, mark = await filled.page(KNOWLEDGE, Where(), 2)
    assert mark is not None
    second, end = await filled.page(KNOWLEDGE, Where(), 2, mark)
    assert end is None
    assert [hit.id for hit in first + second] == sorted([PRICE.id, MOVE.id, CHINESE.id])


FILTERS: tuple[tuple[Where, set[str]], ...] = (
    (Where(equal={"language": "en"}), {PRICE.id, MOVE.id}),
    (Where(equal={"source": ["a.md", "c.md"]}), {PRICE.id, CHINESE.id}),
    (Where(equal={"source": []}), set()),
    (Where(equal={"tags": "doubt"}), {PRICE.id}),
    (Where(equal={"n": 3}), {CHINESE.id}),
    (Where(unequal={"language": "en"}), {CHINESE.id}),
    (Where(unequal={"source": ["a.md", "b.md"]}), {CHINESE.id}),
    (Where(at_least={"n": 2}), {MOVE.id, CHINESE.id}),
    (Where(below={"n": 2}), {PRICE.id}),
    (Where(at_least={"n": 2}, below={"n": 3}), {MOVE.id}),
    (Where(at_least={"missing": 0}), set()),
)


async def test_a_filter_matches_what_it_says(filled: VectorStore) -> None:
    for where, expected in FILTERS:
        hits, _ = await filled.page(KNOWLEDGE, where, 10)
        assert {hit.id for hit in hits} == expected, where
        assert await filled.count(KNOWLEDGE, where) == len(expected), where


async def test_remove_deletes_what_matches_except_what_is_kept(filled: VectorStore) -> None:
    await filled.remove(KNOWLEDGE, Where(equal={"language": "en"}), keep=[MOVE.id])
    hits, _ = await filled.page(KNOWLEDGE, Where(), 10)
    assert {hit.id for hit in hits} == {MOVE.id, CHINESE.id}


async def test_values_counts_the_points_of_each_value(filled: VectorStore) -> None:
    assert await filled.values(KNOWLEDGE, "language", Where()) == {"en": 2, "zh": 1}
    assert await filled.values(KNOWLEDGE, "source", Where(equal={"language": "zh"})) == {"c.md": 1}
