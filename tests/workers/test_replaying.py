"""A replay of what the in-process broker holds, beside the index workers that wrote the store first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.erasure.erased import Erased
from pipeline.errors import Poison, Retryable
from pipeline.handling import Handler, Inbound, Outbound
from pipeline.privacy.entry import guarded
from pipeline.samples.synthetic.calls import call_id_of, synthetic_calls
from pipeline.stages import OUTCOMES
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptCompleted, TranscriptSegment
from schemas.wire import CallEvent, Role
from workers.dead_letters import REPLAY_OF
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.outcomes import RetryPolicy
from workers.records import REPLAY_STAGE, Record, write_event
from workers.replaying import INDEX, TOPICS, Replay, Unfinished
from workers.replaying_order import ByTime
from workers.replaying_spans import is_removed

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
TENANT = "acme"
QUICK = Limits(policy=RetryPolicy(first_s=0.001, longest_s=0.01), breaker_failures=2)

Points = Mapping[str, Mapping[str, Any]]


def sent(topic: str, payload: CallEvent, number: int = 0) -> Outbound:
    id_ = f"{payload.call_id}-{payload.event_name}-{number}"
    return Outbound(
        topic,
        message(payload, id=id_, source="/t", time=UNTIL, subject=payload.call_id, tenant_id=TENANT),
    )


def live_call(call_id: str) -> list[Outbound]:
    """A call of which the words came live, and then as a recording."""
    words = Segment(segment_id="s", role=Role.CUSTOMER, start_ms=0, end_ms=900, text="the bill is too high")
    whole = replace_words(words, "the bill is much too high")
    return [
        sent("calls.transcripts.live", TranscriptSegment(call_id=call_id, segment=words, final=True)),
        sent("calls.transcripts.live", CallEnded(call_id=call_id, duration_ms=900)),
        sent(
            "calls.transcripts.batch",
            TranscriptCompleted(call_id=call_id, duration_ms=900, engine="t", segments=(whole,)),
        ),
    ]


def replace_words(segment: Segment, text: str) -> Segment:
    return segment.model_copy(update={"segment_id": "r", "text": text})


def events() -> list[Outbound]:
    made = synthetic_calls(12, tenant_id=TENANT, until=UNTIL, utterances_per_call=9)
    return [*(event for call in made for event in call if event.topic in TOPICS), *live_call("both")]


async def filled(*, also: Sequence[Outbound] = ()) -> tuple[InProcessBroker, InMemoryStore]:
    """A broker, and the store as the index workers of both lanes leave it."""
    broker, store = InProcessBroker(partitions=3), InMemoryStore()
    await broker.publish([write_event(event) for event in (*events(), *also)])
    workers = [InProcessWorker(broker, stage, handler_of(store)) for stage in INDEX]
    for worker in workers:
        await worker.start()
    await broker.wait_idle(INDEX)
    for worker in workers:
        await worker.stop()
    return broker, store


def handler_of(store: InMemoryStore) -> Handler:
    return guarded(build(store=store))


def held(broker: InProcessBroker) -> list[Record]:
    """All that can be replayed, each topic after the other, one record a millisecond."""
    records = [record for topic in TOPICS for record in broker.records(topic)]
    return [replace(record, timestamp_ms=number) for number, record in enumerate(records, 1)]


async def stream(records: Iterable[Record]) -> AsyncGenerator[Record, None]:
    for record in records:
        yield record


def replay_into(store: InMemoryStore, erased: Erased | None = None, **options: Any) -> Replay:
    handlers = {stage: handler_of(store) for stage in INDEX}
    return Replay(handlers, erased or Erased(), QUICK, **options)


def points(store: InMemoryStore) -> Points:
    return {name: {id_: point.payload for id_, point in of.items()} for name, of in store.points.items() if of}


async def test_a_replay_leaves_the_store_as_the_workers_left_it() -> None:
    broker, first = await filled()
    second = InMemoryStore()
    told: list[int] = []
    done = await replay_into(second).run(stream(held(broker)), told.append)
    assert points(second) == points(first)
    assert done.events == done.handled == told[-1] == len(events())


async def test_to_replay_once_more_over_what_is_there_changes_nothing() -> None:
    broker, store = await filled()
    before = points(store)
    await replay_into(store).run(stream(held(broker)))
    assert points(store) == before


async def test_nothing_of_an_erased_call_comes_back() -> None:
    broker, store = await filled()
    gone = call_id_of(3)
    assert any(payload.get("call_id") == gone for of in points(store).values() for payload in of.values())
    erased, second = Erased(), InMemoryStore()
    erased.add(TENANT, gone, UNTIL)
    done = await replay_into(second, erased).run(stream(held(broker)))
    expected = {
        name: {id_: payload for id_, payload in of.items() if payload.get("call_id") != gone}
        for name, of in points(store).items()
    }
    assert points(second) == expected
    assert done.erased_calls == 1
    assert done.erased == sum(event.message.envelope.subject == gone for event in events())
    assert done.handled == len(events()) - done.erased


async def test_what_can_never_be_handled_is_listed_and_the_rest_is_replayed() -> None:
    broker, _ = await filled()
    records = held(broker)
    broken = replace(records[5], value=b"{")
    store = InMemoryStore()
    done = await replay_into(store).run(stream([*records[:5], broken, *records[6:]]))
    (one,) = done.unhandled
    assert one.position == broken.position
    assert "no JSON" in one.reason
    assert done.handled == len(records) - 1


async def test_a_dead_letter_that_was_replayed_for_another_stage_is_skipped() -> None:
    broker, _ = await filled()
    record = next(one for one in held(broker) if one.topic == "calls.transcripts.batch")
    marks = ((REPLAY_STAGE, b"extract.batch"), (REPLAY_OF, b"calls.transcripts.batch.extract.dlq:0:0"))
    store = InMemoryStore()
    done = await replay_into(store).run(stream([replace(record, headers=(*record.headers, *marks))]))
    assert (done.handled, done.skipped, points(store)) == (0, 1, {})


async def test_a_store_that_stays_away_ends_the_replay_saying_where_to_go_on() -> None:
    class Away(InMemoryStore):
        writes = 0

        async def put(self, *arguments: Any, **options: Any) -> None:
            self.writes += 1
            if self.writes > 12:
                raise Retryable("Qdrant does not answer", dependency="qdrant")
            await super().put(*arguments, **options)

    broker, first = await filled()
    records, store = held(broker), Away()
    with pytest.raises(Unfinished, match=r"Qdrant does not answer; \d+ events were replayed before") as stopped:
        await replay_into(store, patience_s=0.2).run(stream(records))
    at = stopped.value.resume_at
    assert at is not None
    assert stopped.value.hint == f"go on with --from {at.isoformat()}"
    store.writes = -10_000
    rest = [one for one in records if datetime.fromtimestamp((one.timestamp_ms or 0) / 1_000, UTC) >= at]
    assert 0 < len(rest) < len(records)
    await replay_into(store).run(stream(rest))
    assert points(store) == points(first)


async def test_events_of_one_call_are_handled_in_the_order_in_which_they_are_read() -> None:
    seen: dict[str, list[int]] = {}

    async def note(inbound: Inbound) -> Sequence[Outbound]:
        if inbound.position.offset % 7 == 3:
            raise Poison("one that is never handled")
        seen.setdefault(inbound.message.envelope.subject, []).append(inbound.position.offset)
        return ()

    calls = [sent(OUTCOMES, CallEnded(call_id=f"c{n % 3}"), n) for n in range(30)]
    broker = InProcessBroker(partitions=1)
    await broker.publish([write_event(event) for event in calls])
    done = await Replay({INDEX[0]: note}, Erased(), QUICK).run(stream(held(broker)))
    assert all(offsets == sorted(offsets) for offsets in seen.values())
    assert len(done.unhandled) + sum(map(len, seen.values())) == 30


LOGS = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2)), st.lists(st.integers(0, 50), max_size=12), min_size=1
)


@given(LOGS, st.integers(0, 2**32))
def test_partitions_are_merged_by_time_however_their_records_come_and_each_keeps_its_order(
    logs: dict[tuple[str, int], list[int]], seed: int
) -> None:
    random = Random(seed)
    order, unread = ByTime(logs), {place: list(enumerate(sorted(times))) for place, times in logs.items()}
    out: list[Record] = []
    while order.lacking:
        place = random.choice(order.lacking)
        fetched = unread[place][: random.randint(1, 4)]
        del unread[place][: len(fetched)]
        order.add(place, [Record(*place, offset, None, None, (), ms) for offset, ms in fetched])
        if not unread[place]:
            order.end(place)
        out += order.ready()
    assert [one.timestamp_ms for one in out] == sorted(ms for times in logs.values() for ms in times)
    for place, times in logs.items():
        assert [one.offset for one in out if (one.topic, one.partition) == place] == list(range(len(times)))


NOW = datetime(2026, 11, 22, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("start", "span", "found", "gone"),
    [
        ("earliest", range(50, 90), 50, False),
        (0, range(90), 0, False),
        (20, range(50, 90), 20, True),
        (50, range(50, 90), 50, False),
        (NOW - 2 * MONTH, range(50, 90), 50, True),
        (NOW - 2 * MONTH, range(90), 0, False),
        (NOW - MONTH / 2, range(50, 90), 50, False),
        (NOW - 2 * MONTH, range(50, 90), 70, False),
    ],
    ids=[
        "earliest is what is left",
        "an offset that is there",
        "an offset before the oldest",
        "the oldest itself",
        "a time before retention",
        "a partition that never lost any",
        "a quiet partition within retention",
        "a time with older records left",
    ],
)
def test_what_retention_has_removed_is_told_from_what_was_never_there(
    start: Any, span: range, found: int, *, gone: bool
) -> None:
    assert is_removed(start, span, found, now=NOW, kept=MONTH) is gone
