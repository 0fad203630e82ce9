from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech import RATE_HZ, find_speech, noise, sample_call

from pipeline.asr import spans as module
from pipeline.asr.decode import Audio
from pipeline.asr.spans import borders_of, cut_at, parted, speech_of
from pipeline.asr.vad import Rules, Span
from pipeline.ports import Samples, SpeakerTurn


@pytest.mark.parametrize("frames", [1, 7, 200])
def test_how_much_is_in_memory_at_once_changes_nothing(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    call = sample_call()[:, : 20 * RATE_HZ]
    both = call.sum(axis=0) + noise(20, -44)  # loud enough to be asked about without a pause
    speech = np.concatenate(
        [np.zeros(5 * RATE_HZ, np.float32), both, np.zeros(RATE_HZ, np.float32), both[: 8 * RATE_HZ]]
    )
    expected = find_speech(speech, Rules())
    assert len(expected) > 2
    monkeypatch.setattr(module, "PORTION_FRAMES", frames)
    assert speech_of(Audio(speech[np.newaxis], RATE_HZ), 0, Rules()) == expected


TURNS = [SpeakerTurn(0, 0, 900), SpeakerTurn(0, 950, 2_000), SpeakerTurn(1, 2_100, 4_000), SpeakerTurn(0, 4_000, 5_000)]


def test_borders_are_where_another_speaker_begins() -> None:
    assert borders_of(TURNS) == [2_050 * 16, 4_000 * 16]
    assert borders_of(TURNS[:2]) == []


@given(
    start=st.integers(0, 50_000),
    length=st.integers(1, 50_000),
    borders=st.lists(st.integers(0, 120_000), max_size=8).map(sorted),
)
def test_a_span_that_is_cut_is_still_all_there(start: int, length: int, borders: list[int]) -> None:
    span = Span(start, start + length)
    pieces = cut_at(span, borders)
    assert (pieces[0].start, pieces[-1].end) == (span.start, span.end)
    assert all(one.end == two.start for one, two in pairwise(pieces))
    assert all(piece.end - piece.start >= 1_600 for piece in pieces) or pieces == [span]
    assert {piece.end for piece in pieces[:-1]} <= set(borders)


class Parting:
    """A diariser that hears one speaker in the first third of whatever it is given, and then another."""

    name = "parting"

    def __init__(self) -> None:
        self.heard: list[int] = []

    async def turns(self, samples: Samples, sample_rate_hz: int) -> list[SpeakerTurn]:
        self.heard.append(len(samples))
        length_ms = len(samples) * 1_000 // sample_rate_hz
        return [SpeakerTurn(0, 0, length_ms // 3), SpeakerTurn(1, length_ms // 3, length_ms)]

    async def close(self) -> None:
        """Nothing is held open."""


async def test_a_diariser_is_given_ten_minutes_at_most_and_cuts_the_spans_of_each() -> None:
    minute = 60 * RATE_HZ
    audio = Audio(np.zeros((1, 25 * minute), np.float32), RATE_HZ)
    spans = [Span(at * minute, at * minute + 58 * RATE_HZ) for at in range(2, 24)]
    diariser = Parting()
    found = await parted(audio, 0, spans, diariser)
    assert max(diariser.heard) <= 10 * minute
    assert len(diariser.heard) == 3
    assert sum(it.end - it.start for it in found) == sum(it.end - it.start for it in spans)
    assert len(found) == len(spans) + 3
