"""Stored calls that only have a path, as many as one likes: for flow graphs, which read nothing else of a call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random

from pipeline.ports import Point
from pipeline.store.collections import CALLS
from pipeline.store.points import call_point_id, started
from pipeline.testing import InMemoryStore

TENANT = "acme"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


async def put_paths(store: InMemoryStore, paths: Iterable[Sequence[str]], scenario: str = "telecom") -> None:
    """A call of acme for each path; every other one was won."""
    points = []
    for number, path in enumerate(paths):
        call_id = f"{scenario}-{number:05}"
        payload = {
            "tenant_id": TENANT,
            "call_id": call_id,
            "scenario": scenario,
            "language": "en",
            "agent": f"agent-{number % 3}",
            "started_at": START.isoformat(),
            **started(START),
            "intents": list(dict.fromkeys(path)),
            "path": list(path),
            "path_ms": [at * 4_000 for at in range(len(path))],
            "duration_ms": len(path) * 4_000,
            "outcome_inferred": "sold" if number % 2 else "refused",
            "outcome_inferred_result": "won" if number % 2 else "lost",
            "extractor": "lexical",
        }
        points.append(Point(call_point_id(TENANT, call_id), call_id, payload))
    await store.put(CALLS, points)


def simple_paths() -> list[tuple[str, ...]]:
    """A main way, a side way, and what hardly anybody does."""
    main = ("greeting", "ask_needs", "make_offer", "agree")
    side = ("greeting", "ask_needs", "price_objection", "make_offer", "refuse")
    rare = ("greeting", "make_offer", "ask_needs", "agree")
    return [*[main] * 60, *[side] * 36, *[rare] * 4]


def wide_paths(steps: int = 300, calls: int = 1_500, seed: int = 7) -> list[tuple[str, ...]]:
    """Ways through ``steps`` steps in 12 columns, each with about three that may follow."""
    random = Random(seed)
    columns = 12
    rows = steps // columns
    onward = {
        (column, row): [(column + 1, random.randrange(rows)) for _ in range(3)]
        for column in range(columns - 1)
        for row in range(rows)
    }
    found = []
    for number in range(calls):
        at = (0, number % rows)
        path = [at]
        while at in onward:
            at = random.choice(onward[at])
            path.append(at)
        if number % 4 == 0:
            path.insert(3, (random.randrange(columns), random.randrange(rows)))
        found.append(tuple(f"step_{column:02}_{row:02}" for column, row in path))
    return found
