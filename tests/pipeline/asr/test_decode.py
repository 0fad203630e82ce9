import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.asr.decode import Audio, Limits, decode, resample
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import Extent, RawFormat

RATE_HZ = 16_000
LIMITS = Limits(max_duration_s=60)


def tone(hz: float, rate: int = 8_000, seconds: float = 1.0) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def two_tones(rate: int = 8_000) -> Samples:
    return np.stack([tone(300, rate), tone(1_000, rate)], axis=1)


def pitch(samples: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples))


def wav_header(*, channels: int = 1, data_bytes: int = 3_200) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, channels, 8_000, 16_000 * channels, 2 * channels, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + data_bytes & 0xFFFFFFFF)
        + b"WAVEfmt "
        + form
        + b"data"
        + struct.pack("<I", data_bytes)
    )


def read(path: Path, **how: Any) -> Audio:
    return decode(path, sample_rate_hz=RATE_HZ, **{"limits": LIMITS, **how})


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [
        ("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"),
        ("wav", "ALAW"), ("wav", "ULAW"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III"),
    ],
)  # fmt: skip
def test_every_format_keeps_its_channels_apart_and_its_length(tmp_path: Path, suffix: str, subtype: str) -> None:
    path = tmp_path / f"call.{suffix}"
    soundfile.write(path, two_tones(), 8_000, subtype=subtype)
    audio = read(path)
    assert audio.samples.shape[0] == 2
    assert audio.samples.dtype == np.float32
    assert audio.sample_rate_hz == RATE_HZ
    assert abs(audio.duration_ms - 1_000) < 150  # MP3 pads
    assert [round(pitch(channel[:RATE_HZ]), -2) for channel in audio.samples] == [300, 1_000]


def test_m4a_is_read_by_ffmpeg(tmp_path: Path) -> None:
    program = shutil.which("ffmpeg")
    assert program is not None, "install ffmpeg: M4A is read by it"
    soundfile.write(tmp_path / "call.wav", two_tones(), 8_000)
    subprocess.run([program, "-v", "error", "-i", tmp_path / "call.wav", tmp_path / "call.m4a"], check=True)
    audio = read(tmp_path / "call.m4a")
    assert audio.channels == 2
    assert round(pitch(audio.samples[1][:RATE_HZ]), -2) == 1_000


@pytest.mark.parametrize(
    ("encoding", "subtype", "endian"),
    [("L16", "PCM_16", "BIG"), ("L16", "PCM_16", "LITTLE"), ("PCMU", "ULAW", "FILE"), ("PCMA", "ALAW", "FILE")],
)
def test_raw_audio_is_read_as_declared_in_either_byte_order(
    tmp_path: Path, encoding: str, subtype: str, endian: str
) -> None:
    path = tmp_path / "call.raw"
    soundfile.write(path, two_tones(), 8_000, format="RAW", subtype=subtype, endian=endian)
    raw = RawFormat.model_validate({"encoding": encoding, "sample_rate_hz": 8_000, "channels": 2})
    audio = read(path, raw=raw)
    assert audio.duration_ms == 1_000
    assert [round(pitch(channel)) for channel in audio.samples] == [300, 1_000]


def test_a_raw_format_for_a_file_with_a_header_is_poison(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(300), 8_000)
    raw = RawFormat.model_validate({"encoding": "PCMU", "sample_rate_hz": 8_000, "channels": 1})
    with pytest.raises(Poison, match="has a header of its own"):
        read(tmp_path / "a.wav", raw=raw)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty: 0 bytes"),
        (b"this is no audio, it is a letter. " * 40, "no audio that can be read"),
        (wav_header()[:20], "no audio that can be read"),
        (wav_header(channels=0) + b"\1\0" * 1_600, "Channel count is zero"),
        (wav_header(), "has a header and no samples"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no audio that can be read"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "no audio that can be read"),
    ],
    ids=["empty", "letter", "cut-off header", "zero channels", "no samples", "playlist", "concat"],
)
def test_what_is_no_audio_is_poison_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "call.wav").write_bytes(content)
    with pytest.raises(Poison, match=reason):
        read(tmp_path / "call.wav")


def test_a_header_that_promises_more_than_there_is_is_poison(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(wav_header(data_bytes=320_000) + b"\1\0" * 1_600)
    with pytest.raises(Poison, match="316800 fewer than its header says"):
        read(tmp_path / "call.wav")


def test_a_header_that_could_not_know_the_length_gives_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(wav_header(data_bytes=0xFFFFFFF0) + b"\1\0" * 1_600)
    assert read(tmp_path / "call.wav").duration_ms == 200


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_a_recording_that_is_too_long_is_poison(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / "call.wav", tone(300, seconds=4), 8_000)
    if suffix == "m4a":
        program = shutil.which("ffmpeg") or "ffmpeg"
        subprocess.run([program, "-v", "error", "-i", tmp_path / "call.wav", tmp_path / "call.m4a"], check=True)
    with pytest.raises(Poison, match="longer than the 2 s of CONVMINE_AUDIO_MAX_DURATION_S"):
        read(tmp_path / f"call.{suffix}", limits=Limits(max_duration_s=2))


def test_too_many_channels_are_poison(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 40), np.float32), 8_000)
    with pytest.raises(Poison, match="40 channels"):
        read(tmp_path / "a.wav")


def test_samples_that_are_no_numbers_do_not_spread(tmp_path: Path) -> None:
    samples = tone(300)
    samples[100:103] = [np.nan, np.inf, -np.inf]
    soundfile.write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")
    audio = read(tmp_path / "a.wav")
    assert np.isfinite(audio.samples).all()


def test_without_ffmpeg_the_reason_says_that_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x1cftypM4A " + os.urandom(200))
    with pytest.raises(Poison, match="ffmpeg is not installed"):
        read(tmp_path / "a.m4a")


def test_a_conversion_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "ffmpeg"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.m4a").write_bytes(b"something")
    with pytest.raises(Poison, match="more than 0 s"):
        read(tmp_path / "a.m4a", limits=Limits(60, convert_s=0.2))


def test_resampling_keeps_pitch_and_length() -> None:
    twice = resample(tone(300), 8_000, RATE_HZ)
    assert len(twice) == RATE_HZ
    assert round(pitch(twice)) == 300


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "m4a", "raw"])
def test_an_extent_is_what_a_slice_of_the_whole_would_be(tmp_path: Path, suffix: str) -> None:
    sweep = (0.5 * np.sin(2 * np.pi * 400 * np.arange(6 * 8_000) ** 2 / 6 / 8_000**2)).astype(np.float32)
    path = tmp_path / f"call.{suffix}"
    raw = None
    if suffix == "raw":
        soundfile.write(path, sweep, 8_000, format="RAW", subtype="ULAW", endian="FILE")
        raw = RawFormat.model_validate({"encoding": "PCMU", "sample_rate_hz": 8_000, "channels": 1})
    elif suffix == "m4a":
        soundfile.write(tmp_path / "call.wav", sweep, 8_000)
        program = shutil.which("ffmpeg") or "ffmpeg"
        subprocess.run([program, "-v", "error", "-i", tmp_path / "call.wav", path], check=True)
    else:
        soundfile.write(path, sweep, 8_000)
    extent = Extent(start_ms=2_500, end_ms=4_100)

    whole = read(path, raw=raw)
    part = read(path, raw=raw, extent=extent, limits=Limits(max_duration_s=2))

    assert part.duration_ms == 1_600
    expected = whole.samples[0, 2_500 * 16 : 4_100 * 16]
    assert np.corrcoef(part.samples[0], expected)[0, 1] > 0.97


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_an_extent_ends_where_the_recording_does_and_one_after_it_is_poison(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / "call.wav", tone(300, seconds=2), 8_000)
    if suffix == "m4a":
        program = shutil.which("ffmpeg") or "ffmpeg"
        subprocess.run([program, "-v", "error", "-i", tmp_path / "call.wav", tmp_path / "call.m4a"], check=True)
    path = tmp_path / f"call.{suffix}"
    assert abs(read(path, extent=Extent(start_ms=1_500, end_ms=9_000)).duration_ms - 500) < 150  # M4A pads
    with pytest.raises(Poison, match=r"ends before 30\.0 s"):
        read(path, extent=Extent(start_ms=30_000, end_ms=31_000))


def test_an_extent_that_is_too_long_is_poison(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", tone(300, seconds=4), 8_000)
    with pytest.raises(Poison, match="longer than the 2 s"):
        read(tmp_path / "call.wav", extent=Extent(start_ms=500, end_ms=3_500), limits=Limits(max_duration_s=2))
