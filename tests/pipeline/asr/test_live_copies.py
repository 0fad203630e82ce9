"""The same talk on both channels of a live call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from live_calls import Hashing, Kill, chunks, whole_call
from live_playing import L16, PCMU, delivered, handler, voices

from pipeline.asr.live import LiveCalls
from pipeline.ports import Recognition, Samples, Speech
from pipeline.privacy.masking import mask
from pipeline.settings import AudioSettings
from schemas.audio import RawFormat
from schemas.transcript import Segment
from schemas.wire import Role

TURNS = [400, 1_500, 900, 2_000, 1_200]
BY_LENGTH = {9: "my number is four one five", 12: "five five five one two one two", 18: "okay thank you then"}
"""What is said in pieces of 900, 1,200 and 1,800 ms."""


class ByLength(Hashing):
    """Says the same however often it is asked."""

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        tenths = [min(BY_LENGTH, key=lambda length: abs(length - len(it.samples) / 1_600 + 1)) for it in speeches]
        return [Recognition(BY_LENGTH[it], 0.5, "en") for it in tenths]


def dual_mono(lengths: Sequence[int], rate_hz: int = 16_000) -> Samples:
    return np.repeat(voices(lengths, rate_hz=rate_hz), 2, axis=0)


@pytest.mark.parametrize("raw", [L16, PCMU])
def test_what_is_on_both_channels_is_told_once_and_nobody_knows_by_whom(raw: RawFormat) -> None:
    engine = Hashing()
    events = whole_call(chunks(dual_mono(TURNS, raw.sample_rate_hz), raw, [200]))
    segments = delivered(events, make=lambda: handler(engine, AudioSettings())).segments
    assert [(it.channel, it.role) for it in segments] == [(0, Role.UNKNOWN)] * 2
    assert sum(map(len, engine.heard)) == 2


def test_words_so_far_on_both_channels_are_told_once_too() -> None:
    delivery = delivered(
        whole_call(chunks(dual_mono(TURNS), L16, [200])), make=lambda: handler(audio=AudioSettings(partial_ms=300))
    )
    assert len(delivery.partial) > 3
    assert {(it.segment.channel, it.segment.role) for it in delivery.partial} == {(0, Role.UNKNOWN)}
    assert {it.segment.segment_id for it in delivery.partial} == {it.segment_id for it in delivery.segments}


def test_two_who_speak_at_the_same_time_are_both_heard() -> None:
    segments = delivered(whole_call(chunks(voices(TURNS, TURNS), L16, [200])), make=handler).segments
    assert {(it.channel, it.role) for it in segments} == {(0, Role.AGENT), (1, Role.CUSTOMER)}
    assert len(segments) >= 4


@pytest.mark.parametrize("late", [0, 7])
@pytest.mark.parametrize("kill", [Kill.HANDLED, Kill.PUBLISHED])
def test_a_killed_worker_leaves_no_second_one_where_a_number_waits(kill: Kill, late: int) -> None:
    def is_open(segment: Segment, _: str | None) -> bool:
        return segment.text.rsplit(" ", 1)[-1] in {"five", "two"}

    def make() -> LiveCalls:
        return handler(ByLength(), AudioSettings(), masked=mask, is_open=is_open, hold_ms=5_000)

    events = whole_call(chunks(dual_mono([200, 900, 900, 1_200, 900, 1_800, 1_000]), L16, [200]))
    undisturbed = delivered(events, make=make)
    assert [(it.text, it.role) for it in undisturbed.segments] == [
        ("my number is [PHONE]", Role.UNKNOWN),
        ("[PHONE]", Role.UNKNOWN),
        ("okay thank you then", Role.UNKNOWN),
    ]
    for at in range(4, len(events) - 1, 3):
        assert delivered(events, {at: (kill, late)}, make).final == undisturbed.final
