"""Small files that claim or hold very much: refused or bounded, with little memory and time."""

from __future__ import annotations

import gzip
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from decoding import Decoder

TOO_LONG = "poison the recording is longer than the 20 s"
LITTLE_BYTES = 250_000_000
LITTLE_S = 8.0
RATE_HZ = 8_000


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    it = Decoder()
    yield it
    it.close()


def wave(*, channels: int = 1, rate: int = RATE_HZ, data_bytes: int = 16_000, form: int = 1) -> bytes:
    """A WAV file of a second, whose header says what it is told."""
    frame = 2 * channels & 0xFFFF
    fmt = struct.pack("<IHHIIHH", 16, form, channels, rate, rate * frame & 0xFFFFFFFF, frame, 16)
    head = b"RIFF" + struct.pack("<I", 36 + data_bytes & 0xFFFFFFFF) + b"WAVEfmt " + fmt
    return head + b"data" + struct.pack("<I", data_bytes) + tone()


def tone() -> bytes:
    time = np.arange(RATE_HZ) / RATE_HZ
    return bytes((8_000 * np.sin(2 * np.pi * 300 * time)).astype("<i2").tobytes())


def written(form: str, subtype: str, seconds: float) -> bytes:
    """Silence, which packs best of all."""
    buffer = BytesIO()
    with soundfile.SoundFile(buffer, "w", RATE_HZ, 2, subtype=subtype, format=form) as file:
        block = np.zeros((RATE_HZ * 10, 2), np.float32)
        for _ in range(int(seconds / 10)):
            file.write(block)
        file.write(block[: int(seconds % 10 * RATE_HZ)])
    return buffer.getvalue()


def flac_of_an_hour() -> bytes:
    return written("FLAC", "PCM_16", 3_600)


def vorbis_of_minutes() -> bytes:
    return written("OGG", "VORBIS", 300)


def mp3_of_an_hour() -> bytes:
    # A frame of silence, 72 ms at 8 kHz, again and again.
    frame = b"\xff\xe3\x18\xc4" + bytes(68)
    return frame * (3_600 * 1_000 // 72)


def m4a_of_minutes() -> bytes:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "900"]
    command += ["-c:a", "aac", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def amr_of_half_an_hour() -> bytes:
    # Frames of 20 ms without data, a byte each, between two of speech.
    return b"#!AMR\n" + b"\x3c" + bytes(31) + b"\x7c" * 90_000 + b"\x3c" + bytes(31)


@pytest.mark.parametrize(
    "make", [flac_of_an_hour, vorbis_of_minutes, mp3_of_an_hour, m4a_of_minutes, amr_of_half_an_hour]
)
def test_much_in_a_small_file_is_refused_after_as_much_as_is_allowed(
    decoder: Decoder, tmp_path: Path, make: Callable[[], bytes]
) -> None:
    content = make()
    assert len(content) < 5_000_000
    (tmp_path / "bomb").write_bytes(content)
    answer = decoder.answer(tmp_path / "bomb")
    assert answer.said.startswith(TOO_LONG)
    assert answer.seconds < LITTLE_S
    assert answer.peak_bytes < LITTLE_BYTES


def flac_claiming(frames: int) -> bytes:
    """A second of FLAC whose header claims so many samples, of 36 bits."""
    content = bytearray(written("FLAC", "PCM_16", 1))
    packed = int.from_bytes(content[18:26], "big")
    content[18:26] = (packed >> 36 << 36 | frames).to_bytes(8, "big")
    return bytes(content)


def flac_with_rate(rate: int) -> bytes:
    content = bytearray(written("FLAC", "PCM_16", 1))
    content[18:21] = (rate << 4 | content[20] & 0xF).to_bytes(3, "big")
    return bytes(content)


def ogg_claiming(frames: int) -> bytes:
    """A second of Vorbis whose last page claims so many samples; the sum of the page is wrong, then."""
    content = bytearray(written("OGG", "VORBIS", 1))
    last = content.rindex(b"OggS")
    content[last + 6 : last + 14] = struct.pack("<Q", frames)
    return bytes(content)


def wave64_claiming(size: int) -> bytes:
    content = bytearray(written("W64", "PCM_16", 1))
    at = content.index(b"data\xf3\xac")
    content[at + 16 : at + 24] = struct.pack("<Q", size)
    return bytes(content)


def rf64_claiming(size: int) -> bytes:
    content = bytearray(written("RF64", "PCM_16", 1))
    content[:4], content[28:36] = b"RF64", struct.pack("<Q", size)
    return bytes(content)


def aiff_with_rate(rate: bytes) -> bytes:
    content = bytearray(written("AIFF", "PCM_16", 1))
    at = content.index(b"COMM")
    content[at + 16 : at + 26] = rate
    return bytes(content)


def caf_claiming(size: int) -> bytes:
    content = bytearray(written("CAF", "PCM_16", 1))
    at = content.index(b"data")
    content[at + 4 : at + 12] = struct.pack(">q", size)
    return bytes(content)


def mp3_claiming(frames: int) -> bytes:
    content = bytearray(written("MP3", "MPEG_LAYER_III", 1))
    at = max(content.find(b"Xing"), content.find(b"Info"))
    assert at > 0
    content[at + 8 : at + 12] = struct.pack(">I", frames)
    return bytes(content)


def id3_claiming() -> bytes:
    return b"ID3\4\0\0\x7f\x7f\x7f\x7f" + written("MP3", "MPEG_LAYER_III", 1)


def m4a_claiming(box: bytes, at: int, value: int) -> bytes:
    """An M4A of a second with another number in one of its tables."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "s16le", "-ar", "8000", "-i", "-", "-c:a", "aac"]
    command += ["-f", "mp4", "-movflags", "+frag_keyframe+empty_moov", "-"]
    content = bytearray(subprocess.run(command, check=True, capture_output=True, input=tone()).stdout)
    place = content.index(box) + 4 + at
    content[place : place + 4] = struct.pack(">I", value)
    return bytes(content)


def zipped() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("call.wav", wave()[:44] + bytes(50_000_000))
    return buffer.getvalue()


CLAIMS: dict[str, Callable[[], bytes]] = {
    "wav of ten hours": lambda: wave(data_bytes=10 * 3_600 * 16_000),
    "wav of 4 GiB": lambda: wave(data_bytes=0xFFFFFFF0),
    "wav of 65,535 channels": lambda: wave(channels=65_535),
    "wav of 1,024 channels": lambda: wave(channels=1_024),
    "wav of 33 channels": lambda: wave(channels=33),
    "wav of 4 GHz": lambda: wave(rate=4_000_000_000),
    "wav of 0 Hz": lambda: wave(rate=0),
    "wav of 1 Hz": lambda: wave(rate=1),
    "wav of an unknown codec": lambda: wave(form=0xABCD),
    "wav of 30,000 chunks": lambda: wave()[:12] + b"junk\0\0\0\0" * 30_000 + wave()[12:],
    "flac of 2^36 samples": lambda: flac_claiming((1 << 36) - 1),
    "flac of 1,048,575 Hz": lambda: flac_with_rate((1 << 20) - 1),
    "ogg of 2^62 samples": lambda: ogg_claiming(1 << 62),
    "ogg of -2 samples": lambda: ogg_claiming((1 << 64) - 2),
    "w64 of 2^62 bytes": lambda: wave64_claiming(1 << 62),
    "w64 of 2^63 bytes": lambda: wave64_claiming((1 << 63) + 24),
    "rf64 of 2^63 bytes": lambda: rf64_claiming(1 << 63),
    "aiff of infinite rate": lambda: aiff_with_rate(b"\x7f\xff" + bytes(8)),
    "aiff of a huge rate": lambda: aiff_with_rate(b"\x40\x40\xff" + bytes(7)),
    "caf of 2^62 bytes": lambda: caf_claiming(1 << 62),
    "mp3 of 2^32 frames": lambda: mp3_claiming((1 << 32) - 1),
    "mp3 after 256 MB of ID3": id3_claiming,
    "m4a of a large mvex": lambda: m4a_claiming(b"mvhd", 16, 0xFFFFFFFF),
    "m4a of 2^32 runs": lambda: m4a_claiming(b"trun", 4, 0xFFFFFFFF),
    "m4a of 2^32 descriptions": lambda: m4a_claiming(b"stsd", 4, 0xFFFFFFFF),
    "m4a of 2^32 times": lambda: m4a_claiming(b"stts", 4, 0xFFFFFFFF),
    "m4a of 2^32 sizes": lambda: m4a_claiming(b"stsz", 8, 0xFFFFFFFF),
    "amr of an hour of nothing": lambda: b"#!AMR\n" + b"\x7c" * 180_000,
    "zip": zipped,
    "gzip": lambda: gzip.compress(wave()[:44] + bytes(50_000_000)),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_costs_nothing(decoder: Decoder, tmp_path: Path, name: str) -> None:
    (tmp_path / "claim").write_bytes(CLAIMS[name]())
    answer = decoder.answer(tmp_path / "claim")
    assert answer.fault is None
    assert answer.seconds < LITTLE_S
    assert answer.peak_bytes < LITTLE_BYTES


@pytest.mark.parametrize(
    "name",
    [
        *("wav of 65,535 channels", "wav of 1,024 channels", "wav of 33 channels", "wav of 4 GHz", "wav of 1 Hz"),
        *("wav of 0 Hz", "wav of an unknown codec", "flac of 1,048,575 Hz", "zip", "gzip"),
    ],
)
def test_what_no_telephone_records_is_refused(decoder: Decoder, tmp_path: Path, name: str) -> None:
    (tmp_path / "claim").write_bytes(CLAIMS[name]())
    assert decoder.answer(tmp_path / "claim").said.startswith("poison")


@pytest.mark.parametrize("name", ["wav of ten hours", "rf64 of 2^63 bytes"])
def test_a_header_that_lies_about_its_length_is_refused(decoder: Decoder, tmp_path: Path, name: str) -> None:
    (tmp_path / "claim").write_bytes(CLAIMS[name]())
    assert "fewer than its header says" in decoder.answer(tmp_path / "claim").said
