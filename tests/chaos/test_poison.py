"""Malformed events among good ones: each is set aside as it came, the others pass in order, and a replay heals."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fleet import Fleet, fleet
from installation import Installation, Models, installation, models_stand_in
from made_calls import chat, chat_record
from malformed import SPOILS
from outcome import Content, deduped
from processes import convmine_json

from pipeline.stages import FAILED, intents, transcripts
from schemas.wire import Lane
from workers.records import NewRecord, Record

CALLS, REVISIONS = 400, 5
MALFORMED, REFUSED = 150, 50
NONSENSE = "zebra"
"""What the model answers nonsense to until it is mended; it is never in a good conversation."""
SEED = int(os.environ.get("CONVMINE_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
TOPIC, RESULTS = transcripts(Lane.BATCH), intents(Lane.BATCH)
LETTERS = f"{TOPIC}.extract.dlq"


@dataclass(frozen=True)
class Inputs:
    """What is published, in this order: good events of calls in several revisions, bad ones anywhere among them."""

    records: tuple[NewRecord, ...]
    bad: tuple[NewRecord, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """An installation of which only the extract stage of the batch lane runs."""

    installation: Installation
    models: Models
    workers: Fleet

    def read(self, topic: str) -> list[Record]:
        return list(self.installation.edge.tail(topic, from_start=True, follow=False))

    def wait_for(self, topic: str, count: int, seconds: float = 240.0) -> list[Record]:
        """The records of a topic once there are so many."""
        deadline = time.monotonic() + seconds
        while (there := sum(map(len, self.installation.edge.spans([topic]).values()))) < count:
            assert not self.workers.surprises, self.workers.ends()
            assert time.monotonic() < deadline, f"{topic} has {there} of {count}\n{self.workers.ends()}"
            time.sleep(1)
        return self.read(topic)


def inputs() -> Inputs:
    chance = random.Random(SEED)
    good = [
        chat_record(chat(f"talk-{number:03}", number, revision=revision))
        for revision in range(1, REVISIONS + 1)
        for number in range(CALLS)
    ]
    bad: list[tuple[str, NewRecord]] = []
    names = list(SPOILS)
    for number in range(MALFORMED):
        name = names[number % len(names)]
        whole = chat_record(chat(f"talk-{chance.randrange(CALLS):03}", number, revision=REVISIONS + 1 + number))
        bad.append((name, SPOILS[name](whole, chance)))
    for number in range(REFUSED):
        texts = ("how can i help you", f"there is a {NONSENSE} in my garden number {number}")
        bad.append(("refused", chat_record(chat(f"refused-{number:02}", number, texts=texts))))
    places = chance.sample(range(len(good) + len(bad)), len(bad))
    chance.shuffle(bad)
    spoiled = dict(zip(places, bad, strict=True))
    rest = iter(good)
    records = tuple(spoiled[at][1] if at in spoiled else next(rest) for at in range(len(good) + len(bad)))
    return Inputs(records, tuple(record for _, record in bad), tuple(name for name, _ in bad))


@pytest.fixture(scope="module")
def given() -> Inputs:
    sys.stdout.write(f"CONVMINE_CHAOS_SEED={SEED}\n")
    return inputs()


@pytest.fixture(scope="module")
def place(kafka_servers: str, given: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """All has been published, and a worker is at it."""
    folder = tmp_path_factory.mktemp("poison")
    with models_stand_in(folder) as models:
        here = installation("poison", folder / "workers", kafka_servers, "http://127.0.0.1:1", models.url)
        models.fail({"/llm": {"kind": "garbage", "containing": NONSENSE}})
        here.edge.publish(given.records)
        with fleet(here.env, here.folder) as workers:
            workers.start("extract", str(Lane.BATCH))
            yield Place(here, models, workers)


def content(record: NewRecord | Record) -> Content:
    return record.key, record.value, tuple(pair for pair in record.headers if not pair[0].startswith("dlq."))


@pytest.mark.timeout(400)
def test_each_bad_event_is_a_dead_letter_with_its_own_bytes_and_headers(place: Place, given: Inputs) -> None:
    letters = place.wait_for(LETTERS, len(given.bad))
    found, expected = Counter(map(content, letters)), Counter(map(content, given.bad))
    kinds = dict(zip(map(content, given.bad), given.kinds, strict=True))
    assert [kinds[one] for one in expected - found] == []
    assert not found - expected
    for letter in letters:
        facts = {name: value.decode() for name, value in letter.headers if name.startswith("dlq.")}
        assert facts["dlq.stage"] == "extract"
        assert facts["dlq.original.topic"] == TOPIC
        assert facts["dlq.error.message"]
    told = [json.loads(record.value or b"") for record in place.read(FAILED)]
    assert len(told) == len(given.bad)


def test_each_good_event_has_its_result_and_those_of_a_call_are_in_order(place: Place, given: Inputs) -> None:
    order = revisions(place.wait_for(RESULTS, CALLS * REVISIONS))
    assert order == {f"talk-{number:03}": list(range(1, REVISIONS + 1)) for number in range(CALLS)}


def test_a_replay_after_the_fix_gives_the_rest_once(place: Place, given: Inputs) -> None:
    place.models.fail({})
    asked = ("dlq", "replay", "--stage", "extract", "--contains", "no valid answer", "--yes")
    said: dict[str, Any] = convmine_json(*asked, env=place.installation.env)
    assert (said["replayed"], said["skipped"]) == (REFUSED, 0)
    order = revisions(place.wait_for(RESULTS, CALLS * REVISIONS + REFUSED, seconds=60))
    assert {call for call in order if call.startswith("refused")} == {f"refused-{n:02}" for n in range(REFUSED)}
    again: dict[str, Any] = convmine_json(*asked, env=place.installation.env)
    assert (again["replayed"], again["skipped"]) == (0, REFUSED)
    assert len(place.read(LETTERS)) == len(given.bad)
    assert place.workers.surprises == {}


def revisions(records: list[Record]) -> dict[str, list[int]]:
    """By call, the revisions of its results in the order they came, after dedupe."""
    found: dict[str, list[int]] = defaultdict(list)
    for ids in (events := deduped(records)).order.values():
        for id_ in ids:
            value = json.loads(events.content[id_][1] or b"")
            found[value["call_id"]].append(value["revision"])
    return dict(found)
