"""The words so far of whoever speaks in a live call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from live_calls import Delivery, Hashing, Kill, chunks, inbound, whole_call
from live_playing import L16, MONO, delivered, handler, voices

from pipeline.asr.live import LiveCalls
from pipeline.asr.live_pace import Pace
from pipeline.errors import Retryable
from pipeline.figures import LIVE_DRAFTS
from pipeline.ports import Recognition, Speech
from pipeline.privacy.open_numbers import is_open
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryMeter
from schemas.transcript import Segment, TranscriptSegment

PARTIAL = AudioSettings(partial_ms=500)
WORDS = [f"{first}{second}n" for first in "bdfglmprst" for second in "aeiou"]


class Counting(Hashing):
    """Hears another word every two hundred milliseconds."""

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        self.heard.append(speeches)
        return [Recognition(" ".join(WORDS[: len(it.samples) // 3_200]), 0.5, "en") for it in speeches]


def plain(segments: Sequence[Segment], _: str | None) -> tuple[Segment, ...]:
    return tuple(segments)


def make(engine: Any = None, audio: AudioSettings = PARTIAL, **more: Any) -> LiveCalls:
    return handler(engine or Counting(), audio, masked=plain, **more)


def test_the_words_so_far_are_told_while_somebody_speaks_and_the_final_segment_replaces_them() -> None:
    delivery = delivered(whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200])), make=make)
    (final,) = (it for it in delivery.final.values() if isinstance(it, TranscriptSegment))
    partials = delivery.partial
    assert len(partials) >= 3
    assert {it.segment.segment_id for it in partials} == {final.segment.segment_id}
    assert {it.segment.start_ms for it in partials} == {final.segment.start_ms}
    numbers = [it.revision for it in (*partials, final)]
    assert numbers == sorted(set(numbers))
    lengths = [len(it.segment.text) for it in partials]
    assert all(left < right for left, right in pairwise(lengths))
    assert not any(it.final for it in partials)


def test_no_words_so_far_are_told_where_that_is_not_set() -> None:
    delivery = delivered(
        whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200])), make=lambda: make(audio=AudioSettings())
    )
    assert delivery.partial == []
    assert [it.revision for it in delivery.final.values() if isinstance(it, TranscriptSegment)] == [1]


def test_partial_segments_change_nothing_of_what_is_remembered() -> None:
    events = whole_call(chunks(voices([300, 2_500, 600], [1_000, 900, 300, 800]), L16, [200]))
    with_partials, without = delivered(events, make=make), delivered(events, make=lambda: make(audio=AudioSettings()))
    assert with_partials.partial
    assert with_partials.states == without.states
    assert with_partials.segments == without.segments


def test_after_a_kill_a_partial_segment_comes_again_as_it_was_or_not_at_all() -> None:
    events = whole_call(chunks(voices([500, 4_000, 1_000]), MONO, [200]))
    undisturbed = delivered(events, make=make)
    killed = delivered(events, {12: (Kill.PUBLISHED, 0), 30: (Kill.HANDLED, 3)}, make)
    assert killed.final == undisturbed.final
    known = {it.revision: it.segment for it in undisturbed.partial}
    for it in killed.partial:
        assert known.get(it.revision, it.segment).segment_id == it.segment.segment_id


def test_no_final_segment_waits_for_words_so_far() -> None:
    class Slow(Counting):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            if not speeches[0].hurried:
                await asyncio.Event().wait()
            return await super().recognise(speeches)

    delivery = delivered(whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200])), make=lambda: make(Slow()))
    assert len(delivery.segments) == 1
    assert delivery.partial == []


def test_words_so_far_that_cannot_be_recognised_are_missing_and_no_more() -> None:
    def fails(speeches: Sequence[Speech]) -> Exception | None:
        return None if speeches[0].hurried else Retryable("away", dependency="asr")

    meter = InMemoryMeter()
    live = make(Hashing(fails), meter=meter)
    delivery = delivered(whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200])), make=lambda: live)
    assert len(delivery.segments) == 1
    assert delivery.partial == []
    assert meter.counted(LIVE_DRAFTS, outcome="missed") >= 4


async def test_words_so_far_that_come_too_late_are_given_up_before_the_final_ones_are_asked_for() -> None:
    class Slow(Counting):
        given_up = 0

        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            if not speeches[0].hurried:
                try:
                    await asyncio.Event().wait()
                finally:
                    self.given_up += 1
            await asyncio.sleep(0)
            self.given_up_before = self.given_up
            return await super().recognise(speeches)

    engine, meter = Slow(), InMemoryMeter()
    live = make(engine, meter=meter)
    delivery = Delivery(lambda: live)
    await delivery.run(whole_call(chunks(voices([500, 2_000, 800, 2_000, 1_000]), MONO, [200])))
    assert len(delivery.segments) == 2
    assert engine.given_up_before == 2
    assert meter.counted(LIVE_DRAFTS, outcome="missed") == 2


def test_digits_of_a_number_that_may_go_on_are_not_shown() -> None:
    class Number(Hashing):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            said = ["my", "number", "is", "four", "one", "five", "five", "five", "five", "one", "two", "one", "two"]
            return [Recognition(" ".join(said[: len(it.samples) // 4_800]), 0.5, "en") for it in speeches]

    def is_open(segment: Segment, _: str | None) -> bool:
        return segment.text.rsplit(" ", 1)[-1] in {"four", "one", "five", "two"}

    events = whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200]))
    delivery = delivered(events, make=lambda: make(Number(), is_open=is_open))
    shown = [it.segment.text for it in delivery.partial]
    assert shown
    assert shown[-1] == "my number is"
    assert not any("four" in text or "five" in text for text in shown)
    assert delivery.segments[0].text.startswith("my number is four one five")


def test_a_last_word_that_may_be_a_digit_cut_off_does_not_end_a_number() -> None:
    class CutOff(Hashing):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            said = ["the", "number", "is", "four", "one", "one", "one", "one"][: len(speeches[0].samples) // 4_800]
            return [Recognition(" ".join([*said, "line"]), 0.5, "en")]

    events = whole_call(chunks(voices([500, 3_000, 1_000]), MONO, [200]))
    shown = [it.segment.text for it in delivered(events, make=lambda: make(CutOff(), is_open=is_open)).partial]
    assert "the number is" in shown
    assert not any("four" in text or "one" in text.split() for text in shown)


def test_words_so_far_that_are_none_in_the_end_are_taken_back() -> None:
    class Hasty(Counting):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            found = await super().recognise(speeches)
            return [Recognition("") if it.hurried else words for it, words in zip(speeches, found, strict=True)]

    delivery = delivered(whole_call(chunks(voices([500, 2_000, 1_000]), MONO, [200])), make=lambda: make(Hasty()))
    (final,) = (it for it in delivery.final.values() if isinstance(it, TranscriptSegment))
    assert final.segment.text == ""
    assert {it.segment.segment_id for it in delivery.partial} == {final.segment.segment_id}
    assert final.revision > max(it.revision for it in delivery.partial)


async def test_the_words_so_far_of_a_call_that_is_let_go_are_given_up() -> None:
    live, state = make(), None
    for offset, event in enumerate(chunks(voices([200, 4_000]), MONO, [200])[:12]):
        state = (await live(inbound(event, offset), state)).state or state
    before = asyncio.all_tasks()
    live.forget(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
    assert all(task.done() or task is asyncio.current_task() for task in before)


def test_no_partial_revision_reaches_that_of_the_final_segment() -> None:
    pace = Pace.of(AudioSettings(partial_ms=300, max_span_s=2.0))
    assert max(pace.revision(elapsed) for elapsed in range(0, 10_000, 7)) < pace.final
    assert Pace.of(AudioSettings()).final == 1
