from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models
from qdrant_client.local import local_collection
from qdrant_client.local.payload_filters import calculate_payload_mask
from qdrant_client.local.sparse_distances import calculate_distance_sparse

from pipeline.ids import stable_id
from pipeline.ports import Where
from pipeline.store.connections import Folder
from pipeline.store.filters import to_filter
from pipeline.store.local_mode import Id, hasten, mask_of, sparse_scores

KEYS = st.sampled_from(["a", "b", "call_id"])
TEXTS = st.sampled_from(["", "x", "y", "1", "True"])
SCALARS = st.one_of(TEXTS, st.integers(0, 2), st.booleans(), st.sampled_from([0.0, 1.0, 1.5]), st.none())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({"x": "y"}))
PAYLOADS = st.lists(st.dictionaries(KEYS, VALUES), min_size=1, max_size=6)
ASKED = st.dictionaries(
    KEYS, st.one_of(TEXTS, st.integers(0, 2), st.booleans(), st.lists(TEXTS, max_size=3)), max_size=2
)
LIMITS = st.dictionaries(KEYS, st.sampled_from([0.0, 1.0, 1.5]), max_size=1)
ALONE = st.builds(Where, equal=ASKED, unequal=ASKED, at_least=LIMITS, below=LIMITS)
WHERES = st.builds(
    lambda where, also: Where(where.equal, where.unequal, where.at_least, where.below, also=(also,)), ALONE, ALONE
)


def ids_of(payloads: list[dict[str, Any]]) -> list[Id]:
    return [stable_id("test", number) for number in range(len(payloads))]


@given(PAYLOADS, WHERES, st.sets(st.integers(0, 5)))
def test_a_filter_matches_what_it_matches_for_the_client(
    payloads: list[dict[str, Any]], where: Where, left_out: set[int]
) -> None:
    asked = to_filter(where, without=[stable_id("test", number).upper() for number in left_out])
    assert masks(payloads, asked)[0] == masks(payloads, asked)[1]


@pytest.mark.parametrize(
    "asked",
    [
        None,
        models.Filter(),
        models.Filter(must=models.FieldCondition(key="a", match=models.MatchValue(value="x"))),
        models.Filter(should=[models.FieldCondition(key="a", match=models.MatchValue(value="x"))]),
        models.Filter(must=[models.FieldCondition(key="b.c", match=models.MatchAny(any=[1, 2]))]),
        models.Filter(must=[models.FieldCondition(key="a", match=models.MatchText(text="x"))]),
        models.Filter(must=[models.FieldCondition(key="a", is_null=True)]),
        models.Filter(must_not=[models.IsEmptyCondition(is_empty=models.PayloadField(key="a"))]),
    ],
)
def test_so_does_one_that_is_not_of_ours(asked: models.Filter | None) -> None:
    ours, theirs = masks([{"a": "x"}, {"a": ["y", "x"]}, {"b": {"c": 2}}, {"a": None}], asked)
    assert ours == theirs


WEIGHTS = st.dictionaries(st.integers(0, 12), st.floats(-4, 4, width=32), max_size=6)


def sparse(weights: dict[int, float]) -> models.SparseVector:
    ordered = sorted(weights.items())
    return models.SparseVector(indices=[index for index, _ in ordered], values=[value for _, value in ordered])


@given(WEIGHTS, st.lists(WEIGHTS, max_size=5), st.booleans())
def test_words_score_as_they_do_for_the_client(
    query: dict[int, float],
    texts: list[dict[int, float]],
    empty_is_zero: bool,  # noqa: FBT001 - hypothesis gives it by position
) -> None:
    vectors = [sparse(one) for one in texts]
    ours, theirs = (
        scores(sparse(query), vectors, empty_is_zero) for scores in (sparse_scores, calculate_distance_sparse)
    )
    assert ours.dtype == np.float32
    assert ours.tolist() == theirs.tolist()


def masks(payloads: list[dict[str, Any]], asked: models.Filter | None) -> tuple[list[bool], list[bool]]:
    """What the quick filter and the client's own make of the same."""
    ids, vectors = ids_of(payloads), {"dense": np.zeros(len(payloads), dtype=bool)}
    found = [mask(payloads, asked, ids, vectors) for mask in (mask_of, calculate_payload_mask)]
    return found[0].tolist(), found[1].tolist()


def test_a_long_list_of_ids_costs_no_more_than_a_short_one() -> None:
    payloads = [{"call_id": f"call-{number}"} for number in range(3_000)]
    asked = to_filter(Where(equal={"call_id": [f"call-{number}" for number in range(0, 30_000, 10)]}))
    ids = ids_of(payloads)
    began = time.process_time()
    assert mask_of(payloads, asked, ids, {}).sum() == 300
    assert time.process_time() - began < 1, "gone through one by one it takes 3 s and more"


def test_the_client_has_what_is_replaced_in_it() -> None:
    assert hasattr(local_collection, "calculate_payload_mask")
    hasten()
    assert local_collection.__dict__["calculate_payload_mask"] is mask_of


async def test_what_is_written_stands_in_the_log_until_the_folder_is_closed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    await folder.run(lambda client: client.create_collection("few", vectors_config={}))
    point = models.PointStruct(id=1, vector={}, payload={"a": 1})
    await folder.run(lambda client: client.upsert("few", [point], wait=True))
    written = tmp_path / "collection" / "few" / "storage.sqlite"
    assert written.with_name("storage.sqlite-wal").stat().st_size
    with sqlite3.connect(written) as another:
        assert another.execute("SELECT count(*) FROM points").fetchone() == (1,)
    another.close()
    await folder.close()
    assert [path.name for path in written.parent.iterdir()] == ["storage.sqlite"]
