import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_calls import (
    CALL,
    KEY,
    Delivery,
    Event,
    Hashing,
    Kill,
    chunk,
    chunks,
    inbound,
    whole_call,
)
from live_playing import FORMATS, L16, MONO, PCMU, delivered, handler, voices
from speech import RATE_HZ, noise, sample_call, turns

from pipeline.asr.live import LiveCalls
from pipeline.asr.live_state import LiveCall
from pipeline.asr.streaming_vad import Detectors
from pipeline.errors import Poison, Retryable
from pipeline.handling import Handled, Holding
from pipeline.ports import Recognition, Speech
from pipeline.privacy.masking import mask
from pipeline.settings import AudioSettings
from pipeline.testing import ScriptedEngine
from schemas.audio import RawFormat
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.transcript import Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Role

LENGTHS = st.lists(st.integers(20, 2_500), min_size=1, max_size=7)
KILLS = st.dictionaries(st.integers(0, 60), st.tuples(st.sampled_from(Kill), st.integers(0, 5)), max_size=6)


@st.composite
def calls(draw: st.DrawFn) -> list[Event]:
    """A call with what may happen on the way: chunks of any size, lost, repeated, late or broken; holds and news."""
    raw = draw(st.sampled_from(FORMATS))
    seed, noise_db = draw(st.integers(0, 9)), draw(st.sampled_from([-80, -56]))
    first, second = draw(LENGTHS), draw(LENGTHS)
    samples = voices(first, second, rate_hz=raw.sample_rate_hz, seed=seed, noise_db=noise_db, swell=0.149)
    sizes = draw(st.lists(st.sampled_from([40, 100, 200, 330]), min_size=1, max_size=3))
    events = chunks(samples, raw, sizes, big_endian=draw(st.booleans()))
    ids = [replace(event, id=f"c-{number}") for number, event in enumerate(events)]
    events = list(ids)
    for at in sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)), reverse=True):
        match draw(
            st.sampled_from(["lost", "lost many", "late", "repeated", "sent again", "broken", "held", "updated"])
        ):
            case "lost":
                del events[at : at + 1]
            case "lost many":
                del events[at : at + 5]
            case "late":
                events[at : at + 3] = reversed(events[at : at + 3])
            case "repeated":
                events[at:at] = events[max(0, at - 2) : at]
            case "sent again":
                events[at:at] = [replace(it, id=f"{it.id}-again") for it in events[max(0, at - 2) : at]]
            case "broken":
                events[at:at] = [replace(it, body=it.body[:-1], id=f"{it.id}-broken") for it in ids[at : at + 1]]
            case "held":
                events[at:at] = [Event(CallHeld(call_id=CALL, at_ms=0))]
                events[at + 3 : at + 6] = [Event(CallResumed(call_id=CALL, at_ms=0))]
            case _:
                events[at:at] = [Event(CallUpdated(call_id=CALL, call=CallFacts(agent=f"a-{at}")))]
    return whole_call(events)


@settings(max_examples=60)
@given(events=calls(), kills=KILLS)
def test_a_call_gives_the_same_events_however_often_its_worker_is_killed(
    events: list[Event], kills: dict[int, tuple[Kill, int]]
) -> None:
    undisturbed = delivered(events)
    killed = delivered(events, kills)
    assert list(killed.events.items()) == list(undisturbed.events.items())
    assert killed.dead == undisturbed.dead


@settings(max_examples=40)
@given(events=calls(), kills=KILLS, hold_ms=st.sampled_from([600, 1_500]))
def test_segments_that_wait_for_a_number_and_words_so_far_change_nothing_of_that(
    events: list[Event], kills: dict[int, tuple[Kill, int]], hold_ms: int
) -> None:
    def make() -> LiveCalls:
        return handler(audio=AudioSettings(max_span_s=2.0, partial_ms=250), is_open=often_open, hold_ms=hold_ms)

    undisturbed = delivered(events, make=make)
    killed = delivered(events, kills, make)
    assert said(killed) == said(undisturbed)
    assert killed.dead == undisturbed.dead
    held = [it for it in undisturbed.held if it is not None]
    assert held == sorted(held)
    assert undisturbed.held[-1] is None
    revisions = {it.segment.segment_id: it.revision for it in finals(undisturbed)}
    for partial in (*undisturbed.partial, *killed.partial):
        assert partial.revision < revisions[partial.segment.segment_id]


def often_open(segment: Segment, _: str | None) -> bool:
    return segment.text[:1] in "01234567"


def finals(delivery: Delivery) -> list[TranscriptSegment]:
    return [it for it in delivery.final.values() if isinstance(it, TranscriptSegment)]


def said(delivery: Delivery) -> list[CallEvent]:
    """All that is final, wherever it stands among the events of a call's life."""
    return list(delivery.final.values())


@settings(max_examples=25)
@given(events=calls(), kills=KILLS, away=st.sets(st.integers(0, 8)))
def test_an_engine_that_is_away_for_a_while_changes_nothing(
    events: list[Event], kills: dict[int, tuple[Kill, int]], away: set[int]
) -> None:
    asked = iter(range(1_000_000))

    def fails(_: Sequence[Speech]) -> Exception | None:
        return Retryable("the engine is away", dependency="asr") if next(asked) in away else None

    killed = delivered(events, kills, lambda: handler(Hashing(fails)))
    assert list(killed.events.items()) == list(delivered(events).events.items())


@settings(max_examples=25)
@given(
    first=LENGTHS,
    second=LENGTHS,
    raw=st.sampled_from(FORMATS),
    sizes=st.lists(st.integers(5, 900), min_size=1, max_size=4),
)
def test_the_segments_do_not_depend_on_the_size_of_the_chunks(
    first: list[int], second: list[int], raw: RawFormat, sizes: list[int]
) -> None:
    samples = voices(first, second, rate_hz=raw.sample_rate_hz)

    def plain(segments: Sequence[Any], _: str | None) -> tuple[Any, ...]:
        return tuple(segments)

    def said(lengths: list[int]) -> list[Any]:
        found = delivered(whole_call(chunks(samples, raw, lengths)), make=lambda: handler(masked=plain)).segments
        return sorted(found, key=lambda it: (it.channel, it.start_ms))

    assert said(sizes) == said([200])


@settings(max_examples=25)
@given(events=calls())
def test_the_oldest_held_chunk_never_gets_older_and_nothing_is_held_after_the_end(events: list[Event]) -> None:
    held = delivered(events).held
    offsets = [it for it in held if it is not None]
    assert offsets == sorted(offsets)
    assert held[-1] is None


def test_silence_is_let_go_every_two_seconds() -> None:
    delivery = delivered(whole_call(chunks(voices([30_000], [30_000]), L16, [200])))
    behind = [offset - it for offset, it in enumerate(delivery.held) if it is not None]
    assert max(behind) * 200 <= 2_300
    assert delivery.states <= 32


def test_speech_without_an_end_is_held_for_the_longest_span_at_most() -> None:
    delivery = delivered(whole_call(chunks(voices([100, 20_000], [20_100]), L16, [200])))
    behind = [offset - it for offset, it in enumerate(delivery.held) if it is not None]
    assert max(behind) * 200 <= 2_000 + 400
    spans = [(it.start_ms, it.end_ms) for it in delivery.segments]
    assert all(end - start <= 2_000 for start, end in spans)
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    assert spans[-1][1] == 20_100


def test_a_segment_comes_with_the_chunk_in_which_the_hang_over_ends() -> None:
    audio = AudioSettings(vad_hangover_ms=400)
    events = whole_call(chunks(voices([500, 1_000, 3_000]), MONO, [20]))
    outputs: dict[int, list[Any]] = {}

    async def play() -> None:
        it, state = handler(audio=audio), None
        for offset, event in enumerate(events):
            handled = await it(inbound(event, offset), state)
            outputs[offset] = list(handled.outputs)
            state = handled.state or state

    asyncio.run(play())
    (offset,) = [
        at for at, found in outputs.items() if any(isinstance(o.message.payload, TranscriptSegment) for o in found)
    ]
    payload = events[offset].payload
    said_ms = (offset - 1) * 20 + 20
    assert payload.call_id == CALL
    assert 1_500 + 400 <= said_ms <= 1_500 + 400 + 64


def test_segments_say_who_when_what_and_in_which_call() -> None:
    facts = CallFacts(language="en", agent="a-7")
    delivery = delivered(whole_call(chunks(voices([500, 1_000, 1_000], [1_800, 400, 300]), L16, [200]), facts))
    started, *said, ended = delivery.events.values()
    assert isinstance(started, CallStarted)
    assert isinstance(ended, CallEnded)
    first, second = said
    assert isinstance(first, TranscriptSegment)
    assert isinstance(second, TranscriptSegment)
    assert first.final
    assert second.call.agent == "a-7"
    assert (first.segment.role, second.segment.role) == (Role.AGENT, Role.CUSTOMER)
    assert abs(first.segment.start_ms - 500) <= 100
    assert abs(first.segment.end_ms - 1_500) <= 100
    assert len({output.message.envelope.id for output in delivery.published}) == 4
    assert {output.topic for output in delivery.published} == {"calls.transcripts.live"}


def test_the_end_brings_what_both_channels_still_hold_in_order_of_start() -> None:
    delivery = delivered(whole_call(chunks(voices([1_000, 900], [500, 1_400]), L16, [200])))
    assert [(it.channel, it.start_ms < 900) for it in delivery.segments] == [(1, True), (0, False)]
    assert isinstance(list(delivery.events.values())[-1], CallEnded)


def test_audio_that_never_came_ends_the_speech_before_it_and_is_told() -> None:
    events = chunks(voices([200, 4_000], [4_200]), L16, [200])
    delivery = delivered(whole_call([*events[:5], *events[10:]]), make=lambda: handler(audio=AudioSettings()))
    assert [(it.channel, it.start_ms, it.end_ms) for it in delivery.gaps] == [(0, 1_000, 2_000), (1, 1_000, 2_000)]
    first, second = delivery.segments
    assert (first.end_ms, second.start_ms) == (1_000, 2_000)


def test_a_hold_is_no_gap() -> None:
    events = chunks(voices([200, 4_000], [4_200]), L16, [200])
    on_hold = [Event(CallHeld(call_id=CALL, at_ms=1_000)), Event(CallResumed(call_id=CALL, at_ms=2_000))]
    delivery = delivered(whole_call([*events[:5], *on_hold, *events[10:]]), make=lambda: handler(audio=AudioSettings()))
    names = [it.event_name for it in delivery.events.values()]
    assert names == [
        "call.started",
        "transcript.segment",
        "call.held",
        "call.resumed",
        "transcript.segment",
        "call.ended",
    ]


def test_a_call_first_heard_in_its_middle_has_a_gap_at_its_start() -> None:
    events = chunks(voices([3_000]), MONO, [200])
    gaps = delivered(whole_call(events[5:])).gaps
    assert [(it.start_ms, it.end_ms) for it in gaps] == [(0, 1_000)]


def test_a_clock_that_drifts_and_jitters_makes_no_gap_and_no_chunk_is_dropped() -> None:
    events = []
    for number, event in enumerate(chunks(voices([300, 1_000] * 15), MONO, [200])):
        late = number * 3 + (number % 3) * 30
        payload = event.payload.model_copy(update={"offset_ms": number * 200 + late})
        events.append(replace(event, payload=payload))
    delivery = delivered(whole_call(events))
    assert delivery.gaps == []
    assert len(delivery.segments) == 15
    assert delivery.segments[-1].end_ms > 19_500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": b""}, "no audio"),
        ({"body": b"123"}, "no whole number of frames"),
        ({"raw": {"encoding": "L16", "sample_rate_hz": 8_000, "channels": 2}}, "the call began as L16 at 16000 Hz"),
        ({"raw": {"encoding": "L16", "sample_rate_hz": 11_025, "channels": 2}}, "11025 Hz"),
        ({"channels": [{"index": 2, "role": "agent"}]}, "names channel 2"),
        ({"channels": [{"index": 0, "role": "agent"}, {"index": 0, "role": "agent"}]}, "twice"),
    ],
)
async def test_a_chunk_that_cannot_be_read_is_refused_and_the_call_goes_on(change: dict[str, Any], reason: str) -> None:
    events = chunks(voices([200, 1_000, 1_000], [2_200]), L16, [200])
    it = handler()
    state: LiveCall | None = None
    bad = events[3].payload.model_dump() | {key: value for key, value in change.items() if key != "body"}
    broken = Event(type(events[3].payload).model_validate(bad), change.get("body", events[3].body))
    for offset, event in enumerate([*events[:3], broken]):
        if event is broken:
            with pytest.raises(Poison, match=reason):
                await it(inbound(event, offset), state)
        else:
            state = (await it(inbound(event, offset), state)).state or state
    segments = []
    for offset, event in enumerate([*events[3:], Event(CallEnded(call_id=CALL))], start=4):
        handled = await it(inbound(event, offset), state)
        state = handled.state or state
        segments += [o.message.payload for o in handled.outputs]
    assert [it.event_name for it in segments] == ["transcript.segment", "call.ended"]


@pytest.mark.parametrize("later", [False, True])
def test_without_consent_nothing_is_heard_and_the_life_of_the_call_is_still_told(later: bool) -> None:  # noqa: FBT001 - parametrized
    events = chunks(voices([200, 4_000], [4_200]), L16, [200])
    refusal = Event(CallUpdated(call_id=CALL, call=CallFacts(consent=False)))
    engine = Hashing()
    agreed, refused = whole_call([*events[:4], refusal, *events[4:]]), whole_call(events, CallFacts(consent=False))
    delivery = delivered(agreed if later else refused, make=lambda: handler(engine, AudioSettings()))
    assert engine.heard == []
    assert {it.event_name for it in delivery.events.values()} <= {"call.started", "call.updated", "call.ended"}
    assert delivery.held[-3:] == [None, None, None]


def test_a_call_is_heard_from_the_moment_that_consent_is_given() -> None:
    events = chunks(voices([200, 4_000]), MONO, [200])
    consent = Event(CallUpdated(call_id=CALL, call=CallFacts(consent=True)))
    delivery = delivered(whole_call([*events[:10], consent, *events[10:]], CallFacts(consent=False)))
    assert delivery.gaps == []
    assert delivery.segments[0].start_ms == 2_000


def test_what_comes_after_the_end_is_dropped() -> None:
    events = whole_call(chunks(voices([200, 1_000]), MONO, [200]))
    assert list(delivered([*events, *events[1:]]).events) == list(delivered(events).events)


def test_speech_that_the_engine_refuses_is_a_gap_and_the_rest_is_heard() -> None:
    def fails(speeches: Sequence[Speech]) -> Exception | None:
        return Poison("too loud") if any(len(it.samples) > 16_000 for it in speeches) else None

    events = whole_call(chunks(voices([500, 1_500], [1_500, 500]), L16, [200]))
    delivery = delivered(events, make=lambda: handler(Hashing(fails), AudioSettings()))
    assert [it.channel for it in delivery.gaps] == [0]
    assert [it.channel for it in delivery.segments] == [1]


async def test_speech_that_was_given_up_with_its_chunk_is_a_gap_at_the_next_one() -> None:
    engine = Hashing(lambda _: Retryable("away", dependency="asr"))
    it, state = handler(engine), None
    outputs: list[Any] = []
    for offset, event in enumerate(chunks(voices([200, 600, 1_600]), MONO, [200])):
        try:
            handled = await it(inbound(event, offset), state)
        except Retryable:
            continue
        state = handled.state or state
        outputs += [o.message.payload for o in handled.outputs]
    (gap,) = outputs
    assert isinstance(gap, TranscriptGap)
    assert abs(gap.start_ms - 200) <= 100


async def test_letting_go_says_what_is_pending_and_holds_nothing() -> None:
    it, state = handler(audio=AudioSettings()), None
    last: Handled[LiveCall] = Handled()
    events = chunks(voices([200, 3_000], [200, 3_000]), L16, [200])
    for offset, event in enumerate(events[:8]):
        last = await it(inbound(event, offset), state)
        state = last.state or state
    assert last.held_from == 0

    gone = await it.let_go(KEY, state)

    said = [o.message.payload for o in gone.outputs]
    assert [(s.segment.channel, s.segment.end_ms) for s in said if isinstance(s, TranscriptSegment)] == [
        (0, 1_600),
        (1, 1_600),
    ]
    assert gone.held_from is None
    assert (await it.let_go(KEY, gone.state)) == Handled()
    after = await it(inbound(events[8], 8), gone.state)
    assert after.held_from == 8
    rest = await it.let_go(KEY, gone.state)
    assert [p.segment.start_ms for o in rest.outputs if isinstance(p := o.message.payload, TranscriptSegment)] == [
        1_600,
        1_600,
    ]


async def test_a_partition_that_is_forgotten_takes_its_audio_with_it() -> None:
    it = handler()
    event = chunks(voices([0, 3_000]), MONO, [1_000])[0]
    await it(inbound(event, 0, partition=3), None)
    it.forget(2)
    assert (await it.let_go(KEY, None)).outputs
    await it(inbound(event, 0, partition=3), None)
    it.forget(3)
    assert await it.let_go(KEY, None) == Handled()


def test_a_number_that_goes_on_after_a_pause_is_masked_with_what_came_before() -> None:
    engine = ScriptedEngine(["my number is four one five five five", "five one two one two okay"])
    events = whole_call(chunks(voices([200, 900, 900, 900, 900]), MONO, [200]))
    delivery = delivered(events, make=lambda: handler(engine, masked=mask))
    assert "[PHONE]" in delivery.segments[1].text


def test_the_language_is_told_to_the_engine_once_enough_was_said() -> None:
    engine = Hashing()
    events = whole_call(chunks(voices([200, 1_500, 800] * 5), MONO, [200]), CallFacts())
    delivered(events, make=lambda: handler(engine))
    told = [it.language for speeches in engine.heard for it in speeches]
    assert told[0] is None
    assert told[-1] == "en"


@pytest.mark.parametrize(("heard", "told"), [("zh", "zh"), ("yue", None)])
def test_the_language_that_was_heard_travels_with_the_segments_where_it_has_a_code(
    heard: str, told: str | None
) -> None:
    class Speaking(Hashing):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            return [replace(it, language=heard) for it in await super().recognise(speeches)]

    events = whole_call(chunks(voices([200, 1_000, 500]), MONO, [200]), CallFacts(agent="a-1"))
    said = delivered(events, make=lambda: handler(Speaking())).events.values()
    (call,) = [it.call for it in said if isinstance(it, TranscriptSegment)]
    assert (call.language, call.agent) == (told, "a-1")


def test_real_speech_is_cut_as_it_was_spoken_and_survives_kills() -> None:
    """With Silero's detector, on the start of a sample call as a telephone carries it."""
    import soxr

    wide = sample_call()[:, : 14 * RATE_HZ]
    narrow = np.stack([soxr.resample(channel, RATE_HZ, 8_000) for channel in wide]).astype(np.float32)
    events = whole_call(chunks(narrow + noise(14, -75).reshape(1, -1)[:, : narrow.shape[1]], PCMU, [200]))

    def make() -> Holding[LiveCall]:
        return handler(audio=AudioSettings(), detectors=Detectors())

    undisturbed = delivered(events, make=make)
    killed = delivered(events, {20: (Kill.REMEMBERED, 2), 31: (Kill.BEFORE, 0), 70: (Kill.HANDLED, 1)}, make)
    assert list(killed.events.items()) == list(undisturbed.events.items())
    spoken = [turn for turn in turns() if turn["end_ms"] < 13_500]
    assert spoken
    for turn in spoken:
        words = [it for it in undisturbed.segments if it.channel == turn["channel"]]
        assert any(abs(it.start_ms - turn["start_ms"]) < 250 for it in words)
        assert any(abs(it.end_ms - turn["end_ms"]) < 250 for it in words)


def test_the_order_of_bytes_that_was_clear_once_holds_for_audio_that_could_be_either() -> None:
    hum, hiss = voices([0, 1_000]), noise(5, -6).reshape(1, -1)
    events = whole_call(chunks(np.concatenate((hum, hiss), axis=1), MONO, [200], big_endian=True))
    undisturbed = delivered(events)
    assert len(undisturbed.segments) > 2
    assert delivered(events, {25: (Kill.BEFORE, 0)}).events == undisturbed.events


def test_chunks_of_one_sequence_with_other_audio_are_repeats() -> None:
    events = chunks(voices([200, 1_000, 500]), MONO, [200])
    loud = chunk(voices([0, 200]), 3, 600, MONO)
    assert delivered(whole_call([*events[:4], loud, *events[4:]])).segments == delivered(whole_call(events)).segments
