"""Small recordings of every kind that is read, and mutations of them; the same seed gives the same files."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 8_000
SECONDS = 0.3
LIBSNDFILE = (
    *(("WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")),
    *(("WAV", kind) for kind in ("IMA_ADPCM", "MS_ADPCM", "GSM610")),
    *(("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AU", "ULAW")),
    *(("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24")),
    *(("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
)
FFMPEG = (
    *(("m4a", "aac"), ("m4a", "alac"), ("aac", "aac"), ("webm", "libopus"), ("wma", "wmav2"), ("ac3", "ac3")),
    *(("wav", "libmp3lame"), ("oga", "flac")),
)
AMR = b"#!AMR\n" + (b"\x3c" + bytes(range(31))) * 15


@dataclass(frozen=True, slots=True)
class Original:
    """A sound file, and whether ffmpeg is what reads it, which takes a process a file."""

    name: str
    content: bytes
    by_ffmpeg: bool


def originals(folder: Path) -> list[Original]:
    """One small stereo recording of each kind."""
    time = np.arange(int(RATE_HZ * SECONDS)) / RATE_HZ
    tones = np.stack([np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 1_000 * time)], axis=1) * 0.4
    found = []
    for form, subtype in LIBSNDFILE:
        path = folder / f"{form}-{subtype}"
        soundfile.write(path, tones[:, :1] if subtype == "GSM610" else tones, RATE_HZ, format=form, subtype=subtype)
        found.append(Original(path.name, path.read_bytes(), by_ffmpeg=False))
    program = shutil.which("ffmpeg")
    assert program is not None, "install ffmpeg: M4A, AMR and others are read by it"
    for suffix, codec in FFMPEG:
        path = folder / f"{codec}.{suffix}"
        rate = ("-ar", {"wmav2": "22050", "ac3": "32000"}.get(codec, "8000"))
        words = ("-i", folder / "WAV-PCM_16", "-c:a", codec, *rate, path)
        subprocess.run([program, "-v", "error", "-nostdin", "-y", *words], check=True)
        found.append(Original(path.name, path.read_bytes(), by_ffmpeg=True))
    return [*found, Original("AMR", AMR, by_ffmpeg=True)]


def mutated(original: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """One to three mutations on top of each other."""
    data = bytearray(original)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        chance.choice(MUTATIONS)(data, others, chance)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """A place, half of the time in the header."""
    return chance.randrange(max(1, min(len(data), 80 if chance.random() < 0.5 else len(data))))


def _flip(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 4, 64))):
        if data:
            data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _truncate(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _lie(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    """A number in the header, such as a size, rate or count of channels, becomes another."""
    value = chance.choice((0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, chance.getrandbits(32)))
    order, width = chance.choice("<>"), chance.choice((2, 4, 8))
    code = {2: "H", 4: "I", 8: "Q"}[width]
    at = _place(data, chance) // 2 * 2
    data[at : at + width] = struct.pack(order + code, value % (1 << 8 * width))


def _swap_header(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    length = chance.choice((4, 12, 16, 36, 44, 60))
    data[:length] = chance.choice(others)[:length]


def _duplicate(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    start = _place(data, chance)
    block = bytes(data[start : start + chance.choice((8, 64, 512))])
    data[start:start] = block * chance.choice((1, 2, 50))


def _remove(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.choice((1, 4, 8, 256))]


def _randomise(data: bytearray, _others: list[bytes], chance: random.Random) -> None:
    start = _place(data, chance)
    length = min(len(data) - start, chance.choice((4, 32, 1_024)))
    data[start : start + length] = chance.randbytes(length)


def _splice(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    other = chance.choice(others)
    data[_place(data, chance) :] = other[chance.randrange(len(other)) :]


MUTATIONS: tuple[Callable[[bytearray, list[bytes], random.Random], None], ...] = (
    *(_flip, _flip, _truncate, _lie, _lie, _swap_header, _duplicate, _remove, _randomise, _splice),
)
