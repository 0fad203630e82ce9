from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import RATE_HZ, find_speech, noise, sample_call, turns

from pipeline.asr.vad import (
    FRAME,
    BlockDetector,
    Rules,
    Span,
    frames_of,
    gate,
    levels_db,
    runs,
    spans_of,
    widen,
)

SHARES = st.lists(st.sampled_from([0.0, 0.2, 0.49, 0.5, 0.9, 1.0]), max_size=400)
RULES = st.builds(
    Rules,
    threshold=st.sampled_from([0.3, 0.5, 0.9]),
    hangover_ms=st.integers(1, 1_500),
    pad_ms=st.integers(0, 600),
    min_speech_ms=st.integers(0, 500),
    max_span_s=st.floats(0.01, 10.0),
)


@given(shares=SHARES, rules=RULES, missing=st.integers(0, FRAME - 1), seed=st.integers(0, 99))
def test_spans_are_sorted_disjoint_inside_the_audio_and_none_is_too_long(
    shares: list[float], rules: Rules, missing: int, seed: int
) -> None:
    levels = np.random.default_rng(seed).uniform(-80, 0, len(shares)).astype(np.float32)
    total = max(0, len(shares) * FRAME - missing)

    spans = spans_of(np.array(shares, np.float32), levels, total, rules)

    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= total for span in spans)
    assert all(span.end - span.start <= max(2 * FRAME, int(rules.max_span_s * RATE_HZ)) for span in spans)


@given(shares=SHARES)
def test_every_frame_of_speech_is_in_a_span_when_nothing_is_too_short(shares: list[float]) -> None:
    probabilities = np.array(shares, np.float32)
    spans = spans_of(probabilities, np.zeros(len(shares), np.float32), len(shares) * FRAME, Rules(min_speech_ms=0))
    inside = np.zeros(len(shares) * FRAME, np.bool_)
    for span in spans:
        inside[span.start : span.end] = True
    assert inside.reshape(-1, FRAME)[probabilities >= Rules().threshold].all()


@given(mask=st.lists(st.booleans(), max_size=60), before=st.integers(0, 9), after=st.integers(0, 9))
def test_widening_takes_in_exactly_the_neighbours(mask: list[bool], before: int, after: int) -> None:
    expected = [any(mask[max(0, at - after) : at + before + 1]) for at in range(len(mask))]
    assert widen(np.array(mask, np.bool_), before, after).tolist() == expected


def test_a_short_pause_is_spoken_through_and_a_long_one_parts() -> None:
    rules = Rules(hangover_ms=400, pad_ms=0)
    speech, short, long = [1.0] * 20, [0.0] * 10, [0.0] * 30
    shares = np.array([*speech, *short, *speech, *long, *speech], np.float32)
    spans = spans_of(shares, np.zeros(len(shares), np.float32), len(shares) * FRAME, rules)
    assert spans == (Span(0, 50 * FRAME), Span(80 * FRAME, 100 * FRAME))


def test_a_click_is_no_speech() -> None:
    shares = np.array([0.0] * 10 + [1.0] * 2 + [0.0] * 10, np.float32)
    assert spans_of(shares, np.zeros(22, np.float32), 22 * FRAME, Rules(min_speech_ms=90)) == ()


def test_speech_that_is_too_long_is_cut_where_it_is_quietest() -> None:
    levels = np.full(400, -20.0, np.float32)
    levels[199:202] = -60.0
    spans = spans_of(np.ones(400, np.float32), levels, 400 * FRAME, Rules(pad_ms=0, max_span_s=8.0))
    assert spans == (Span(0, 200 * FRAME + FRAME // 2), Span(200 * FRAME + FRAME // 2, 400 * FRAME))


def test_a_cut_leaves_no_crumb() -> None:
    longest = 20 * RATE_HZ
    frames = longest // FRAME + 2
    levels = np.linspace(0, -60, frames, dtype=np.float32)  # the quietest place is the very end
    spans = spans_of(np.ones(frames, np.float32), levels, frames * FRAME, Rules(pad_ms=0, max_span_s=20.0))
    assert min(span.end - span.start for span in spans) > longest // 5


def test_silence_and_line_noise_hold_no_speech() -> None:
    assert find_speech(np.zeros(5 * RATE_HZ, np.float32), Rules()) == ()
    assert find_speech(noise(5, -75), Rules()) == ()
    assert find_speech(noise(5, -35), Rules()) == ()
    assert find_speech(np.zeros(0, np.float32), Rules()) == ()


def test_the_detector_is_not_asked_about_silence() -> None:
    quiet = np.concatenate([noise(5, -75), noise(1, -20), noise(5, -75)])
    assert runs(gate(levels_db(frames_of(quiet)))) != []
    assert gate(levels_db(frames_of(quiet))).mean() < 0.2
    assert not gate(levels_db(frames_of(noise(5, -75)))).any()


@settings(max_examples=25)
@given(
    borders=st.lists(st.integers(0, 150), max_size=6).map(sorted),
    mask=st.lists(st.sampled_from([0, 0, 0, 1, 1, 1, 1, 1]), min_size=150, max_size=150),
)
def test_blocks_have_the_answers_of_the_whole_to_the_last_bit(borders: list[int], mask: list[int]) -> None:
    frames, asked = frames_of(sample_call()[0])[:150], np.array(mask, np.bool_)
    detector = BlockDetector()
    edges = pairwise([0, *borders, 150])
    found = [detector.hear(frames[start:end], asked[start:end]) for start, end in edges]
    assert np.array_equal(np.concatenate(found), BlockDetector().hear(frames, asked))


def test_speech_is_found_where_it_is_and_on_its_own_channel() -> None:
    for channel, samples in enumerate(sample_call()):
        said = [(turn["start_ms"], turn["end_ms"]) for turn in turns() if turn["channel"] == channel]
        spans = find_speech(samples, Rules())
        inside = np.zeros(len(samples) * 1_000 // RATE_HZ, np.bool_)
        for span in spans:
            inside[span.start * 1_000 // RATE_HZ : span.end * 1_000 // RATE_HZ] = True
        expected = np.zeros_like(inside)
        for start, end in said:
            expected[start:end] = True
        assert (inside & expected).sum() > 0.95 * expected.sum()
        assert (inside & ~expected).sum() < 0.1 * expected.sum()
