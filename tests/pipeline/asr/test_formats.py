"""Every kind of file that telephone systems write, through ``decode``; and what their headers say."""

import io
import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.asr.decode import Limits, decode
from pipeline.asr.formats import is_audio_file, missing_bytes
from pipeline.errors import Poison
from pipeline.ports import Samples
from schemas.audio import RawFormat

RATE_HZ = 16_000
LIMITS = Limits(max_duration_s=60)
SECONDS = 1.5


def talk(rate: int) -> Samples:
    """Two channels that tell apart: tones of a low and a high voice that swell and fall, 1.5 s."""
    time = np.arange(int(rate * SECONDS)) / rate
    low = np.sin(2 * np.pi * (180 * time + 40 * time**2)) * (0.25 + 0.2 * np.sin(2 * np.pi * 3 * time))
    high = np.sin(2 * np.pi * (900 * time - 150 * time**2)) * (0.25 + 0.2 * np.cos(2 * np.pi * 2 * time))
    return np.stack([low, high], axis=1).astype(np.float32)


def likeness(found: Samples, meant: Samples) -> float:
    """The highest normalised cross-correlation at a shift of up to 100 ms, which encoders add."""
    length = max(len(found), len(meant)) * 2
    product = np.fft.irfft(np.fft.rfft(found, length) * np.conj(np.fft.rfft(meant, length)), length)
    shift = RATE_HZ // 10
    scale = np.linalg.norm(found) * np.linalg.norm(meant)
    return float(max(product[:shift].max(), product[-shift:].max()) / scale)


def ffmpeg(*words: str | Path) -> None:
    program = shutil.which("ffmpeg")
    assert program is not None, "install ffmpeg: M4A, AMR and others are read by it"
    subprocess.run([program, "-v", "error", "-nostdin", "-y", *words], check=True)


def check(path: Path, channels: int = 2, least: float = 0.9, raw: RawFormat | None = None) -> None:
    audio = decode(path, sample_rate_hz=RATE_HZ, limits=LIMITS, raw=raw)
    assert (audio.channels, audio.sample_rate_hz) == (channels, RATE_HZ)
    assert abs(audio.duration_ms - 1_000 * SECONDS) < 160  # lossy codecs pad
    meant = talk(RATE_HZ).T if channels == 2 else talk(RATE_HZ).mean(axis=1)[np.newaxis]
    for found, wanted in zip(audio.samples, meant, strict=True):
        assert likeness(found, wanted) > least
    if channels == 2:
        assert likeness(audio.samples[0], meant[1]) < 0.5


def with_known_header(path: Path) -> bool:
    return is_audio_file(path.read_bytes()[:64])


@pytest.mark.parametrize(
    ("form", "subtype", "rate"),
    [
        *((("WAV", kind, 8_000)) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
        *((("WAV", kind, 8_000)) for kind in ("ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM")),
        *((("WAV", "PCM_16", rate)) for rate in (6_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000)),
        *((("WAVEX", kind, 16_000)) for kind in ("PCM_16", "FLOAT", "ALAW")),
        *((("RF64", kind, 8_000)) for kind in ("PCM_16", "PCM_24", "ULAW")),
        *((("W64", kind, 8_000)) for kind in ("PCM_16", "FLOAT", "ALAW")),
        *((("AIFF", kind, 8_000)) for kind in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW")),
        *((("AU", kind, 8_000)) for kind in ("PCM_16", "FLOAT", "ALAW", "ULAW")),
        *((("CAF", kind, 8_000)) for kind in ("PCM_16", "ALAC_16", "ULAW")),
        *((("FLAC", kind, 8_000)) for kind in ("PCM_S8", "PCM_16", "PCM_24")),
        *((("OGG", "VORBIS", rate)) for rate in (8_000, 44_100)),
        *((("OGG", "OPUS", rate)) for rate in (8_000, 16_000, 48_000)),
        *((("MP3", "MPEG_LAYER_III", rate)) for rate in (8_000, 16_000, 44_100)),
    ],
)
def test_a_format_of_libsndfile_keeps_rate_length_channels_and_sound(
    tmp_path: Path, form: str, subtype: str, rate: int
) -> None:
    path = tmp_path / "call"
    soundfile.write(path, talk(rate), rate, format=form, subtype=subtype)
    assert with_known_header(path)
    check(path, least=0.85 if subtype == "OPUS" or rate == 6_000 else 0.95)


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("m4a", ("-c:a", "aac")),
        ("m4a", ("-c:a", "aac", "-movflags", "+faststart")),
        ("m4a", ("-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov")),
        ("m4a", ("-c:a", "alac")),
        ("mp4", ("-c:a", "aac", "-ar", "44100")),
        ("3gp", ("-c:a", "aac")),
        ("aac", ("-c:a", "aac")),
        ("webm", ("-c:a", "libopus")),
        ("mka", ("-c:a", "libvorbis")),
        ("wma", ("-c:a", "wmav2", "-ar", "22050")),
        ("ac3", ("-c:a", "ac3", "-ar", "48000")),
        ("wav", ("-c:a", "libmp3lame")),
        ("wav", ("-c:a", "adpcm_ima_wav")),
        ("oga", ("-c:a", "flac")),
        ("opus", ("-c:a", "libopus", "-b:a", "24k")),
        ("mp3", ("-c:a", "libmp3lame", "-id3v2_version", "0", "-write_xing", "0")),
        ("caf", ("-c:a", "pcm_s16le")),
    ],
)
def test_a_format_of_ffmpeg_keeps_rate_length_channels_and_sound(
    tmp_path: Path, suffix: str, words: tuple[str, ...]
) -> None:
    soundfile.write(tmp_path / "call.wav", talk(16_000), 16_000)
    made = tmp_path / f"made.{suffix}"
    ffmpeg("-i", tmp_path / "call.wav", *words, made)
    check(made, least=0.8)


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("wav", ("-c:a", "g726", "-b:a", "32k", "-ar", "8000")),
        ("gsm", ("-c:a", "libgsm", "-ar", "8000")),
        ("wav", ("-c:a", "libgsm_ms", "-ar", "8000")),
    ],
)
def test_a_codec_of_one_channel_keeps_rate_length_and_sound(
    tmp_path: Path, suffix: str, words: tuple[str, ...]
) -> None:
    soundfile.write(tmp_path / "call.wav", talk(8_000), 8_000)
    ffmpeg("-i", tmp_path / "call.wav", "-ac", "1", *words, tmp_path / f"made.{suffix}")
    check(tmp_path / f"made.{suffix}", channels=1, least=0.8)


@pytest.mark.parametrize(
    ("content", "rate"), [(b"#!AMR\n" + (b"\x3c" + bytes(31)) * 75, 8_000), (b"#!AMR-WB\n" + (b"\x7c") * 75, 16_000)]
)
def test_amr_is_read_by_ffmpeg(tmp_path: Path, content: bytes, rate: int) -> None:
    # No free encoder is at hand: 75 frames of 20 ms, of zero bits or said to hold nothing.
    (tmp_path / "call.amr").write_bytes(content)
    audio = decode(tmp_path / "call.amr", sample_rate_hz=RATE_HZ, limits=LIMITS)
    assert (audio.channels, audio.duration_ms) == (1, 1_500)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100])
@pytest.mark.parametrize(
    ("encoding", "subtype", "endian"),
    [("L16", "PCM_16", "BIG"), ("L16", "PCM_16", "LITTLE"), ("PCMU", "ULAW", "FILE"), ("PCMA", "ALAW", "FILE")],
)
def test_raw_audio_is_read_at_the_declared_rate(
    tmp_path: Path, encoding: str, subtype: str, endian: str, rate: int
) -> None:
    soundfile.write(tmp_path / "call.raw", talk(rate), rate, format="RAW", subtype=subtype, endian=endian)
    raw = RawFormat.model_validate({"encoding": encoding, "sample_rate_hz": rate, "channels": 2})
    check(tmp_path / "call.raw", least=0.98, raw=raw)


@pytest.mark.parametrize(
    "start",
    [
        *(b"", b"R", b"RIFF", b"RIFF\0\0\0\0AVI LIST", b"FORM\0\0\0\x108SVX", b"Creative Voice File", b"NIST_1A\n"),
        *(
            b"MATLAB 5.0 MAT-file",
            b" paf",
            b"#EXTM3U\n",
            b"ffconcat version 1.0\n",
            b"\xff\xff\xff\xff",
            b"\xff\xfe<\0",
        ),
        *(b"PK\3\4", b"%PDF-1.7", b"<html>", b"2BIT", b"\x7fELF"),
    ],
)
def test_other_kinds_of_files_are_no_audio_files(start: bytes) -> None:
    assert not is_audio_file(start + bytes(64) if start else start)


def whole(path: Path) -> int:
    with path.open("rb") as file:
        return missing_bytes(file, path.stat().st_size)


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_file_that_is_cut_off_lacks_what_was_cut(tmp_path: Path, form: str) -> None:
    path = tmp_path / "call"
    soundfile.write(path, talk(8_000), 8_000, format=form, subtype="PCM_16")
    assert whole(path) == 0
    path.write_bytes(path.read_bytes()[:-10_000])
    assert whole(path) == 10_000


@pytest.mark.parametrize("words", [(), ("-movflags", "+faststart"), ("-movflags", "+frag_keyframe+empty_moov")])
def test_an_m4a_that_is_cut_off_lacks_what_was_cut(tmp_path: Path, words: tuple[str, ...]) -> None:
    soundfile.write(tmp_path / "call.wav", talk(16_000), 16_000)
    path = tmp_path / "call.m4a"
    ffmpeg("-i", tmp_path / "call.wav", "-c:a", "aac", *words, path)
    assert whole(path) == 0
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert whole(path) > 1_000


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF - 36])
def test_a_size_that_the_writer_did_not_know_is_none(size: int) -> None:
    # A header written before a call, when nobody knows how long it will be.
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    data = b"RIFF\xff\xff\xff\xffWAVEfmt " + form + b"data" + struct.pack("<I", size) + bytes(3_200)
    assert missing_bytes(io.BytesIO(data), len(data)) == 0


@pytest.mark.parametrize(("form", "lost"), [("WAV", 44), ("WAV", 20_000), ("RF64", 20_000), ("CAF", 20_000)])
def test_a_recording_that_is_cut_off_is_refused_and_one_whose_header_is_slightly_wrong_is_not(
    tmp_path: Path, form: str, lost: int
) -> None:
    path = tmp_path / "call"
    soundfile.write(path, talk(8_000), 8_000, format=form, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-lost])
    if lost < 100:
        check(path)
    else:
        with pytest.raises(Poison, match="fewer than its header says"):
            check(path)


@given(
    start=st.sampled_from(
        [
            *(b"RIFF\0\0\0\0WAVE", b"RF64\xff\xff\xff\xffWAVEds64", b"RIFX\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b".snd"),
            *(b"caff\0\1\0\0", b"\0\0\0\x08ftyp", b"\0\0\0\x10ftypM4A \0\0\0\x08", b"\xff\xfb\x90\x00"),
            b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00" + bytes(24),
        ]
    ),
    rest=st.binary(max_size=300),
)
@example(start=b"\0\0\0\x10ftypM4A \0\0\0\0", rest=struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1))
@example(start=b"caff\0\1\0\0", rest=struct.pack(">4sq", b"free", 1 << 61))
@example(start=b"RIFF\0\0\0\0WAVE", rest=b"junk\0\0\0\0" * 30)
def test_any_bytes_after_a_header_give_a_number(start: bytes, rest: bytes) -> None:
    data = start + rest
    with TemporaryFile() as file:  # file systems refuse places that memory takes
        file.write(data)
        assert missing_bytes(file, len(data)) >= 0
    assert isinstance(is_audio_file(data), bool)
