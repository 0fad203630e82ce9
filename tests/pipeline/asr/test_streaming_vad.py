import numpy as np
import pytest
from speech import RATE_HZ, noise, sample_call

from pipeline.asr.streaming_vad import Cut, Detector, Detectors, SpeechFinder
from pipeline.asr.vad import FRAME, Rules, find_speech
from pipeline.ports import Samples


class Counting(Detectors):
    """Silero's detectors, counted; how many are borrowed at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.made = self.borrowed = 0

    def borrow(self) -> Detector:
        self.borrowed += 1
        return super().borrow()

    def give_back(self, detector: Detector) -> None:
        self.borrowed -= 1
        super().give_back(detector)

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
    live = [(at + cut.start, cut.speech) for at, cut in cuts(samples, Rules()) if cut.speech is not None]
    batch = find_speech(samples, Rules())
    assert len(live) == len(batch)
    for (start, speech), span in zip(live, batch, strict=True):
        assert abs(start - span.start) <= 3 * FRAME
        assert abs(start + len(speech) - span.end) <= 3 * FRAME


def test_the_speech_of_a_cut_is_the_samples_as_they_came() -> None:
    samples = sample_call()[0, : 20 * RATE_HZ]
    for at, cut in cuts(samples, Rules(max_span_s=1.5)):
        if cut.speech is not None:
            assert np.array_equal(cut.speech, samples[at + cut.start : at + cut.start + len(cut.speech)])
            assert len(cut.speech) <= 1.5 * RATE_HZ


def test_a_detector_is_borrowed_only_while_it_is_loud() -> None:
    detectors = Counting()
    finder = SpeechFinder(Rules(), detectors)
    assert finder.feed(noise(1.5, -80)) is None
    assert (detectors.made, detectors.borrowed) == (0, 0)
    finder.feed(noise(0.1, -30))
    assert (detectors.made, detectors.borrowed) == (1, 1)
    cuts(sample_call()[0, : 20 * RATE_HZ], Rules(), detectors)
    assert (detectors.made, detectors.borrowed) == (2, 1)
    finder.finish()
    assert detectors.borrowed == 0


def test_steady_noise_becomes_the_line_and_is_not_asked_about_any_more() -> None:
    detectors = Counting()
    found = cuts(noise(12, -55), Rules(), detectors)
    assert all(cut.speech is None for _, cut in found)
    finder = SpeechFinder(Rules(), detectors, found[-1][1].noise_db)
    before = detectors.borrowed
    finder.feed(noise(1.0, -55, seed=1))
    assert detectors.borrowed == before


def test_a_click_is_no_speech() -> None:
    samples = noise(3, -80)
    samples[RATE_HZ : RATE_HZ + 400] += 0.5
    assert all(cut.speech is None for _, cut in cuts(samples, Rules()))
