"""What the engine of a live call is told, and what becomes of what it hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from live_calls import Hashing, chunks, inbound, whole_call
from live_playing import L16, MONO, delivered, handler, voices

from pipeline.asr.live_state import LiveCall
from pipeline.figures import PHANTOM_SECONDS
from pipeline.ports import Recognition, Speech, TimedWord
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryMeter
from schemas.transcript import Segment, Word
from schemas.wire import CallFacts

EVENTS = chunks(voices([500, 1_000, 1_000]), MONO, [200])


def plain(segments: Sequence[Segment], _: str | None) -> tuple[Segment, ...]:
    return tuple(segments)


class Timing(Hashing):
    """Hears two words, of which the second is said to end after the stretch."""

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        self.heard.append(speeches)
        words = (TimedWord("good", 60, 400), TimedWord("morning", 420, 60_000))
        return [Recognition("good morning", 0.9, "en", words) for _ in speeches]


async def state_after(live: Any, events: Sequence[Any]) -> LiveCall:
    state: LiveCall | None = None
    for offset, event in enumerate(events):
        state = (await live(inbound(event, offset), state)).state or state
    assert state is not None
    return state


def test_words_have_their_times_in_the_call_and_none_is_outside_its_segment() -> None:
    (segment,) = delivered(whole_call(EVENTS), make=lambda: handler(Timing(), masked=plain)).segments
    first, second = segment.words
    assert first == Word(text="good", start_ms=segment.start_ms + 60, end_ms=segment.start_ms + 400)
    assert (second.start_ms, second.end_ms) == (segment.start_ms + 420, segment.end_ms)


async def test_the_segments_that_are_remembered_have_no_times_of_words() -> None:
    state = await state_after(handler(Timing(), masked=plain), EVENTS)
    (recent,) = state.recent
    assert recent.text == "good morning"
    assert recent.words == ()


def test_the_engine_is_told_the_words_of_the_scenario_and_that_a_call_waits() -> None:
    asked: list[tuple[str | None, str | None]] = []

    def vocabulary(scenario: str | None, language: str | None) -> tuple[str, ...]:
        asked.append((scenario, language))
        return ("Max Unlimited",)

    engine = Hashing()
    events = whole_call(EVENTS, CallFacts(language="en", scenario="telecom"))
    delivered(events, make=lambda: handler(engine, vocabulary=vocabulary))
    assert asked == [("telecom", "en")]
    assert [(it.vocabulary, it.hurried) for it in engine.heard[0]] == [(("Max Unlimited",), True)]


def test_phantoms_are_no_words_and_are_counted() -> None:
    class Looping(Hashing):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            return [Recognition("thank you for watching " * 40, 0.9, "en") for _ in speeches]

    meter = InMemoryMeter()
    live = handler(Looping(), AudioSettings(), masked=plain, meter=meter)
    delivery = delivered(whole_call(EVENTS), make=lambda: live)
    assert delivery.segments == []
    assert delivery.gaps == []
    assert meter.counted(PHANTOM_SECONDS, lane="live", reason="speed") > 0.9


def test_silence_has_no_words_on_any_channel() -> None:
    live = handler(Timing(), AudioSettings(), masked=plain)
    assert delivered(whole_call(chunks(voices([8_000], [8_000]), L16, [200])), make=lambda: live).segments == []
