import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import RATE_HZ, find_speech, noise, sample_call

from pipeline.asr.streaming_vad import Cut, Detector, Detectors, SpeechFinder
from pipeline.asr.vad import FRAME, Probabilities, Rules, Span
from pipeline.ports import Samples


class Counting(Detectors):
    """Silero's detectors, counted."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def make(self) -> Detector:
        self.made += 1
        return super().make()


def cuts(samples: Samples, rules: Rules, detectors: Detectors | None = None) -> list[tuple[int, Cut]]:
    """The cuts from start to end, each with the sample that its own samples count from."""
    found: list[tuple[int, Cut]] = []
    at, noise_db, detectors = 0, None, detectors or Detectors()
    while True:
        finder = SpeechFinder(rules, detectors, noise_db)
        cut = finder.feed(samples[at:])
        found.append((at, cut or finder.finish()))
        if cut is None:
            return found
        at, noise_db = at + cut.at, cut.noise_db


@pytest.mark.parametrize("channel", [0, 1])
def test_speech_is_found_where_the_whole_recording_shows_it(channel: int) -> None:
    samples = sample_call()[channel]
    live = [
        Span(start, start + len(cut.speech))
        for at, cut in cuts(samples, Rules())
        if cut.speech is not None
        for start in (at + cut.start,)
    ]
    assert len(live) > 5
    assert tuple(live) == find_speech(samples, Rules())


@pytest.mark.parametrize("rules", [Rules(), Rules(max_span_s=1.5), Rules(hangover_ms=30, pad_ms=37)])
def test_all_cuts_but_the_last_keep_to_the_frames_of_the_call(rules: Rules) -> None:
    *found, _ = cuts(sample_call()[0, : 20 * RATE_HZ], rules)
    assert len(found) > 3
    assert all(cut.at > 0 and cut.at % FRAME == 0 for _, cut in found)


def test_the_speech_of_a_cut_is_the_samples_as_they_came() -> None:
    samples = sample_call()[0, : 20 * RATE_HZ]
    for at, cut in cuts(samples, Rules(max_span_s=1.5)):
        if cut.speech is not None:
            assert np.array_equal(cut.speech, samples[at + cut.start : at + cut.start + len(cut.speech)])
            assert len(cut.speech) <= 1.5 * RATE_HZ


def test_a_detector_begins_afresh_each_time_it_gets_loud() -> None:
    detectors = Counting()
    finder = SpeechFinder(Rules(), detectors)
    assert finder.feed(noise(0.4, -80)) is None
    assert detectors.made == 0
    finder.feed(noise(0.1, -30))
    assert detectors.made == 1
    finder.feed(noise(0.6, -80))
    assert detectors.made == 1
    finder.feed(noise(0.1, -30))
    assert detectors.made == 2


def test_steady_noise_becomes_the_line_and_is_not_asked_about_any_more() -> None:
    detectors = Counting()
    found = cuts(noise(12, -55), Rules(), detectors)
    assert all(cut.speech is None for _, cut in found)
    finder = SpeechFinder(Rules(), detectors, found[-1][1].noise_db)
    before = detectors.made
    finder.feed(noise(1.0, -55, seed=1))
    assert detectors.made == before


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=6), seconds=st.sampled_from([1.5, 20.0]))
def test_cuts_are_the_same_however_the_samples_are_cut_into_chunks(lengths: list[int], seconds: float) -> None:
    samples, rules = sample_call()[0, : 12 * RATE_HZ], Rules(max_span_s=seconds)
    expected = SpeechFinder(rules, Detectors()).feed(samples)
    assert expected is not None
    finder, at, found = SpeechFinder(rules, Detectors()), 0, None
    while found is None:
        length = lengths[at % len(lengths)]
        found = finder.feed(samples[at : at + length])
        at += length
    assert (found.at, found.start, found.noise_db) == (expected.at, expected.start, expected.noise_db)
    assert found.speech is not None
    assert expected.speech is not None
    assert np.array_equal(found.speech, expected.speech)


def test_frames_that_come_in_one_chunk_are_asked_about_together() -> None:
    asked: list[int] = []

    class Watching(Detectors):
        def make(self) -> Detector:
            return Watched(super().make())

    class Watched:
        def __init__(self, detector: Detector) -> None:
            self._detector = detector

        def process_frames(self, frames: Samples) -> Probabilities:
            asked.append(len(frames))
            return self._detector.process_frames(frames)

    finder = SpeechFinder(Rules(), Watching())
    for at in range(0, 24_000, 3_200):
        finder.feed(sample_call()[0, at : at + 3_200])
    assert sum(asked) <= 24_000 // FRAME
    assert len(asked) <= 24_000 // 3_200


def test_a_click_is_no_speech() -> None:
    samples = noise(3, -80)
    samples[RATE_HZ : RATE_HZ + 400] += 0.5
    assert all(cut.speech is None for _, cut in cuts(samples, Rules()))
