"""What one tenant's calls come to does not depend on another's, in any stage: not even where both name a call alike.

All stages of a lane run in one process, once with the calls of acme alone and once with those of a stranger between
them, under the same ids. What is published, remembered and stored for acme must be the same to the byte.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from zlib import crc32

import pytest
from made_calls import START, chat, live_calls, recordings

from pipeline.asr import registry
from pipeline.ports import Recognition, Speech, Where
from pipeline.scenarios.opened import load_library
from pipeline.settings import (
    AsrSettings,
    AudioSettings,
    ClaimSettings,
    ExtractSettings,
    LlmSettings,
    Settings,
    StoreSettings,
)
from pipeline.stages import CARDS, GRAPH, TOPICS, WEBHOOKS, stages_of
from pipeline.store.collections import COLLECTIONS
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.entry import entry_record
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import limits_of
from workers.records import NewRecord, Record
from workers.snapshots import graph_snapshots

ACME: Final = "acme"
OFFSETS_WITHIN: Final = {topic.name for topic in TOPICS if topic.internal} | {GRAPH}
SAID: Final = (
    "i want to cancel my contract at the end of the month",
    "the other company offers me the same for twenty dollars",
    "what does the family plan cost",
    "let me speak to your supervisor please",
)


class _Engine:
    """The audio decides what it hears."""

    name = "by-audio"
    sample_rate_hz = 16_000

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        return [Recognition(SAID[crc32(it.samples.tobytes()) % len(SAID)], 0.9, "en") for it in speeches]

    async def close(self) -> None:
        """Nothing is open."""


def build(settings: AsrSettings) -> _Engine:
    """As the registry of engines asks for it."""
    del settings
    return _Engine()


@pytest.mark.parametrize("lane", list(Lane))
async def test_what_is_made_of_a_tenants_calls_is_the_same_with_a_stranger_between_them(
    lane: Lane, tmp_path: Path
) -> None:
    acmes = _records(lane, tmp_path / "acme", first=0)
    strangers = [_of("stranger", record) for record in _records(lane, tmp_path / "stranger", first=3)]
    alone = await _world(lane, acmes, tmp_path / "alone")
    between = await _world(lane, _in_turns(acmes, strangers), tmp_path / "between")
    assert {topic for topic, _key, _value in alone.published} >= _written(lane), "every stage has something to tell"
    assert between.published == alone.published
    assert between.graphs == alone.graphs
    assert between.stored == alone.stored
    assert alone.stored
    assert between.others > alone.others == 0


class _World:
    """What was published under acme's keys, and what is stored for it; how many records are of others.

    What a stage remembers names offsets, which differ; so do graphs, of which the last one counts.
    """

    def __init__(self, records: Sequence[Record], stored: Mapping[str, Any]) -> None:
        ours = [it for it in records if it.key is not None and it.key.startswith(f"{ACME}:".encode())]
        self.published = Counter((it.topic, it.key, it.value) for it in ours if it.topic not in OFFSETS_WITHIN)
        self.graphs = _graph_of(ours)
        self.others = sum(it.key is not None and it.key.startswith(b"stranger:") for it in records)
        self.stored = stored


async def _world(lane: Lane, records: Sequence[NewRecord], folder: Path) -> _World:
    """Run all stages of a lane until nothing is left to do."""
    settings = Settings(
        claims=ClaimSettings(root=folder / "claims"),
        store=StoreSettings(path=folder / "qdrant", embedder="hashing"),
        extract=ExtractSettings(extractor="lexical"),
        llm=LlmSettings(cache_path=folder / "answers.sqlite"),
        audio=AudioSettings(allowed_roots=(folder.parent,)),
    )
    broker = InProcessBroker(partitions=1)
    stages = stages_of(lane)
    engine = registry.Entry(__name__, "numpy", None)
    with patch.object(registry, "ENGINES", {settings.asr.engine: engine}):
        async with Assembly(settings, graph_snapshots(broker.read_back), load_library(settings)) as assembly:
            workers = [
                InProcessWorker(broker, stage, await assembly.handler(stage), limits_of(settings, stage))
                for stage in stages
            ]
            for worker in workers:
                await worker.start()
            await broker.publish(records)
            await broker.wait_idle(stages)
            for worker in workers:
                await worker.stop(5.0)
            store = await assembly.store()
            stored = {
                f"{collection.name}/{hit.id}": hit.payload
                for collection in COLLECTIONS
                for hit in (await store.page(collection.name, Where(equal={"tenant_id": ACME}), 1_000))[0]
            }
    return _World([record for topic in TOPICS for record in broker.records(topic.name)], stored)


def _records(lane: Lane, folder: Path, first: int) -> list[NewRecord]:
    """Three calls of each kind of a lane from the ``first`` on, called as if they were the first ones."""
    folder.mkdir()
    if lane is Lane.LIVE:
        made = [due.record for due in live_calls(first + 3, seconds=1, turns=2)]
        names = {f"live-{first + number:02}": f"live-{number:02}" for number in range(3)}
    else:
        made = [due.record for due in recordings(folder, first + 3, seconds=1)]
        made += [
            entry_record(chat(f"chat-{number:04}", number), tenant_id=ACME, time=START) for number in range(first + 3)
        ]
        names = {f"recorded-{first + n:04}": f"recorded-{n:04}" for n in range(3)}
        for name, called in names.items():
            (folder / f"{name}.wav").rename(folder / f"{called}.wav")
        names |= {f"chat-{first + n:04}": f"chat-{n:04}" for n in range(3)}
    return [_of(ACME, _called(record, names)) for record in made if _subject(record) in names]


def _in_turns(first: Sequence[NewRecord], second: Sequence[NewRecord]) -> list[NewRecord]:
    return [it for pair in zip_longest(first, second) for it in pair if it is not None]


def _called(record: NewRecord, names: Mapping[str, str]) -> NewRecord:
    """The same of the call by which ``names`` calls its own; audio itself stays as it is."""

    def renamed(data: bytes) -> bytes:
        for name, called in names.items():
            data = data.replace(name.encode(), called.encode())
        return data

    is_audio = b"octet-stream" in dict(record.headers).get("content-type", b"")
    value = record.value if is_audio or record.value is None else renamed(record.value)
    headers = tuple((name, renamed(said)) for name, said in record.headers)
    return replace(record, key=renamed(record.key), value=value, headers=headers)


def _of(tenant: str, record: NewRecord) -> NewRecord:
    """The same, of another tenant: with the same ``ce_id``, as only somebody hostile would send it."""
    call = _subject(record)
    headers = dict(record.headers) | {
        "ce_tenantid": tenant.encode(),
        "ce_partitionkey": f"{tenant}:{call}".encode(),
    }
    return replace(record, key=f"{tenant}:{call}".encode(), headers=tuple(headers.items()))


def _subject(record: NewRecord) -> str:
    return dict(record.headers)["ce_subject"].decode()


def _graph_of(records: Sequence[Record]) -> dict[str, Any]:
    """The last graphs by key, without the offset up to which they are folded and the order in which calls came."""
    found = {str(it.key): json.loads(it.value or b"") for it in records if it.topic == GRAPH}
    for graph in found.values():
        del graph["applied_offset"]
        for told in graph.values():
            if isinstance(told, list):
                told.sort(key=str)
    return found


def _written(lane: Lane) -> set[str]:
    """What the stages of a lane write; not what they write only for receivers that are set, or after feedback."""
    return {topic for stage in stages_of(lane) for topic in stage.writes} - {WEBHOOKS, CARDS, GRAPH}
