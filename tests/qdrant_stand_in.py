"""A STAND-IN for a Qdrant server, for tests only: the part of its REST interface that our store uses, in memory.

It lets several worker processes share one store where no server can be had. It compares with every candidate, answers
one request after the other, and forgets all when it ends; a real server at ``QDRANT_URL`` is what the same tests are
for.

``python tests/qdrant_stand_in.py --port N``
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Json = dict[str, Any]
Id = str | int

_RRF_K = 2  # Qdrant's constant of reciprocal rank fusion: the best of a list gets 1 / 2


class Refused(Exception):
    """What the server answers with a 4xx."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass
class Point:
    """A point as it is kept: dense vectors of unit length, sparse ones as weights by index."""

    payload: Json
    dense: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    sparse: dict[str, dict[int, float]] = field(default_factory=dict)


class Collection:
    """Points by id, and the ids by the values of each field that has a payload index of keywords."""

    def __init__(self, config: Json) -> None:
        self.config = config
        self.points: dict[Id, Point] = {}
        self.schema: dict[str, Any] = {}
        self._ids: dict[str, dict[Any, set[Id]]] = {}

    def index(self, name: str, schema: Any) -> None:
        self.schema[name] = schema
        kind = schema.get("type") if isinstance(schema, dict) else schema
        if kind == "keyword" and name not in self._ids:
            self._ids[name] = defaultdict(set)
            for id_, point in self.points.items():
                self._note(name, id_, point.payload)

    def put(self, id_: Id, point: Point) -> None:
        self.remove(id_)
        self.points[id_] = point
        for name in self._ids:
            self._note(name, id_, point.payload)

    def remove(self, id_: Id) -> None:
        if (point := self.points.pop(id_, None)) is None:
            return
        for name, ids in self._ids.items():
            for value in _values(point.payload.get(name)):
                ids[value].discard(id_)

    def matching(self, condition: Json | None) -> list[Id]:
        """The ids of the points that a filter lets through, in order."""
        found = self._candidates(condition or {})
        return sorted((id_ for id_ in found if _passes(condition or {}, id_, self.points[id_].payload)), key=str)

    def _note(self, name: str, id_: Id, payload: Json) -> None:
        for value in _values(payload.get(name)):
            self._ids[name][value].add(id_)

    def _candidates(self, condition: Json) -> Iterable[Id]:
        """The smallest set of points that an index of a field that must match gives; without one, all."""
        sets: list[set[Id]] = [
            self._ids[one["key"]].get(one["match"]["value"], set())
            for one in _listed(condition.get("must"))
            if one.get("key") in self._ids and "value" in (one.get("match") or {})
        ]
        smallest = min(sets, key=len, default=None)
        return self.points if smallest is None else smallest


def _passes(condition: Json, id_: Id, payload: Json) -> bool:
    should = _listed(condition.get("should"))
    return (
        all(_holds(one, id_, payload) for one in _listed(condition.get("must")))
        and not any(_holds(one, id_, payload) for one in _listed(condition.get("must_not")))
        and (not should or any(_holds(one, id_, payload) for one in should))
    )


def _holds(one: Json, id_: Id, payload: Json) -> bool:
    if "has_id" in one:
        return id_ in one["has_id"]
    if "is_empty" in one:
        return payload.get(one["is_empty"]["key"]) in (None, [])
    if "key" not in one:
        return _passes(one, id_, payload)
    values = _values(payload.get(one["key"]))
    match, limits = one.get("match") or {}, one.get("range") or {}
    if not (match or limits):
        raise Refused(400, f"the stand-in does not know this condition: {one}")
    return any(_matches(match, value) and _within(limits, value) for value in values)


def _matches(match: Json, value: Any) -> bool:
    return not match or (value == match["value"] if "value" in match else value in match["any"])


def _within(limits: Json, value: Any) -> bool:
    tests: Mapping[str, Callable[[Any, Any], bool]] = {
        "gte": lambda one, other: one >= other,
        "gt": lambda one, other: one > other,
        "lte": lambda one, other: one <= other,
        "lt": lambda one, other: one < other,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    number = isinstance(value, int | float)
    return not given or (number and all(tests[name](value, limit) for name, limit in given.items()))


def _listed(conditions: Json | Sequence[Json] | None) -> Sequence[Json]:
    return [conditions] if isinstance(conditions, dict) else conditions or []


def _values(value: Any) -> Sequence[Any]:
    """The values that a field is found by: those in a list each by itself."""
    return [one for one in value if not isinstance(one, dict | list)] if isinstance(value, list) else [value]


class Qdrant:
    """The collections, and one method a request."""

    def __init__(self) -> None:
        self._collections: dict[str, Collection] = {}
        self._aliases: dict[str, str] = {}

    def aliases(self) -> Json:
        return {"aliases": [{"alias_name": one, "collection_name": name} for one, name in self._aliases.items()]}

    def turn_aliases(self, body: Json) -> bool:
        aliases = dict(self._aliases)
        for action in body["actions"]:
            if gone := action.get("delete_alias"):
                aliases.pop(gone["alias_name"], None)
            if new := action.get("create_alias"):
                self._named(new["collection_name"])
                if new["alias_name"] in self._collections:
                    raise Refused(409, f"Collection `{new['alias_name']}` already exists!")
                aliases[new["alias_name"]] = new["collection_name"]
        self._aliases = aliases
        return True

    def collections(self) -> Json:
        return {"collections": [{"name": name} for name in self._collections]}

    def exists(self, name: str) -> Json:
        return {"exists": self._aliases.get(name, name) in self._collections}

    def collection(self, name: str) -> Json:
        found = self._named(name)
        params = {key: found.config.get(key) for key in ("vectors", "sparse_vectors", "on_disk_payload")}
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
        config = {"params": params, "hnsw_config": hnsw, "optimizer_config": _OPTIMIZER}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": len(found.points),
            "segments_count": 1,
            "config": {**config, "metadata": found.config.get("metadata")},
            "payload_schema": {name: _index_info(schema) for name, schema in found.schema.items()},
        }

    def create(self, name: str, body: Json) -> bool:
        if name in self._collections or name in self._aliases:
            raise Refused(409, f"Collection `{name}` already exists!")
        self._collections[name] = Collection(body)
        return True

    def drop(self, name: str) -> bool:
        self._aliases = {alias: one for alias, one in self._aliases.items() if one != name}
        return self._collections.pop(name, None) is not None

    def update(self, name: str, body: Json) -> bool:
        config = self._named(name).config
        config["metadata"] = {**(config.get("metadata") or {}), **(body.get("metadata") or {})}
        config.update(body.get("params") or {})
        for vector, diff in (body.get("vectors") or {}).items():
            quantised = diff.get("quantization_config")
            changed = {**diff, "quantization_config": None if quantised == "Disabled" else quantised}
            config["vectors"][vector] = {**config["vectors"][vector], **changed}
        return True

    def index(self, name: str, body: Json) -> Json:
        self._named(name).index(body["field_name"], body.get("field_schema") or "keyword")
        return _DONE

    def upsert(self, name: str, body: Json) -> Json:
        found = self._named(name)
        sparse = set(found.config.get("sparse_vectors") or {})
        where = body.get("update_filter")  # what is there is replaced only where this lets it through
        for id_, point in [(_id(one["id"]), _point(one, sparse)) for one in body["points"]]:
            if where is None or id_ not in found.points or _passes(where, id_, found.points[id_].payload):
                found.put(id_, point)
        return _DONE

    def delete(self, name: str, body: Json) -> Json:
        found = self._named(name)
        for id_ in body["points"] if "points" in body else found.matching(body["filter"]):
            found.remove(id_)
        return _DONE

    def set_payload(self, name: str, body: Json) -> Json:
        found = self._named(name)
        ids = body["points"] if body.get("points") else found.matching(body.get("filter"))
        for id_ in [one for one in ids if one in found.points]:
            point = found.points[id_]
            found.put(id_, Point({**point.payload, **body["payload"]}, point.dense, point.sparse))
        return _DONE

    def batch(self, name: str, body: Json) -> list[Json]:
        return [self.set_payload(name, operation["set_payload"]) for operation in body["operations"]]

    def retrieve(self, name: str, body: Json) -> list[Json]:
        found = self._named(name)
        return [_shown(found, id_, body) for id_ in body["ids"] if id_ in found.points]

    def scroll(self, name: str, body: Json) -> Json:
        found, limit = self._named(name), body.get("limit") or 10
        if by := body.get("order_by"):
            return {"points": _in_order(found, body, by)[:limit], "next_page_offset": None}
        after = str(body.get("offset") or "")
        ids = [id_ for id_ in found.matching(body.get("filter")) if str(id_) >= after]
        following = ids[limit] if len(ids) > limit else None
        return {"points": [_shown(found, id_, body) for id_ in ids[:limit]], "next_page_offset": following}

    def count(self, name: str, body: Json) -> Json:
        return {"count": len(self._named(name).matching(body.get("filter")))}

    def facet(self, name: str, body: Json) -> Json:
        found = self._named(name)
        payloads = [found.points[id_].payload for id_ in found.matching(body.get("filter"))]
        counts = Counter(
            (type(value).__name__, value)
            for one in payloads
            for value in {one for one in _values(one.get(body["key"])) if isinstance(one, bool | int | str)}
        )
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return {"hits": [{"value": value, "count": count} for (_, value), count in ranked[: body.get("limit") or 10]]}

    def query(self, name: str, body: Json) -> Json:
        found = self._named(name)
        ranked = _ranked(found, body)
        return {"points": [{**_shown(found, id_, body), "version": 0, "score": score} for id_, score in ranked]}

    def _named(self, name: str) -> Collection:
        name = self._aliases.get(name, name)
        if name not in self._collections:
            raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return self._collections[name]


_DONE = {"operation_id": 0, "status": "completed"}
_OPTIMIZER = {"default_segment_number": 0, "flush_interval_sec": 5}


def _ranked(found: Collection, body: Json) -> list[tuple[Id, float]]:
    """Nearest first; of equal scores the smaller id."""
    prefetch, query, limit = body.get("prefetch"), body.get("query"), body.get("limit") or 10
    if isinstance(query, dict) and query.get("fusion") == "rrf" and prefetch:
        scores = _fused([_ranked(found, one) for one in _listed(prefetch)])
    elif isinstance(query, dict) and "indices" in query:
        scores = _by_words(found, body, dict(zip(query["indices"], query["values"], strict=True)))
    elif isinstance(query, dict) and "recommend" in query:
        like = query["recommend"]["positive"]
        mean = np.mean([found.points[id_].dense[body["using"]] for id_ in like], axis=0)
        scores = {id_: score for id_, score in _by_meaning(found, body, _unit(mean)).items() if id_ not in like}
    elif isinstance(query, list):
        scores = _by_meaning(found, body, _unit(query))
    else:
        raise Refused(400, f"the stand-in does not know this query: {query}")
    return sorted(scores.items(), key=lambda pair: (-pair[1], str(pair[0])))[:limit]


def _fused(lists: Sequence[Sequence[tuple[Id, float]]]) -> dict[Id, float]:
    scores: dict[Id, float] = defaultdict(float)
    for ranked in lists:
        for place, (id_, _score) in enumerate(ranked):
            scores[id_] += 1 / (_RRF_K + place)
    return scores


def _by_meaning(found: Collection, body: Json, query: npt.NDArray[np.float32]) -> dict[Id, float]:
    using = body.get("using") or ""
    ids = [id_ for id_ in found.matching(body.get("filter")) if using in found.points[id_].dense]
    if not ids:
        return {}
    return dict(zip(ids, (np.stack([found.points[id_].dense[using] for id_ in ids]) @ query).tolist(), strict=True))


def _by_words(found: Collection, body: Json, query: Mapping[int, float]) -> dict[Id, float]:
    """Points that have one of the query's terms, by the product of the weights and the rarity of the term."""
    using = body.get("using") or ""
    every = [point.sparse[using] for point in found.points.values() if using in point.sparse]
    having = {term: sum(term in one for one in every) for term in query}
    rarity = {term: log(1 + (len(every) - n + 0.5) / (n + 0.5)) for term, n in having.items()}
    stored = {id_: found.points[id_].sparse.get(using, {}) for id_ in found.matching(body.get("filter"))}
    return {
        id_: sum(weight * one[term] * rarity[term] for term, weight in query.items() if term in one)
        for id_, one in stored.items()
        if not query.keys().isdisjoint(one)
    }


def _in_order(found: Collection, body: Json, by: Json) -> list[Json]:
    """All that have the number, from ``start_from`` on; of equal numbers the smaller id first."""
    sign = -1 if by.get("direction") == "desc" else 1
    start = by.get("start_from")
    numbers = [(found.points[id_].payload.get(by["key"]), id_) for id_ in found.matching(body.get("filter"))]
    kept = [(value, id_) for value, id_ in numbers if isinstance(value, int | float)]
    kept = [(value, id_) for value, id_ in kept if start is None or sign * value >= sign * start]
    kept.sort(key=lambda pair: (sign * pair[0], str(pair[1])))
    return [{**_shown(found, id_, body), "order_value": value} for value, id_ in kept]


def _index_info(schema: Any) -> Json:
    if isinstance(schema, dict):
        return {"data_type": schema["type"], "params": schema, "points": 0}
    return {"data_type": schema, "points": 0}


def _point(one: Json, sparse: set[str]) -> Point:
    given = one.get("vector") or {}
    named = given if isinstance(given, dict) else {"": given}
    words = {name: named[name] for name in sparse & named.keys()}
    return Point(
        payload=one.get("payload") or {},
        dense={name: _unit(vector) for name, vector in named.items() if name not in sparse},
        sparse={name: dict(zip(one["indices"], one["values"], strict=True)) for name, one in words.items()},
    )


def _unit(vector: npt.ArrayLike) -> npt.NDArray[np.float32]:
    row = np.asarray(vector, dtype=np.float32)
    return np.asarray(row / (float(np.linalg.norm(row)) or 1.0), dtype=np.float32)


def _id(given: Any) -> Id:
    if isinstance(given, int):
        return given
    try:
        return str(UUID(given))
    except ValueError:
        raise Refused(400, f"{given} is not a valid point ID") from None


def _shown(found: Collection, id_: Id, body: Json) -> Json:
    """A point, with as much of its payload as was asked for, and its vectors where they were."""
    point, fields = found.points[id_], body.get("with_payload", True)
    payload = {key: point.payload[key] for key in fields if key in point.payload} if isinstance(fields, list) else None
    shown: Json = {"id": id_, "payload": payload if isinstance(fields, list) else point.payload if fields else None}
    if body.get("with_vector"):
        dense = {name: vector.tolist() for name, vector in point.dense.items()}
        words = {name: {"indices": [*one], "values": [*one.values()]} for name, one in point.sparse.items()}
        shown["vector"] = {**dense, **words}
    return shown


def stand_in() -> Starlette:
    """The application; it holds what it is sent in memory."""
    qdrant = Qdrant()
    one, points = "/collections/{name}", "/collections/{name}/points"
    return Starlette(
        routes=[
            _route("GET", "/", lambda: {"title": "stand-in for Qdrant", "version": "1.17.0"}, bare=True),
            _route("GET", "/readyz", lambda: "all shards are ready", bare=True),
            _route("GET", "/aliases", qdrant.aliases),
            _route("POST", "/collections/aliases", qdrant.turn_aliases),
            _route("GET", "/collections", qdrant.collections),
            _route("GET", f"{one}/exists", qdrant.exists),
            _route("GET", one, qdrant.collection),
            _route("PUT", one, qdrant.create),
            _route("PATCH", one, qdrant.update),
            _route("DELETE", one, qdrant.drop),
            _route("PUT", f"{one}/index", qdrant.index),
            _route("PUT", points, qdrant.upsert),
            _route("POST", points, qdrant.retrieve),
            _route("POST", f"{points}/delete", qdrant.delete),
            _route("POST", f"{points}/payload", qdrant.set_payload),
            _route("POST", f"{points}/batch", qdrant.batch),
            _route("POST", f"{points}/query", qdrant.query),
            _route("POST", f"{points}/scroll", qdrant.scroll),
            _route("POST", f"{points}/count", qdrant.count),
            _route("POST", f"{one}/facet", qdrant.facet),
        ]
    )


def _route(method: str, path: str, answer: Callable[..., Any], *, bare: bool = False) -> Route:
    async def handle(request: Request) -> JSONResponse:
        body = await request.body()
        arguments = [*request.path_params.values(), *([json.loads(body)] if body else [])]
        try:
            result = answer(*arguments)
        except Refused as refused:
            return JSONResponse({"status": {"error": str(refused)}, "time": 0.0}, status_code=refused.status)
        return JSONResponse(result if bare else {"result": result, "status": "ok", "time": 0.0})

    return Route(path, handle, methods=[method])


def main() -> None:
    """Serve on loopback until stopped; port 0 takes a free one, which the log names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(stand_in(), host="127.0.0.1", port=parser.parse_args().port, log_level="warning")


if __name__ == "__main__":
    main()
