"""Audio without a header, read as its event declares it."""

from __future__ import annotations

import os
from typing import Any, Final

import numpy as np

from pipeline.errors import Poison
from schemas.audio import Encoding, RawFormat

_CONTAINERS: Final = (b"RIFF", b"RF64", b"riff", b"fLaC", b"OggS", b"ID3", b".snd", b"FORM", b"caff")
_SUBTYPES: Final = {Encoding.L16: "PCM_16", Encoding.PCMU: "ULAW", Encoding.PCMA: "ALAW"}


def open_raw(descriptor: int, start: bytes, raw: RawFormat) -> Any:  # noqa: ANN401 - soundfile has no types
    """An open ``SoundFile`` of a file that is all samples.

    Args:
        descriptor: of the file, open for reading; stays open when the ``SoundFile`` is closed.
        start: its first bytes, the more the better.
        raw: what the event declares.

    Raises:
        Poison: it has a header.
    """
    import soundfile

    if start.startswith(_CONTAINERS):
        raise Poison(f"the event declares headerless {raw.encoding}, but the file has a header of its own")
    os.lseek(descriptor, 0, os.SEEK_SET)
    return soundfile.SoundFile(
        descriptor,
        closefd=False,
        format="RAW",
        subtype=_SUBTYPES[raw.encoding],
        endian=byte_order(start) if raw.encoding is Encoding.L16 else "FILE",
        samplerate=raw.sample_rate_hz,
        channels=raw.channels,
    )


def byte_order(pcm: bytes) -> str:
    """``BIG`` or ``LITTLE``: the order in which 16-bit samples make the smoother wave.

    RFC 2586 writes L16 in network order, most telephone systems write it in their machine's; both are met, and in
    the wrong order speech turns into noise near full scale.
    """
    whole = pcm[: len(pcm) // 2 * 2]
    steps = {
        name: float(np.abs(np.diff(np.frombuffer(whole, dtype).astype(np.float64))).sum())
        for name, dtype in (("BIG", ">i2"), ("LITTLE", "<i2"))
    }
    return "BIG" if steps["BIG"] < steps["LITTLE"] else "LITTLE"
