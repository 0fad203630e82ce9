"""How long questions take on a store of so many utterances, and how fast its rows are exported."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Figure, Figures, percentiles
from benchmarks.store_material import TENANT, UNTIL, Place, events_of, fresh
from pipeline.export.rows import export_rows
from pipeline.export.target import Target
from pipeline.handling import Inbound, Position
from pipeline.ports import Embedder, VectorStore
from pipeline.privacy.entry import guarded
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.question import Aggregate, Query, Question, Search
from pipeline.samples.synthetic.plots import TEAMS
from pipeline.store.coalesced import Coalescing
from pipeline.store.collections import CALLS, UTTERANCES
from pipeline.store.filters import of_tenant
from pipeline.store.stage import build

_AT_ONCE: Final = 64
_TEXTS: Final = (
    "too expensive", "loyalty discount", "i want to cancel", "slow internet in the evening", "charged twice",
    "流量不够用", "call me back tomorrow", "unlimited data abroad", "your competitor is cheaper", "speak to a manager",
)  # fmt: skip
_TEAMS: Final = tuple(team for team, _ in TEAMS)
_INTENTS: Final = ("price_objection", "make_offer", "ask_needs", "recording_notice")


async def asked_and_exported(
    place: Place, embedder: Embedder, *, utterances: int, per_call: int, repeats: int
) -> dict[str, Figure | Figures]:
    """p50, p95 and p99 in milliseconds of each kind of question, and rows a second of an export."""
    async with fresh(place, embedder) as (store, _, _):
        began = time.perf_counter()
        await _fill(store, utterances, per_call)
        filled_s = time.perf_counter() - began
        answers = StoredAnswers(store, Asker(TENANT), lambda: UNTIL)
        asked = {name: await _times(answers, make, repeats) for name, make in _QUESTIONS.items()}
        stored = await store.count(UTTERANCES, of_tenant(TENANT))
        return {"stored_utterances": stored, "filled_s": round(filled_s, 1), **asked, "export": await _exported(store)}


async def _fill(store: VectorStore, utterances: int, per_call: int) -> None:
    """Through the handler of the index stage."""
    handler = guarded(build(store=Coalescing(store)))
    calls = iter(events_of(max(1, utterances // per_call), per_call))

    async def work() -> None:
        for events in calls:
            for event in events:
                await handler(Inbound(event.message, Position(event.topic, 0, 0)))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


async def _times(answers: StoredAnswers, make: Callable[[int], Question], repeats: int) -> Figures:
    await answers.answer(make(0))
    times: list[float] = []
    for number in range(repeats):
        began = time.perf_counter()
        await answers.answer(make(number))
        times.append((time.perf_counter() - began) * 1e3)
    return percentiles(times)


def _taken(values: Sequence[str], number: int) -> str:
    return values[number % len(values)]


def _search(number: int) -> Question:
    where = (parse_condition("role=customer"), parse_condition(f"team={_taken(_TEAMS, number)}"))
    return Search(text=_taken(_TEXTS, number), where=where, limit=10)


def _query(number: int) -> Question:
    where = (parse_condition(f"intent={_taken(_INTENTS, number)}"), parse_condition("outcome=won"))
    return Query(of="intents", where=where, limit=50)


def _aggregate(_: int) -> Question:
    return Aggregate(by=("intent", "week"))


_QUESTIONS: Final[Mapping[str, Callable[[int], Question]]] = {
    "search_hybrid_two_filters_ms": _search,
    "query_page_two_filters_ms": _query,
    "aggregate_intent_week_ms": _aggregate,
}


async def _exported(store: VectorStore) -> Figures:
    """Rows a second of all utterances, and of all calls, whose rows are the longest, from the store to files."""
    with tempfile.TemporaryDirectory() as folder:
        forms: Sequence[Any] = ("jsonl", "csv", "parquet")
        targets = {form: Target(form, Path(folder) / form) for form in forms}
        return {
            **{f"{form}_rows_a_second": await _rate(store, target, UTTERANCES) for form, target in targets.items()},
            **{f"calls_{form}_rows_a_second": await _rate(store, target, CALLS) for form, target in targets.items()},
        }


async def _rate(store: VectorStore, target: Target, table: str) -> Figure:
    target.prepare()
    output, rows = target.opened(table, 0), 0
    began = time.perf_counter()
    async for page in export_rows(store, of_tenant(TENANT), table):
        await asyncio.to_thread(output.write, page.rows)
        rows += len(page.rows)
        await asyncio.to_thread(partial(output.kept, last=page.next is None))
    output.finish()
    output.close()
    return round(rows / (time.perf_counter() - began))
