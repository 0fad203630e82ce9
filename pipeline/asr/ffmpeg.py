"""What libsndfile cannot read (M4A, WMA, AMR …), converted by an ffmpeg on the PATH that may do nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from pipeline.errors import Poison

# Named one by one: among ffmpeg's other inputs are playlists, which open further files and addresses.
_DEMUXERS: Final = "mov,matroska,aac,amr,asf,mp3,wav,w64,aiff,caf,au,flac,ogg,ac3,gsm"
_MAX_OUTPUT_BYTES: Final = 8 << 30


def to_wave64(path: Path, target: Path, *, max_duration_s: float, timeout_s: float, because: str) -> None:
    """Write the first audio stream of ``path`` to ``target`` as 16-bit Wave64, at its own rate and channels.

    Args:
        path: what libsndfile refused.
        target: the file to write.
        max_duration_s: seconds of audio after which the conversion stops.
        timeout_s: seconds that it may take.
        because: why libsndfile refused it; part of the reason where ffmpeg cannot either.

    Raises:
        Poison: there is no ffmpeg, it finds no audio, or it takes too long.
    """
    if (program := shutil.which("ffmpeg")) is None:
        raise Poison(f"the recording is no audio that libsndfile reads ({because}), and ffmpeg is not installed")
    command = [
        program, "-nostdin", "-v", "error",
        "-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS, "-i", f"file:{path}",
        "-map", "0:a:0", "-t", f"{max_duration_s:.3f}", "-fs", str(_MAX_OUTPUT_BYTES),
        "-c:a", "pcm_s16le", "-threads", "1", "-f", "w64", "-y", f"file:{target}",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=timeout_s)  # noqa: S603 - no shell, fixed words
    except subprocess.TimeoutExpired as error:
        raise Poison(f"the recording took ffmpeg more than {timeout_s:.0f} s to convert") from error
    if done.returncode != 0 or not target.is_file():
        raise Poison(f"the recording is no audio that can be read: {because}")
