"""Whoever comes back misses nothing and gets nothing twice, wherever the stream was cut, and at whichever gateway."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_desk import WORDS, live_desk, record, suggested

from pipeline.stages import SUGGESTIONS
from schemas.call import CallStarted
from schemas.wire import CallFacts
from workers.gateway.outgoing.events import EVERY, Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.marks import STREAMED, mark_of, read_mark
from workers.gateway.outgoing.subscription import Subscription
from workers.in_process import InProcessBroker
from workers.records import Record

PARTITIONS = 3
PLACES = [(topic, number) for topic in STREAMED for number in range(PARTITIONS)]
NOW_S = 1_800_000_000.0


def gateway(keep_s: float = 900) -> Hub:
    return Hub(keep_s, now=lambda: NOW_S)


def written(place: tuple[str, int], offset: int, call: int, age_s: float = 0.0) -> Record:
    """An event whose id says where it stands."""
    topic, partition = place
    id_ = f"{STREAMED.index(topic)}.{partition}.{offset}"
    one = record(
        suggested(offset, f"call-{call}", f"agent-{call}")
        if topic == SUGGESTIONS
        else CallStarted(call_id=f"call-{call}", call=CallFacts(agent=f"agent-{call}")),
        id_,
        topic=topic,
    )
    return Record(topic, partition, offset, one.key, one.value, one.headers, int((NOW_S - age_s) * 1_000))


async def taken(one: Subscription, most: int = 10_000) -> tuple[list[str], str]:
    """The ids of what waits, so many events at most, and the mark of the last that was taken."""
    ids: list[str] = []
    mark = ""
    while len(ids) < most and (frames := await one.frames(0)):
        for frame in frames:
            if len(ids) == most:
                break
            mark = frame.mark.decode() or mark
            ids += [frame.data.decode().split('"ce_id": "')[1].split('"')[0]] if b"ce_id" in frame.data else []
    return ids, mark


@st.composite
def courses(draw: st.DrawFn) -> tuple[list[tuple[tuple[str, int], int, int]], list[int]]:
    """Events in the order in which they are written, and after how many of them a stream is cut."""
    order = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=40))
    next_: dict[tuple[str, int], int] = {}
    events = []
    for place in order:
        offset = next_.get(place, 0) + draw(st.integers(0, 2))  # markers of transactions have offsets, too
        next_[place] = offset + 1
        events.append((place, offset, place[1] if place[0] == SUGGESTIONS else draw(st.integers(0, 1)) * PARTITIONS))
    return events, sorted(draw(st.lists(st.integers(0, len(events)), max_size=5)))


def shuffled(events: list[tuple[tuple[str, int], int, int]], seed: int) -> list[tuple[tuple[str, int], int, int]]:
    """Another gateway's order: each partition in its own, the partitions in any."""
    import random

    chance, queues = random.Random(seed), {place: [one for one in events if one[0] == place] for place in PLACES}
    found = []
    while alive := [queue for queue in queues.values() if queue]:
        found.append(chance.choice(alive).pop(0))
    return found


@settings(max_examples=150, deadline=None)
@given(
    courses(),
    st.integers(0, 10**6),
    st.sampled_from([None, "call-0", "call-3"]),
    st.sampled_from([None, "agent-0"]),
    st.booleans(),
)
def test_a_stream_that_is_cut_anywhere_goes_on_at_any_gateway(
    course: tuple[list[tuple[tuple[str, int], int, int]], list[int]],
    seed: int,
    call: str | None,
    agent: str | None,
    hurried: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    events, cuts = course
    wanted = Wanted("acme", frozenset(EVERY), call, agent)

    async def check() -> None:
        hubs = [gateway(), gateway(), gateway()]
        orders = [shuffled(events, seed + number) for number in range(len(hubs))]
        read = [0] * len(hubs)
        for hub in hubs:
            hub.begin(dict.fromkeys(PLACES, 0), dict.fromkeys(PLACES, 0))
            hub.back()
        got: list[str] = []
        mark = mark_of(dict.fromkeys(PLACES, 0)).decode()
        for leg, cut in enumerate([*cuts, len(events), len(events), len(events)]):
            number = leg % len(hubs)
            hub, order = hubs[number], orders[number]
            upto = max(cut, read[number])
            before = upto if seed >> leg & 1 else read[number]  # it has read on when the stream is opened, or does then
            for place, offset, of in order[read[number] : before]:
                hub.take(written(place, offset, of))
            one = hub.open(wanted, mark)
            for place, offset, of in order[before:upto]:
                hub.take(written(place, offset, of))
            read[number] = upto
            last = leg >= len(cuts)
            ids, reached = await taken(one, 10_000 if last or not hurried else 3)
            got += ids
            mark = reached or mark
            hub.close(one)
        expected = {
            f"{STREAMED.index(place[0])}.{place[1]}.{offset}"
            for place, offset, of in events
            if call in {None, f"call-{of}"} and agent in {None, f"agent-{of}"}
        }
        assert len(got) == len(set(got)), "nothing comes twice"
        assert set(got) == expected, "nothing is missed"

    asyncio.run(check())


@given(st.dictionaries(st.tuples(st.sampled_from(STREAMED), st.integers(0, 30)), st.integers(0, 2**62), max_size=20))
def test_a_mark_is_read_as_it_was_made(reached: dict[tuple[str, int], int]) -> None:
    found = read_mark(mark_of(reached).decode())
    assert found is not None
    assert {place: offset for place, offset in found.items() if offset} == {p: o for p, o in reached.items() if o}


@given(st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_any_text_is_a_mark_or_none(text: str) -> None:
    found = read_mark(text)
    assert found is None or set(found) <= {(topic, n) for topic in STREAMED for n in range(100_000)}


async def test_a_mark_that_is_too_old_or_none_says_that_there_is_a_gap() -> None:
    hub = gateway(keep_s=60)
    hub.begin(dict.fromkeys(PLACES, 5), dict.fromkeys(PLACES, 5))
    wanted = Wanted("acme")
    old = hub.open(wanted, mark_of(dict.fromkeys(PLACES, 4)).decode())
    just = hub.open(wanted, mark_of(dict.fromkeys(PLACES, 5)).decode())
    words_only = hub.open(wanted, mark_of({place: 4 if place[0] == WORDS else 5 for place in PLACES}).decode())
    none = hub.open(wanted, "last tuesday")
    names = [[frame.name for frame in await one.frames(0) or ()] for one in (old, just, words_only, none)]
    assert names == [["gap", "status"], ["status"], ["status"], ["gap", "status"]]


async def test_what_is_forgotten_by_age_makes_a_gap_and_the_rest_comes() -> None:
    hub, place = gateway(keep_s=60), PLACES[0]
    hub.begin({place: 0}, {place: 0})
    for offset, age_s in enumerate([120, 61, 59, 0]):
        hub.take(written(place, offset, 0, age_s))
    one = hub.open(Wanted("acme"), mark_of({place: 1}).decode())
    names = [frame.name for frame in await one.frames(0) or ()]
    assert names == ["gap", "suggestion.created", "suggestion.created", "status"]


async def test_what_was_written_before_a_gateway_began_is_kept_but_not_told_to_who_comes_fresh() -> None:
    hub, place = gateway(), PLACES[0]
    hub.begin({place: 10}, {place: 13})
    fresh, back = hub.open(Wanted("acme")), hub.open(Wanted("acme"), mark_of({place: 11}).decode())
    for offset in (10, 11, 12):
        hub.take(written(place, offset, 0))
    hub.caught_up()
    hub.take(written(place, 13, 0))
    assert (await taken(fresh))[0] == ["0.0.13"]
    assert (await taken(back))[0] == ["0.0.11", "0.0.12", "0.0.13"]


async def test_streams_opened_before_kafka_is_there_get_what_comes_then_and_are_told() -> None:
    hub, place = gateway(), PLACES[0]
    fresh, back = hub.open(Wanted("acme")), hub.open(Wanted("acme"), mark_of({place: 3}).decode())
    assert [frame.data for frame in await fresh.frames(0) or ()] == [b'{"type": "status", "state": "away"}']
    hub.begin({place: 2}, {place: 5})
    for offset, age_s in ((2, 9), (3, 9), (4, 0)):
        hub.take(written(place, offset, 0, age_s))
    hub.caught_up()
    hub.back()
    assert (await taken(fresh))[0] == ["0.0.4"], "it was written after the stream was opened"
    assert (await taken(back))[0] == ["0.0.3", "0.0.4"]


async def test_kafka_that_goes_and_comes_back_is_told_once_and_nothing_is_lost() -> None:
    hub, place = gateway(), PLACES[0]
    hub.begin({place: 0}, {place: 0})
    hub.back()
    one = hub.open(Wanted("acme"))
    hub.take(written(place, 0, 0))
    hub.away()
    hub.away()
    hub.back()
    hub.back()
    hub.take(written(place, 1, 0))
    frames = await one.frames(0) or []
    states = [frame.data.decode().split('"')[-2] if frame.name == "status" else frame.name for frame in frames]
    assert states == ["live", "suggestion.created", "away", "live", "suggestion.created"]


@pytest.mark.parametrize("cut", [1, 5, 9])
async def test_a_reader_that_is_cut_off_goes_on_at_a_gateway_started_since(cut: int) -> None:
    broker = InProcessBroker()
    async with live_desk(broker) as desk, desk.stream() as reader:
        await reader.event()
        for number in range(10):
            await desk.suggest(number, call_id=f"c{number}")
        got = await reader.calls(cut)
        last = reader.last
    async with live_desk(broker) as desk:
        desk.told = 10
        async with desk.stream(last=last) as reader:
            await desk.suggest(10)
            got += await reader.calls(11 - cut)
    assert sorted(got) == sorted(f"s{number}" for number in range(11))


async def test_a_socket_of_advice_is_not_told_of_a_gap_in_words() -> None:
    hub = gateway(keep_s=60)
    advice, words = PLACES[0], (WORDS, 0)
    hub.begin({advice: 0, words: 0}, {})
    hub.take(written(advice, 0, 0))
    hub.take(replace(written(words, 0, 0, age_s=100)))
    hub.take(written(words, 1, 0))
    mark = mark_of({}).decode()
    of_advice = hub.open(Wanted("acme"), mark)
    of_words = hub.open(Wanted("acme", frozenset({"transcript"})), mark)
    assert [frame.name for frame in await of_advice.frames(0) or ()] == ["suggestion.created", "status"]
    assert [frame.name for frame in await of_words.frames(0) or ()] == ["gap", "call.started", "status"]
