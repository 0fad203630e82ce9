"""Chunks of a live call that come late, twice or never, and both channels at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from live_calls import Hashing, Kill, chunks, whole_call
from live_playing import L16, MONO, PCMU, delivered, handler, voices

from pipeline.asr.live import LiveCalls
from pipeline.asr.live_order import LATE_MS
from pipeline.settings import AudioSettings

TALK = [200, 1_500, 600, 900, 800]


def make() -> LiveCalls:
    return handler(audio=AudioSettings())


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
    live = make()
    delivery = delivered(whole_call([*events[:3], *events[4:8], events[3], *events[8:]]), make=lambda: live)
    assert [(it.start_ms, it.end_ms) for it in delivery.gaps] == [(600, 800)]
    assert live.counts.dropped == 1


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
    live = make()
    again = replace(events[5], id="again")
    delivered(whole_call([*events[:4], events[5], again, events[4], *events[6:]]), make=lambda: live)
    assert live.counts.dropped == 1


@pytest.mark.parametrize("after", range(3, 12))
def test_a_worker_that_is_killed_while_a_chunk_waits_loses_nothing(after: int) -> None:
    events = chunks(voices([200, 600, 500, 1_500, 600]), MONO, [200])
    late = whole_call([*events[:4], events[5], events[4], events[7], events[6], *events[8:]])
    killed = delivered(late, {after: (Kill.PUBLISHED, 3)}, make)
    assert list(killed.events.items()) == list(delivered(late, make=make).events.items())


def test_when_both_talk_at_once_both_are_heard_each_with_its_own_times() -> None:
    engine = Hashing()
    events = whole_call(chunks(voices([300, 2_000, 900], [900, 700, 1_600]), L16, [200]))
    delivery = delivered(events, make=lambda: handler(engine, AudioSettings()))
    agent, customer = sorted(delivery.segments, key=lambda it: it.channel)
    assert (abs(agent.start_ms - 300) < 100, abs(agent.end_ms - 2_300) < 100) == (True, True)
    assert (abs(customer.start_ms - 900) < 100, abs(customer.end_ms - 1_600) < 100) == (True, True)
    assert agent.start_ms < customer.start_ms < customer.end_ms < agent.end_ms
    assert agent.text != customer.text
