"""Live calls that nobody ends."""

from __future__ import annotations

import asyncio

from live_calls import CALL, Event, chunks, inbound
from live_playing import MONO, handler, voices

from pipeline.asr.live_idle import REASON, Watch
from pipeline.asr.live_state import LiveCall
from pipeline.handling import Inbound, Position
from pipeline.settings import AudioSettings
from pipeline.stages import AUDIO
from schemas.call import CallEnded, CallStarted
from schemas.transcript import TranscriptSegment

EVENTS = [Event(CallStarted(call_id=CALL)), *chunks(voices([200, 1_000, 400]), MONO, [200])]


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def watching(idle_s: float = 10.0) -> tuple[Watch, Clock]:
    clock = Clock()
    return Watch(idle_s, clock), clock


def test_a_call_of_which_nothing_came_for_long_is_ended_on_the_topic_of_its_audio() -> None:
    watch, clock = watching()
    watch.came("acme:c-1", inbound(EVENTS[1], 1))
    clock.now_s += 9.9
    assert watch.ends() == []
    clock.now_s += 0.2
    (end,) = watch.ends()
    assert end.topic == AUDIO
    assert end.message.payload == CallEnded(call_id=CALL, reason=REASON)
    assert (end.message.envelope.tenantid, end.message.envelope.subject) == ("acme", CALL)


def test_the_same_silence_is_told_with_the_same_id_and_not_at_every_look() -> None:
    watch, clock = watching()
    watch.came("acme:c-1", inbound(EVENTS[1], 1))
    ids = []
    for _ in range(5):
        clock.now_s += 6
        ids += [it.message.envelope.id for it in watch.ends()]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_call_that_ended_or_went_to_another_worker_is_not_ended() -> None:
    watch, clock = watching()
    watch.came("acme:c-1", inbound(EVENTS[1], 1))
    watch.came("acme:c-2", inbound(EVENTS[1], 2, partition=3))
    watch.ended("acme:c-1")
    watch.forget(3)
    clock.now_s += 100
    assert watch.ends() == []
    assert not watch.keys


async def test_an_end_that_was_found_before_audio_came_again_is_dropped() -> None:
    clock = Clock()
    live, state = handler(clock=clock, audio=AudioSettings(idle_s=10)), None
    for offset, event in enumerate(EVENTS[:4]):
        state = (await live(inbound(event, offset), state)).state or state
    clock.now_s += 60
    (end,) = live.ends()
    last = await live(inbound(EVENTS[4], 4), state)
    handled = await live(Inbound(end.message, Position(AUDIO, 0, 5)), state)
    assert handled.outputs == ()
    assert handled.held_from == last.held_from


async def test_an_idle_call_ends_with_all_that_was_said() -> None:
    clock = Clock()
    live, state = handler(clock=clock, audio=AudioSettings(idle_s=10)), None
    for offset, event in enumerate(EVENTS[:6]):
        state = (await live(inbound(event, offset), state)).state or state
    clock.now_s += 60
    (end,) = live.ends()
    handled = await live(Inbound(end.message, Position(AUDIO, 0, 6)), state)
    names = [type(it.message.payload) for it in handled.outputs]
    assert names == [TranscriptSegment, CallEnded]
    assert handled.state is not None
    assert handled.state.ended
    assert handled.held_from is None
    clock.now_s += 60
    assert live.ends() == []


async def test_an_idle_end_is_obeyed_after_its_first_attempt_failed() -> None:
    clock = Clock()
    live = handler(clock=clock, audio=AudioSettings(idle_s=10))
    state = (await live(inbound(EVENTS[0], 0), None)).state
    clock.now_s += 60
    (end,) = live.ends()
    for _ in range(2):
        handled = await live(Inbound(end.message, Position(AUDIO, 0, 1)), state)
        assert handled.state is not None
        assert handled.state.ended


async def test_memory_of_ended_calls_is_let_go() -> None:
    live = handler()
    for number in range(20):
        state: LiveCall | None = None
        for offset, event in enumerate([*EVENTS, Event(CallEnded(call_id=CALL))]):
            state = (await live(inbound(event, number * 100 + offset), state)).state or state
    await asyncio.sleep(0)
    assert live.in_memory == 0


async def test_a_call_that_is_erased_is_dropped_with_its_audio_and_never_ended() -> None:
    clock = Clock()
    live = handler(clock=clock, audio=AudioSettings(idle_s=10))
    state: LiveCall | None = None
    for offset, event in enumerate(EVENTS[:4]):
        state = (await live(inbound(event, offset), state)).state or state
    assert live.in_memory == 1
    live.drop(f"acme:{CALL}")
    clock.now_s += 60
    assert live.ends() == []
    assert live.in_memory == 0
