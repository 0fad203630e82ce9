"""Chunks of a live call that come late, twice or never, and both channels at once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from live_calls import CALL, Delivery, Event, Hashing, Kill, chunks, inbound, whole_call
from live_playing import L16, MONO, PCMU, delivered, handler, voices

from pipeline.asr.live import LiveCalls
from pipeline.asr.live_order import LATE_MS
from pipeline.asr.live_state import LiveCall
from pipeline.figures import LIVE_DROPPED
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryMeter
from schemas.call import CallHeld, CallUpdated
from schemas.wire import CallFacts

TALK = [200, 1_500, 600, 900, 800]


def make(**more: Any) -> LiveCalls:
    return handler(audio=AudioSettings(), **more)


@pytest.mark.parametrize("raw", [L16, PCMU])
@pytest.mark.parametrize(("first", "last"), [(3, 4), (3, 5), (1, 2)])
def test_chunks_that_overtook_each_other_are_sorted_in(raw: object, first: int, last: int) -> None:
    raw = raw if raw is PCMU else L16
    events = chunks(voices(TALK, TALK, rate_hz=raw.sample_rate_hz), raw, [200])
    late = [*events[:first], *events[first + 1 : last + 1], events[first], *events[last + 1 :]]
    delivery = delivered(whole_call(late), make=make)
    in_order = delivered(whole_call(events), make=make)
    expected = {it.segment_id: it for it in in_order.segments}
    if last - first <= 1:
        assert delivery.gaps == []
        assert {it.segment_id: it for it in delivery.segments} == expected
    else:
        assert {(it.start_ms, it.end_ms) for it in delivery.gaps} == {(first * 200, first * 200 + 200)}


def test_a_chunk_that_comes_after_its_time_is_dropped_and_counted() -> None:
    events = chunks(voices(TALK), MONO, [200])
    meter = InMemoryMeter()
    live = make(meter=meter)
    delivery = delivered(whole_call([*events[:3], *events[4:8], events[3], *events[8:]]), make=lambda: live)
    assert [(it.start_ms, it.end_ms) for it in delivery.gaps] == [(600, 800)]
    assert meter.counted(LIVE_DROPPED) == 1


def test_a_gap_is_told_when_enough_audio_has_come_after_it() -> None:
    events = chunks(voices([200, 4_000]), MONO, [100])
    delivery = delivered([*whole_call(events)[:11], *events[12:]], make=make)
    (gap,) = delivery.gaps
    told_after = [it.event_name for it in delivery.events.values()].index("transcript.gap")
    assert told_after > 0
    assert gap.end_ms - gap.start_ms == 200
    held = delivery.held
    assert held[11] == held[10] is not None
    assert LATE_MS == 400


def test_a_chunk_that_still_waits_for_another_is_heard_when_the_call_ends() -> None:
    events = chunks(voices([200, 3_000]), MONO, [200])
    delivery = delivered(whole_call([*events[:9], events[10]]), make=make)
    assert [(it.start_ms, it.end_ms) for it in delivery.gaps] == [(1_800, 2_000)]
    assert delivery.segments[-1].end_ms == 2_200
    assert delivery.held[-1] is None


def test_a_sender_that_skips_numbers_but_no_audio_makes_no_gap_and_nothing_waits() -> None:
    events = chunks(voices(TALK), MONO, [200])
    skipping = [replace(it, payload=it.payload.model_copy(update={"sequence": 2 * n})) for n, it in enumerate(events)]
    delivery = delivered(whole_call(skipping), make=make)
    assert delivery.gaps == []
    assert delivery.segments == delivered(whole_call(events), make=make).segments


def test_a_repeated_chunk_that_waits_is_counted_as_repeated() -> None:
    events = chunks(voices(TALK), MONO, [200])
    meter = InMemoryMeter()
    live = make(meter=meter)
    again = replace(events[5], id="again")
    delivered(whole_call([*events[:4], events[5], again, events[4], *events[6:]]), make=lambda: live)
    assert meter.counted(LIVE_DROPPED) == 1


@pytest.mark.parametrize("after", range(3, 12))
def test_a_worker_that_is_killed_while_a_chunk_waits_loses_nothing(after: int) -> None:
    events = chunks(voices([200, 600, 500, 1_500, 600]), MONO, [200])
    late = whole_call([*events[:4], events[5], events[4], events[7], events[6], *events[8:]])
    killed = delivered(late, {after: (Kill.PUBLISHED, 3)}, make)
    assert list(killed.events.items()) == list(delivered(late, make=make).events.items())


@pytest.mark.parametrize(
    "order",
    [
        [0, 9, 6, 7, 10, 11, 12],
        [0, 9, 6, 7, 8, 10, 11, 12],
        [0, 9, 6, None, 7, 10, 11, 12],
        [0, 1, 3, 2, None, 4, 6, 5, 8],
    ],
)
@pytest.mark.parametrize("after", range(8, 14))
@pytest.mark.parametrize("kill", Kill)
def test_a_successor_hears_the_same_chunks_though_others_are_at_hand_when_it_hears_them(
    order: list[int | None], after: int, kill: Kill
) -> None:
    """9 waits for 6, and 7 has come when both are heard. Whoever is given 9, 6, 7 again must not drop 7 after 9."""
    audio = chunks(voices((240, 800), (240, 800), rate_hz=8_000)[:, :5_120], PCMU, [40])
    news = Event(CallUpdated(call_id=CALL, call=CallFacts(agent="a-7")))
    events = whole_call([news if number is None else audio[number] for number in (*order, 13, 14, 15)])
    killed = delivered(events, {after: (kill, 0)})
    assert list(killed.events.items()) == list(delivered(events).events.items())


def test_a_chunk_that_came_too_late_is_not_heard_by_a_successor() -> None:
    audio = chunks(voices((240, 800), rate_hz=8_000)[:, :5_120], PCMU.model_copy(update={"channels": 1}), [40])
    news = Event(CallUpdated(call_id=CALL, call=CallFacts(agent="a-7")))
    events = whole_call([*audio[:7], audio[8], audio[7], news, *audio[9:]])
    meter = InMemoryMeter()
    live = make(meter=meter)
    undisturbed = delivered(events, make=lambda: live)
    assert meter.counted(LIVE_DROPPED) == 1
    killed = delivered(events, {12: (Kill.BEFORE, 0)}, make)
    assert list(killed.events.items()) == list(undisturbed.events.items())


def test_a_state_that_was_remembered_by_an_older_version_is_gone_on_from() -> None:
    events = whole_call(chunks(voices(TALK), MONO, [200]))
    delivery = Delivery(make)
    asyncio.run(delivery.run(events[:8]))
    known = delivery.known
    assert known is not None
    assert known.held_from is not None
    delivery.known = replace(known, state=json.dumps(without_what_was_heard(known.state)).encode())
    asyncio.run(delivery.run(events))
    assert list(delivery.events.items()) == list(delivered(events, make=make).events.items())


def without_what_was_heard(state: bytes) -> dict[str, object]:
    fields: dict[str, object] = json.loads(state)
    assert {"heard_to", "late"} <= fields.keys()
    return {name: value for name, value in fields.items() if name not in {"heard_to", "late"}}


def test_little_is_remembered_of_a_call_whose_chunks_are_late_and_come_twice() -> None:
    """While one talks for long and the other listens, that is remembered every two seconds."""
    audio = chunks(voices([200, 12_000], [12_200]), L16, [20])
    order = [number + (1, -1)[number % 2] if number % 20 < 2 else number for number in range(len(audio) - 10)]
    twice = [replace(audio[number], id=f"{number}-{time}") for number in order for time in range(2)]
    states: list[LiveCall] = []

    async def play() -> None:
        it = handler(audio=AudioSettings())
        for offset, event in enumerate(whole_call([*twice, Event(CallHeld(call_id=CALL, at_ms=12_000))])[:-1]):
            handled = await it(inbound(event, offset), states[-1] if states else None)
            if handled.state is not None:
                states.append(handled.state)

    asyncio.run(play())
    assert 20 < max(len(it.late) for it in states) < 100, "one in twenty is late; the copies are not told"
    assert states[-1].late == ()


def test_when_both_talk_at_once_both_are_heard_each_with_its_own_times() -> None:
    engine = Hashing()
    events = whole_call(chunks(voices([300, 2_000, 900], [900, 700, 1_600]), L16, [200]))
    delivery = delivered(events, make=lambda: handler(engine, AudioSettings()))
    agent, customer = sorted(delivery.segments, key=lambda it: it.channel)
    assert (abs(agent.start_ms - 300) < 100, abs(agent.end_ms - 2_300) < 100) == (True, True)
    assert (abs(customer.start_ms - 900) < 100, abs(customer.end_ms - 1_600) < 100) == (True, True)
    assert agent.start_ms < customer.start_ms < customer.end_ms < agent.end_ms
    assert agent.text != customer.text
