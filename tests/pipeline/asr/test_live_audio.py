import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from speech import RATE_HZ, noise, sample_call

from pipeline.asr.live_audio import RATES_HZ, Resampler, check_body, clear_byte_order, samples_of
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import RawFormat


def raw(encoding: str, channels: int = 1, rate_hz: int = 8_000) -> RawFormat:
    return RawFormat.model_validate({"encoding": encoding, "sample_rate_hz": rate_hz, "channels": channels})


def resampled(samples: Samples, rate_hz: int, cuts: list[int]) -> Samples:
    resampler = Resampler(rate_hz)
    return np.concatenate([*map(resampler.feed, np.split(samples, sorted(cuts))), resampler.finish()])


@given(
    rate_hz=st.sampled_from(RATES_HZ), cuts=st.lists(st.integers(0, 4_000), max_size=8), length=st.integers(0, 4_000)
)
def test_the_result_is_the_same_to_the_bit_however_the_input_is_cut(rate_hz: int, cuts: list[int], length: int) -> None:
    samples = noise(0.25, -10, seed=length)[:length]
    assert np.array_equal(resampled(samples, rate_hz, cuts), resampled(samples, rate_hz, []))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_of_the_telephone_band_stays_as_it_is_and_takes_as_long(rate_hz: int) -> None:
    def tone(rate: int) -> Samples:
        at = np.arange(rate) / rate
        return (0.4 * np.sin(2 * np.pi * 300 * at) + 0.4 * np.sin(2 * np.pi * 3_300 * at)).astype(np.float32)

    result = resampled(tone(rate_hz), rate_hz, [])
    assert len(result) == RATE_HZ
    assert np.abs(result - tone(RATE_HZ))[200:-200].max() < 1e-3


def test_what_is_above_the_band_does_not_come_back_below_it() -> None:
    at = np.arange(48_000) / 48_000
    high = (0.5 * np.sin(2 * np.pi * 11_000 * at)).astype(np.float32)
    assert np.abs(resampled(high, 48_000, [])[200:-200]).max() < 1e-3


@pytest.mark.parametrize(("encoding", "subtype"), [("PCMU", "ULAW"), ("PCMA", "ALAW")])
def test_every_companded_byte_is_read_as_libsndfile_reads_it(encoding: str, subtype: str) -> None:
    body = bytes(range(256))
    expected, _ = soundfile.read(
        io.BytesIO(body), format="RAW", subtype=subtype, samplerate=8_000, channels=1, dtype="float32"
    )
    assert np.array_equal(samples_of(body, raw(encoding), None)[0], expected)


@pytest.mark.parametrize(("order", "dtype"), [("BIG", ">i2"), ("LITTLE", "<i2")])
def test_channels_are_kept_apart_in_either_order_of_bytes(order: str, dtype: str) -> None:
    pcm = np.array([[1, -2], [3, -4], [32_767, -32_768]], dtype)
    samples = samples_of(pcm.tobytes(), raw("L16", 2), "BIG" if order == "BIG" else "LITTLE")
    assert np.array_equal(samples * 32_768, pcm.T)


@pytest.mark.parametrize(("order", "dtype"), [("BIG", ">i2"), ("LITTLE", "<i2")])
def test_the_order_of_bytes_is_clear_in_speech_and_in_the_noise_of_a_line(order: str, dtype: str) -> None:
    for samples in (sample_call()[:, RATE_HZ : 2 * RATE_HZ], noise(0.2, -70).reshape(2, -1)):
        assert clear_byte_order((samples.T * 32_767).astype(dtype).tobytes(), 2) == order


def test_the_order_of_bytes_is_open_in_silence_and_in_loud_noise() -> None:
    assert clear_byte_order(bytes(640), 2) is None
    assert clear_byte_order((noise(0.2, -10) * 32_767).astype("<i2").tobytes(), 1) is None


@pytest.mark.parametrize(
    ("body", "format_", "reason"),
    [
        (b"", raw("PCMU"), "no audio"),
        (b"123", raw("L16"), "3 bytes, which is no whole number of frames: a frame of L16 with 1 channels has 2"),
        (b"123", raw("PCMA", 2), "no whole number"),
        (b"1234", raw("L16", 1, 44_100), "44100 Hz; live audio is read at 8000, 16000, 24000, 32000, 48000 Hz"),
    ],
)
def test_audio_that_cannot_be_read_is_refused(body: bytes, format_: RawFormat, reason: str) -> None:
    with pytest.raises(Poison, match=reason):
        check_body(body, format_)
