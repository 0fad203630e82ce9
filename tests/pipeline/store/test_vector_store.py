"""What the port promises, of each implementation."""

from __future__ import annotations

import pytest

from pipeline.ids import stable_id
from pipeline.ports import Order, Point, VectorStore, Where
from pipeline.store.collections import CALLS, KNOWLEDGE


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


async def test_a_search_tells_the_cosine_where_it_is_asked_to(filled: VectorStore) -> None:
    same = await filled.search(KNOWLEDGE, "the price is too high for me", Where(), 3, with_cosine=True)
    cosines = {hit.id: hit.cosine for hit in same}
    assert cosines[PRICE.id] == pytest.approx(1.0, abs=1e-5)
    assert all(cosine is not None and -1 <= cosine < 0.9 for id_, cosine in cosines.items() if id_ != PRICE.id)
    assert [hit.cosine for hit in await filled.search(KNOWLEDGE, "price", Where(), 3)] == [None] * 3


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


CALLED = (
    point("c1", "the price is too high", duration_s=60, started_ts=100, intents=["price", "price", "leave"]),
    point("c2", "the price is much too high", duration_s=60, started_ts=300, intents=["price"]),
    point("c3", "we are moving to another city", duration_s=7, started_ts=300, intents=[]),
    point("c4", "hello", started_ts=200, intents=["leave", "greet"]),
    point("c5", "what would that price be", duration_s=100),
)


@pytest.fixture
async def called(store: VectorStore) -> VectorStore:
    await store.put(CALLS, CALLED)
    return store


async def test_values_of_a_number_are_its_histogram_and_of_a_list_count_once_a_point(called: VectorStore) -> None:
    lengths = await called.values(CALLS, "duration_s", Where(), 20_000)
    assert list(lengths.items()) == [("60", 2), ("7", 1), ("100", 1)]
    assert await called.values(CALLS, "intents", Where()) == {"leave": 2, "price": 2, "greet": 1}
    assert await called.values(CALLS, "intents", Where(equal={"duration_s": 60})) == {"price": 2, "leave": 1}
    assert await called.values(CALLS, "intents", Where(), 1) == {"leave": 2}


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_in_an_order_show_every_point_that_has_the_number_once(
    called: VectorStore,
    descending: bool,  # noqa: FBT001 - pytest's parameter
) -> None:
    order, mark, seen = Order("started_ts", descending), None, list[tuple[str, int]]()
    while True:
        hits, mark = await called.page(CALLS, Where(), 1, mark, order=order)
        seen += [(hit.id, hit.payload["started_ts"]) for hit in hits]
        if mark is None:
            break
    assert sorted(id_ for id_, _ in seen) == sorted(one.id for one in CALLED[:4])
    assert [at for _, at in seen] == sorted([100, 200, 300, 300], reverse=descending)


async def test_a_page_of_some_fields_brings_those_that_a_point_has_and_no_others(called: VectorStore) -> None:
    hits, _ = await called.page(CALLS, Where(), 10, fields=["duration_s", "text"])
    assert {hit.id: dict(hit.payload) for hit in hits} == {
        one.id: {key: one.payload[key] for key in ("duration_s", "text") if key in one.payload} for one in CALLED
    }
    ordered, _ = await called.page(CALLS, Where(), 1, order=Order("started_ts"), fields=["text"])
    assert [hit.payload for hit in ordered] == [{"text": "the price is too high"}]


async def test_what_is_similar_to_stored_points_leaves_them_out_and_stays_inside_the_filter(
    called: VectorStore,
) -> None:
    hits = await called.similar(CALLS, [CALLED[0].id], Where(), 2)
    assert [hit.id for hit in hits] == [CALLED[1].id, CALLED[4].id]
    assert 1 >= hits[0].score >= hits[1].score > 0
    both = [CALLED[0].id, CALLED[1].id, stable_id("test", "nobody")]
    assert [hit.id for hit in await called.similar(CALLS, both, Where(), 1)] == [CALLED[4].id]
    narrowed = await called.similar(CALLS, both, Where(equal={"intents": "greet"}), 5)
    assert [hit.id for hit in narrowed] == [CALLED[3].id]
    assert await called.similar(CALLS, [stable_id("test", "nobody")], Where(), 5) == []
