from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.asr.channels import ChannelState, ChannelSurvey
from pipeline.ports import Samples

RATE_HZ = 16_000
OK = ChannelState(0, "ok")


def talk(seed: int, *, seconds: float = 30.0, share: float = 0.5) -> Samples:
    """Somebody who speaks now and then: noise of a voice's band, of changing loudness, in stretches of one to 3 s."""
    chance = np.random.default_rng(seed)
    frames = int(seconds * RATE_HZ)
    voice = np.convolve(chance.standard_normal(frames), np.hanning(24), mode="same")
    swell = np.repeat(0.3 + chance.random(frames // 1_600 + 1), 1_600)[:frames]
    speaks = np.zeros(frames)
    at = 0
    while at < frames:
        length = int(RATE_HZ * (1 + 2 * chance.random()))
        speaks[at : at + length] = 1.0
        at += length + int(length * (1 - share) / share)
    ramps = np.convolve(speaks, np.hanning(3_200) / 1_600, mode="same")
    return np.asarray(0.05 * voice * ramps * swell, dtype=np.float32)


def noise(seed: int, frames: int, level: float) -> Samples:
    return np.asarray(level * np.random.default_rng(seed).standard_normal(frames), dtype=np.float32)


def surveyed(*channels: Samples, block: int = 30_000) -> tuple[ChannelState, ...]:
    samples = np.stack(channels)
    survey = ChannelSurvey(len(channels), RATE_HZ)
    for start in range(0, samples.shape[1], block):
        survey.add(samples[:, start : start + block])
    return survey.result()


def test_two_people_on_two_channels_are_both_heard() -> None:
    assert surveyed(talk(1), talk(2)) == (OK, ChannelState(1, "ok"))


def test_the_same_talk_on_both_channels_is_heard_once() -> None:
    both = talk(1) + talk(2)
    assert surveyed(both, both) == (OK, ChannelState(1, "duplicate", same_as=0))


@pytest.mark.parametrize("gain", [0.1, 0.5, 2.0, -1.0])
def test_a_copy_may_be_louder_fainter_inverted_later_and_noisy(gain: float) -> None:
    both = talk(1) + talk(2)
    copy = np.float32(gain) * np.roll(both, 160) + noise(3, len(both), 0.0004)
    assert surveyed(both, copy)[1] == ChannelState(1, "duplicate", same_as=0)


@pytest.mark.parametrize("leak", [0.03, 0.1, 0.25])
def test_people_who_hear_each_other_through_the_room_are_both_heard(leak: float) -> None:
    agent, customer = talk(1), talk(2)
    states = surveyed(agent + np.float32(leak) * customer, customer + np.float32(leak) * agent)
    assert [it.state for it in states] == ["ok", "ok"]


def test_somebody_who_says_little_into_the_others_echo_is_heard() -> None:
    agent, customer = talk(1, seconds=120, share=0.9), talk(2, seconds=120, share=0.03)
    states = surveyed(agent, customer + np.float32(0.05) * agent)
    assert [it.state for it in states] == ["ok", "ok"]


def test_a_channel_without_a_signal_is_dead() -> None:
    silence = noise(3, len(talk(1)), 0.0002) + np.float32(0.02)  # direct current is no signal
    assert surveyed(talk(1), silence) == (OK, ChannelState(1, "dead"))


def test_a_recording_of_silence_is_dead_and_repeats_nothing() -> None:
    silence = np.zeros(RATE_HZ, dtype=np.float32)
    assert [it.state for it in surveyed(silence, silence)] == ["dead", "dead"]


def test_of_many_channels_each_copy_names_its_original() -> None:
    agent, customer = talk(1), talk(2)
    states = surveyed(agent, customer, customer * np.float32(0.5), np.zeros_like(agent), agent)
    assert [(it.state, it.same_as) for it in states] == [
        ("ok", None),
        ("ok", None),
        ("duplicate", 1),
        ("dead", None),
        ("duplicate", 0),
    ]


def test_one_sound_is_not_enough_to_call_a_channel_a_copy() -> None:
    beep = np.zeros(RATE_HZ, dtype=np.float32)
    beep[1_000:3_000] = 0.3
    assert [it.state for it in surveyed(beep, beep)] == ["ok", "ok"]


@settings(max_examples=15)
@given(st.integers(1, 40_000))
def test_how_the_audio_is_cut_into_blocks_changes_nothing(block: int) -> None:
    both = talk(1, seconds=6)
    expected = surveyed(both, both, talk(2, seconds=6), block=len(both))
    assert surveyed(both, both, talk(2, seconds=6), block=max(block, 500)) == expected


def test_a_long_recording_is_surveyed_in_little_memory() -> None:
    """A pair's windows, if all were kept, would take 6,000 x 200 bytes."""
    tracemalloc.start()
    piece = np.stack((talk(1, seconds=10), talk(2, seconds=10)))
    survey, (before, _) = ChannelSurvey(2, RATE_HZ), tracemalloc.get_traced_memory()
    for _ in range(300):  # 50 minutes
        survey.add(piece)
    assert [it.state for it in survey.result()] == ["ok", "ok"]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 600_000


def test_a_rate_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="44100 Hz is no multiple of 8000 Hz"):
        ChannelSurvey(2, 44_100)
