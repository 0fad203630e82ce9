"""How detectors are judged, and that the material they are judged by is what it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.asr_recordings import sample_calls
from benchmarks.asr_vad import Judgement, judged
from benchmarks.asr_vad_material import Material, of_calls, of_sounds
from pipeline.asr.vad import FRAME, frames_of, gate, levels_db


def material(speech: list[int], silent: list[int]) -> Material:
    return Material(np.zeros(len(speech) * FRAME, np.float32), np.array(speech, np.bool_), np.array(silent, np.bool_))


def test_a_frame_is_missed_or_false_only_where_it_is_known() -> None:
    it = material([1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1])
    found = judged([it], [np.array([0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1], np.float32)])
    assert found.missed == pytest.approx(1 / 4)
    assert found.false == pytest.approx(1 / 3)


def test_spans_speak_through_a_pause_and_reach_a_little_further() -> None:
    it = material([1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1])
    found = judged([it], [np.array([0.9, 0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1], np.float32)])
    assert found.missed_by_spans == 0
    assert found.false_by_spans == pytest.approx(1 / 2)  # 60 ms of padding reach over most of the next frame but one


def test_a_detector_that_says_nothing_misses_everything() -> None:
    it = material([1, 1, 0, 0], [0, 0, 1, 1])
    assert judged([it], [np.zeros(4, np.float32)]) == Judgement(1.0, 0.0, 1.0, 0.0)


def test_sample_calls_are_speech_for_a_part_of_each_channel_and_no_frame_is_both() -> None:
    found = of_calls(sample_calls()[:1])
    assert len(found) == 2
    for it in found:
        assert 0.1 < it.speech.mean() < 0.8
        assert it.silent.any()
        assert not (it.speech & it.silent).any()
        assert len(frames_of(it.samples)) == len(it.speech)


def test_sounds_are_loud_enough_to_be_asked_about_and_hold_no_speech() -> None:
    sounds = of_sounds()
    assert not any(it.speech.any() for it in sounds)
    assert all(np.isfinite(it.samples).all() for it in sounds)
    assert sum(gate(levels_db(frames_of(it.samples))).any() for it in sounds) >= len(sounds) - 1
