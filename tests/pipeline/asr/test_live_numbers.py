"""Segments of a live call that end inside a number, and wait for the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from live_calls import CALL, KEY, Delivery, Event, Hashing, Kill, chunks, inbound, whole_call
from live_playing import L16, MONO, delivered, handler, voices

from pipeline.asr.live import LiveCalls
from pipeline.asr.live_state import LiveCall
from pipeline.errors import Poison
from pipeline.figures import LIVE_HELD_BACK
from pipeline.handling import Handled
from pipeline.ports import Recognition, Speech
from pipeline.privacy.masking import mask
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryMeter, ScriptedEngine
from schemas.call import CallHeld, CallUpdated
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import CallFacts

DIGITS = {"four", "one", "five", "two"}
HOLD_MS = 5_000
PHONE = ["my number is four one five", "five five five one two one two", "okay thank you"]
"""Said in pieces of 900 ms with pauses of 900 ms between."""
PIECES = [200, 900, 900, 900, 900, 900, 4_000]


def is_open(segment: Segment, _: str | None) -> bool:
    return segment.text.rsplit(" ", 1)[-1] in DIGITS


def make(texts: Sequence[str] = PHONE, hold_ms: int = HOLD_MS, **more: Any) -> LiveCalls:
    return handler(ScriptedEngine(texts), AudioSettings(), masked=mask, is_open=is_open, hold_ms=hold_ms, **more)


async def played(live: LiveCalls, events: Sequence[Event]) -> list[tuple[int, Handled[LiveCall]]]:
    """What each event gave, by its offset."""
    state: LiveCall | None = None
    found: list[tuple[int, Handled[LiveCall]]] = []
    for offset, event in enumerate(events):
        handled = await live(inbound(event, offset), state)
        state = handled.state or state
        found.append((offset, handled))
    return found


def texts_of(handled: Handled[LiveCall]) -> list[str]:
    return [it.segment.text for it in segments_of(handled)]


def segments_of(handled: Handled[LiveCall]) -> list[TranscriptSegment]:
    payloads = (it.message.payload for it in handled.outputs)
    return [it for it in payloads if isinstance(it, TranscriptSegment)]


@pytest.mark.parametrize("offset", range(30, 54, 2))
def test_a_successor_masks_among_the_same_words_where_a_number_is_out_and_goes_on(offset: int) -> None:
    """What is heard again of the first channel waits for nothing: its words so far must not come in for that."""

    def live() -> LiveCalls:
        return handler(is_open=lambda segment, _: segment.channel == 0, hold_ms=600)

    audio = chunks(voices([100, 6_500], [500, 400, 2_300, 600, 2_800]), L16, [200])
    news = [Event(CallUpdated(call_id=CALL, call=CallFacts(agent=f"a-{number}"))) for number in range(len(audio))]
    events = whole_call([event for both in zip(news, audio, strict=True) for event in both])
    killed = delivered(events, {offset: (Kill.BEFORE, 0)}, live)
    assert list(killed.events.items()) == list(delivered(events, make=live).events.items())


def test_a_number_that_is_said_in_pieces_is_masked_in_all_of_them() -> None:
    meter = InMemoryMeter()
    live = make(meter=meter)
    delivery = delivered(whole_call(chunks(voices(PIECES), MONO, [200])), make=lambda: live)
    assert [it.text for it in delivery.segments] == ["my number is [PHONE]", "[PHONE]", "okay thank you"]
    waited_s = meter.observed(LIVE_HELD_BACK)
    assert len(waited_s) == 2
    assert sum(waited_s) > 2 * 0.9


async def test_a_segment_that_waits_is_held_and_goes_out_with_the_one_that_ends_the_number() -> None:
    found = await played(make(), chunks(voices(PIECES), MONO, [200]))
    told = [(offset, texts_of(handled)) for offset, handled in found if handled.outputs]
    assert [texts for _, texts in told] == [["my number is [PHONE]", "[PHONE]", "okay thank you"]]
    before = [handled.held_from for offset, handled in found if 5 <= offset < told[0][0]]
    assert set(before) == {0}


async def test_a_segment_waits_no_longer_than_is_set() -> None:
    found = await played(make(["my number is four one five", "five"]), chunks(voices([200, 900, 6_000]), MONO, [200]))
    ((offset, handled),) = [(offset, it) for offset, it in found if it.outputs]
    (ended_ms,) = (it.segment.end_ms for it in segments_of(handled))
    assert texts_of(handled) == ["my number is four one five"]
    assert 0 <= (offset + 1) * 200 - (ended_ms + HOLD_MS) < 200
    assert found[-1][1].held_from is not None
    assert found[-1][1].held_from > offset - 11


async def test_what_is_said_by_then_counts_where_somebody_still_speaks_when_the_wait_is_over() -> None:
    said = ["my number is four one five", "five five five one two one two", "five five five one two one two okay"]
    events = chunks(voices([200, 900, 900, 5_000, 1_000]), MONO, [200])
    found = await played(make(said), events)
    told = [texts_of(it) for _, it in found if it.outputs]
    assert told == [["my number is [PHONE]"], ["[PHONE] okay"]]


async def test_a_segment_that_turns_out_to_begin_a_number_is_told_again_as_a_higher_revision() -> None:
    said = ["well four one five", "five five", "five five", *["five one two one two okay"] * 2]
    events = chunks(voices([200, 900, 600, 400, 700, 900, 2_000]), MONO, [200])
    found = await played(make(said, hold_ms=1_200), events)
    payloads = [it for _, handled in found for it in segments_of(handled)]
    told = [(it.segment.text, it.revision) for it in payloads]
    assert told == [
        ("well four one five", 1),
        ("well [PHONE]", 2),
        ("[PHONE]", 1),
        ("[PHONE] okay", 1),
    ]
    first, again = (it for it in payloads if it.segment.text.startswith("well"))
    assert first.segment.segment_id == again.segment.segment_id


def test_the_other_channel_does_not_wait() -> None:
    said = ["my number is four one five", "let me see", "five five five one two one two thanks"]
    events = whole_call(chunks(voices([200, 900, 1_900, 900, 600], [1_300, 600, 2_600]), L16, [200]))
    segments = delivered(events, make=lambda: make(said)).segments
    assert [(it.channel, it.text) for it in segments] == [
        (1, "let me see"),
        (0, "my number is [PHONE]"),
        (0, "[PHONE] thanks"),
    ]


@pytest.mark.parametrize("event", [None, Event(CallHeld(call_id=CALL, at_ms=0))])
def test_nothing_waits_when_the_call_ends_or_is_held(event: Event | None) -> None:
    events = chunks(voices([200, 900, 1_000]), MONO, [200])
    delivery = delivered(whole_call([*events, event] if event else events), make=make)
    names = [it.event_name for it in delivery.events.values()]
    assert names[1] == "transcript.segment"
    assert delivery.held[-1] is None


async def test_a_call_that_is_let_go_tells_what_waits() -> None:
    live = make()
    found = await played(live, chunks(voices([200, 900, 1_000]), MONO, [200]))
    state = next((it.state for _, it in reversed(found) if it.state), None)
    gone = await live.let_go(KEY, state)
    assert texts_of(gone) == ["my number is four one five"]
    assert gone.held_from is None


def test_audio_that_is_missing_ends_the_wait() -> None:
    events = chunks(voices([200, 900, 6_000]), MONO, [200])
    delivery = delivered(whole_call([*events[:9], *events[14:18]]), make=make)
    assert [it.event_name for it in delivery.events.values()][1:3] == ["transcript.segment", "transcript.gap"]


def test_a_number_that_cannot_be_heard_to_its_end_waits_for_nothing() -> None:
    class Refusing(ScriptedEngine):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            if len(self.heard) == 1:
                self.heard.extend(speeches)
                raise Poison("too loud")
            return await super().recognise(speeches)

    live = handler(Refusing(PHONE), AudioSettings(), masked=mask, is_open=is_open, hold_ms=HOLD_MS)
    delivery = delivered(whole_call(chunks(voices(PIECES), MONO, [200])), make=lambda: live)
    names = [it.event_name for it in delivery.events.values()]
    assert names[1:4] == ["transcript.segment", "transcript.gap", "transcript.segment"]


@pytest.mark.parametrize("kill", list(Kill))
@pytest.mark.parametrize("after", [8, 12, 16, 20, 24, 28])
def test_a_worker_that_is_killed_while_a_segment_waits_shows_no_digits(kill: Kill, after: int) -> None:
    events = whole_call(chunks(voices(PIECES), MONO, [200]))
    killed = delivered(events, {after: (kill, 2)}, lambda: handler(Knowing(), AudioSettings(), **ASKING))
    undisturbed = delivered(events, make=lambda: handler(Knowing(), AudioSettings(), **ASKING))
    assert said(killed) == said(undisturbed)
    assert not any(set(it.text.split()) & DIGITS for it in killed.segments)


class Knowing(Hashing):
    """Hears the pieces of the number in turn, and the same words in the same samples again."""

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        found = await super().recognise(speeches)
        return [replace(it, text=_PIECES.setdefault(it.text, PHONE[len(_PIECES) % 3])) for it in found]


_PIECES: dict[str, str] = {}
ASKING: dict[str, Any] = {"masked": mask, "is_open": is_open, "hold_ms": HOLD_MS}


def said(delivery: Delivery) -> list[tuple[str, str]]:
    return [(it.segment_id, it.text) for it in delivery.segments]
