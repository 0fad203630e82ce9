"""What makes the local mode of qdrant-client quick: it filters point by point and commits point by point.

``hasten`` replaces three pure functions of the client by ones that give the same; ``ease`` and ``compact`` change how
its files are written, which it reads as before.
"""

from __future__ import annotations

import gc
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from pipeline.store.structs import DENSE

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient, models
    from qdrant_client.local.local_collection import LocalCollection

Payload = dict[str, Any]
Id = int | str | UUID
Mask = npt.NDArray[Any]
_Test = Callable[[Payload, Id], bool]
_Holds = Callable[[Any], bool]

_MASK: Final = "calculate_payload_mask"
_PARSE: Final = "parse_json_path"
_SPARSE: Final = "calculate_distance_sparse"
_PLAIN: Final = re.compile(r"[\w-]+")
_PATHS: Final = 1_000


@cache
def hasten() -> None:
    """Have the client use ``mask_of`` and ``sparse_scores``, and parse the path of a field once, not once a point."""
    from qdrant_client.local import local_collection, payload_value_extractor

    setattr(local_collection, _MASK, mask_of)
    setattr(local_collection, _SPARSE, sparse_scores)
    setattr(payload_value_extractor, _PARSE, lru_cache(_PATHS)(getattr(payload_value_extractor, _PARSE)))


def ease(client: AsyncQdrantClient, eased: WeakSet[LocalCollection]) -> None:
    """Let the commits to new collections go to a log that is not waited for: one by one they take some 10 ms each."""
    from qdrant_client.local.async_qdrant_local import AsyncQdrantLocal

    local = client._client  # noqa: SLF001 - the client has no setting for how it writes
    assert isinstance(local, AsyncQdrantLocal)
    for collection in local.collections.values():
        if collection not in eased and collection.storage is not None:
            collection.storage.storage.execute("PRAGMA journal_mode = WAL")
            collection.storage.storage.execute("PRAGMA synchronous = NORMAL")
            eased.add(collection)


def compact(structs: Iterable[models.PointStruct]) -> None:
    """Have dense vectors kept as arrays: a folder of them is opened a sixth sooner than one of lists."""
    for struct in structs:
        vectors: dict[str, Any] = cast("dict[str, Any]", struct.vector)
        if DENSE in vectors:
            vectors[DENSE] = np.asarray(vectors[DENSE], dtype=np.float32)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which goes through all points again and again while they are being read."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def sparse_scores(
    query: models.SparseVector,
    vectors: list[models.SparseVector],
    empty_is_zero: bool = False,  # noqa: FBT001, FBT002 - the client's own signature
) -> Mask:
    """Dot products, as the client's ``calculate_distance_sparse`` has them; none in common is minus infinity, or zero.

    The client goes through the terms of each point in Python, 70 µs for a passage of 100 words; the few terms that are
    asked for are looked up in 2 µs.
    """
    asked = list(zip(query.indices, query.values, strict=True))
    scores = np.full(len(vectors), 0.0 if empty_is_zero else -np.inf, dtype=np.float32)
    for place, vector in enumerate(vectors):
        indices, size = vector.indices, len(vector.indices)
        found = [
            weight * vector.values[at]
            for index, weight in asked
            if (at := bisect_left(indices, index)) < size and indices[at] == index
        ]
        if found:
            scores[place] = sum(found)
    return scores


def mask_of(
    payloads: list[Payload],
    payload_filter: models.Filter | None,
    ids_inv: list[Id],
    deleted_per_vector: dict[str, Mask],
) -> Mask:
    """Which points match, as the client's ``calculate_payload_mask`` says, which takes 10 µs a condition and point.

    It is asked where a filter has what ``pipeline.store.filters`` does not make.
    """
    from qdrant_client.local.payload_filters import calculate_payload_mask

    test = None if payload_filter is None else _test_of(payload_filter)
    if test is None:
        return calculate_payload_mask(payloads, payload_filter, ids_inv, deleted_per_vector)
    return np.fromiter(map(test, payloads, ids_inv), dtype=bool, count=len(payloads))


def _test_of(asked: models.Filter) -> _Test | None:
    if asked.should is not None or asked.min_should is not None:
        return None
    wanted, unwanted = _tests(asked.must), _tests(asked.must_not)
    if wanted is None or unwanted is None:
        return None

    def test(payload: Payload, id_: Id) -> bool:
        for one in wanted:
            if not one(payload, id_):
                return False
        return not any(one(payload, id_) for one in unwanted)

    return test


def _tests(conditions: object) -> list[_Test] | None:
    """Of one condition, a list of them or None; None where one of them is of another kind."""
    listed = conditions if isinstance(conditions, list) else [] if conditions is None else [conditions]
    tests = [_test(condition) for condition in listed]
    known = [test for test in tests if test is not None]
    return known if len(known) == len(tests) else None


def _test(condition: object) -> _Test | None:
    from qdrant_client import models
    from qdrant_client.local.utils import normalize_point_id

    if isinstance(condition, models.HasIdCondition):
        ids = frozenset(map(normalize_point_id, condition.has_id))
        return lambda _, id_: id_ in ids
    if not isinstance(condition, models.FieldCondition) or not _PLAIN.fullmatch(condition.key):
        return None
    holds = _holds(condition)
    return None if holds is None else _of_field(condition.key, holds)


def _holds(condition: models.FieldCondition) -> _Holds | None:
    """Whether a value is what a condition asks for; None where that is another kind of condition."""
    from qdrant_client import models
    from qdrant_client.local.payload_filters import check_range

    asked = condition.model_fields_set - {"key"}
    match = condition.match
    if asked == {"range"} and isinstance(condition.range, models.Range):
        limits = condition.range
        return lambda value: check_range(limits, value)
    if asked == {"match"} and isinstance(match, models.MatchValue):
        return _one_of([match.value])
    if asked == {"match"} and isinstance(match, models.MatchAny):
        return _one_of(match.any)
    return None


def _one_of(values: Sequence[bool | int | str]) -> _Holds:
    """Looked up instead of gone through; 1 is neither True nor 1.0."""
    if all(type(value) is str for value in values):
        texts = frozenset(values)
        return lambda value: type(value) is str and value in texts
    typed = frozenset((type(value), value) for value in values)
    return lambda value: type(value) in {bool, int, str} and (type(value), value) in typed


def _of_field(key: str, holds: _Holds) -> _Test:
    def test(payload: Payload, _: Id) -> bool:
        value = payload.get(key)
        return any(map(holds, value)) if type(value) is list else holds(value)

    return test
