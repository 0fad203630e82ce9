"""What a run has left behind, and how two runs differ: events after dedupe, their order, points, graph."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from installation import Installation

from pipeline.flow.graph import SummedGraph, merge
from pipeline.ports import Where
from pipeline.settings import Settings
from pipeline.stages import FAILED, GRAPH, PATHS, SUGGESTIONS, TOPICS, flow, intents, transcripts
from pipeline.store.collections import COLLECTIONS
from pipeline.store.open import open_store
from schemas.envelope import type_of
from schemas.flow import FlowGraph
from schemas.wire import Lane, Payload
from workers.records import Record

# All that stages write but dead letters, the graph (whose records are sums over calls that pass in any order: it is
# compared as what it adds up to) and what they remember of calls (nobody's output).
OUTPUTS = (*(topic(lane) for topic in (transcripts, intents, flow) for lane in Lane), PATHS, SUGGESTIONS, FAILED)

P = TypeVar("P", bound=Payload)
Content = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


@dataclass(frozen=True)
class Events:
    """The events of one topic after dedupe by ``ce_id``: content by id, and by key and writer the ids as they came.

    What two stages write of one call, such as suggestions and alerts, comes in any order.
    """

    content: Mapping[str, Content]
    order: Mapping[tuple[bytes, bytes], tuple[str, ...]]
    repeated: int
    contradicted: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Everything that consumers, analysts and readers of the graph would see."""

    events: Mapping[str, Events]
    points: Mapping[str, Mapping[str, Mapping[str, Any]]]
    graphs: Mapping[str, SummedGraph]
    dead_letters: tuple[Record, ...]

    def calls(self, topic: str) -> Counter[str]:
        """How many events of each call a topic has, after dedupe."""
        return Counter(key.decode() for (key, _), ids in self.events[topic].order.items() for _ in ids)

    def payloads(self, topic: str, kind: type[P]) -> list[P]:
        """The events of one kind on a topic, after dedupe."""
        found: list[P] = []
        for _key, value, headers in self.events[topic].content.values():
            if dict(headers)["ce_type"].decode() == type_of(kind):
                found.append(kind.model_validate_json(value or b""))
        return found


def outcome(installation: Installation) -> Outcome:
    """Read all of it."""
    edge = installation.edge

    def read(topic: str) -> Iterator[Record]:
        return edge.tail(topic, from_start=True, follow=False)

    dead = [topic.name for topic in TOPICS if topic.name.endswith(".dlq")]
    return Outcome(
        events={topic: deduped(read(topic)) for topic in OUTPUTS},
        points=asyncio.run(_points(installation)),
        graphs=_graphs(read(GRAPH)),
        dead_letters=tuple(record for topic in dead for record in read(topic)),
    )


def deduped(records: Iterable[Record]) -> Events:
    """What a consumer that drops by ``ce_id`` keeps; an id that comes again with other bytes is a contradiction."""
    content: dict[str, Content] = {}
    order: dict[tuple[bytes, bytes], list[str]] = defaultdict(list)
    repeated, contradicted = 0, []
    for record in records:
        headers = dict(record.headers)
        id_ = headers["ce_id"].decode()
        found: Content = (record.key, record.value, record.headers)
        if id_ not in content:
            content[id_] = found
            order[record.key or b"", headers["ce_source"]].append(id_)
            continue
        repeated += 1
        if content[id_] != found:
            contradicted.append(id_)
    return Events(content, {key: tuple(ids) for key, ids in order.items()}, repeated, tuple(contradicted))


def differences(expected: Outcome, found: Outcome) -> list[str]:
    """Everything in which a run differs from the one that was not disturbed, in words; nothing is left out."""
    said: list[str] = []
    for topic in OUTPUTS:
        said += _event_differences(topic, expected.events[topic], found.events[topic])
    for name in expected.points.keys() | found.points.keys():
        said += _differences(f"point of {name}", expected.points.get(name, {}), found.points.get(name, {}))
    said += _differences("graph", expected.graphs, found.graphs)
    said += [f"dead letter: {_of(letter)}" for letter in found.dead_letters]
    return said


def _event_differences(topic: str, expected: Events, found: Events) -> Iterator[str]:
    yield from _differences(f"event on {topic}", expected.content, found.content)
    yield from (f"event on {topic} came again with other bytes: {id_}" for id_ in found.contradicted)
    for place, ids in expected.order.items():
        if sorted(ids) == sorted(found.order.get(place, ())) and ids != found.order[place]:
            yield f"order on {topic} of {place[0].decode()}: {ids} became {found.order[place]}"


def _differences(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} lost: {id_} {expected[id_]}" for id_ in sorted(expected.keys() - found.keys()))
    yield from (f"{what} too much: {id_} {found[id_]}" for id_ in sorted(found.keys() - expected.keys()))
    for id_ in sorted(expected.keys() & found.keys()):
        if expected[id_] != found[id_]:
            yield f"{what} differs: {id_}\n  {expected[id_]}\n  {found[id_]}"


def _graphs(records: Iterable[Record]) -> dict[str, SummedGraph]:
    """The last graph of each key, added up by tenant and scenario as readers do."""
    last: dict[bytes, FlowGraph] = {}
    for record in records:
        graph = FlowGraph.model_validate_json(record.value or b"")
        if graph.period is not None:  # a version, as it was at the end of a day
            continue
        known = last.get(record.key or b"")
        if known is None or known.applied_offset <= graph.applied_offset:
            last[record.key or b""] = graph
    parts: dict[str, list[FlowGraph]] = defaultdict(list)
    for graph in last.values():
        parts[f"{graph.tenant_id}:{graph.scenario}"].append(graph)
    return {name: merge(graphs) for name, graphs in parts.items()}


async def _points(installation: Installation) -> dict[str, dict[str, Mapping[str, Any]]]:
    store = open_store(Settings.model_construct(store=installation.store))
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    try:
        for collection in COLLECTIONS:
            found[collection.name] = {}
            after: str | None = None
            while True:
                hits, after = await store.page(collection.name, Where(), 500, after)
                found[collection.name].update((hit.id, hit.payload) for hit in hits)
                if after is None:
                    break
    finally:
        await store.close()
    return found


def _of(letter: Record) -> str:
    headers = {name: value.decode(errors="replace") for name, value in letter.headers}
    return json.dumps({"topic": letter.topic, "key": str(letter.key), **headers})
