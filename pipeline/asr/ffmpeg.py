"""What libsndfile cannot read (M4A, WMA, AMR …), converted by an ffmpeg on the PATH that may do nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from math import ceil
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from pipeline.errors import Poison

# Named one by one: among ffmpeg's other inputs are playlists, which open further files and addresses.
_DEMUXERS: Final = "mov,matroska,aac,amr,asf,mp3,wav,w64,aiff,caf,au,flac,ogg,ac3,gsm"
# Of sound alone: to tell what is in a file, ffmpeg would decode the start of its pictures, too.
_DECODERS: Final = (
    "aac,aac_fixed,aac_latm,ac3,ac3_fixed,eac3,alac,flac,mp1float,mp1,mp2float,mp2,mp3float,mp3,opus,libopus,"
    "vorbis,libvorbis,speex,libspeex,wmav1,wmav2,wmapro,wmavoice,wmalossless,amrnb,amrwb,"
    "libopencore_amrnb,libopencore_amrwb,gsm,gsm_ms,libgsm,libgsm_ms,g722,g723_1,g726,g726le,g729,ilbc,truespeech,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_yamaha,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,"
    "pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_s64le,pcm_s64be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
_MAX_OUTPUT_BYTES: Final = 8 << 30
_MAX_BLOCK_BYTES: Final = 256 << 20
_MAX_MEMORY_BYTES: Final = 2 << 30
"""Of addresses, not of pages in use: those of a conversion are about 60 MB."""
_LOOK_S: Final = 0.2


def to_wave64(  # noqa: PLR0913 - what a conversion may do and cost, each named
    path: Path,
    target: Path,
    *,
    max_duration_s: float,
    timeout_s: float,
    because: str,
    start_s: float = 0.0,
    stop: Event | None = None,
) -> None:
    """Write the first audio stream of ``path`` to ``target`` as 16-bit Wave64, at its own rate and channels.

    Args:
        path: what libsndfile refused.
        target: the file to write.
        max_duration_s: seconds of audio after which the conversion stops.
        timeout_s: seconds that it may take.
        because: why libsndfile refused it; part of the reason where ffmpeg cannot either.
        start_s: seconds of audio that are left out at the start.
        stop: ends the conversion when it is set; nobody wants the result any more.

    Raises:
        Poison: there is no ffmpeg, it finds no audio, takes too long, writes too much, or is stopped.
    """
    if (program := shutil.which("ffmpeg")) is None:
        raise Poison(f"the recording is no audio that libsndfile reads ({because}), and ffmpeg is not installed")
    command = [
        program, "-nostdin", "-v", "quiet", "-max_alloc", str(_MAX_BLOCK_BYTES),
        "-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS, "-codec_whitelist", _DECODERS, "-threads", "1",
        *(("-ss", f"{start_s:.3f}") if start_s else ()), "-i", f"file:{path.resolve()}",
        "-map", "0:a:0", *_filling(path), "-t", f"{max_duration_s:.3f}", "-fs", str(_MAX_OUTPUT_BYTES),
        "-c:a", "pcm_s16le", "-threads", "1", "-f", "w64", "-y", f"file:{target.resolve()}",
    ]  # fmt: skip
    status = _run(command, target.parent, timeout_s, stop or Event())
    if status != 0 or not target.is_file():
        raise Poison(f"the recording is no audio that can be read: {because}")
    if target.stat().st_size >= _MAX_OUTPUT_BYTES:
        raise Poison(f"the recording has more than {_MAX_OUTPUT_BYTES >> 30} GiB of samples")


def _filling(path: Path) -> tuple[str, ...]:
    """For AMR: put silence where frames hold none, which in most calls are more than those with speech.

    ffmpeg takes each for an error: all after it would come early, and above two thirds it would fail.
    Source: 3GPP TS 26.101, annex A: frame types 8 (comfort noise) and 15 (no data).
    """
    with path.open("rb") as file:
        start = file.read(11)
    if start.startswith(b"#!AMR") or start[4:] == b"ftyp3gp":
        return "-af", "aresample=async=1", "-max_error_rate", "1"
    return ()


def _run(command: list[str], folder: Path, timeout_s: float, stop: Event) -> int:
    """The exit status of a command, which is in a group of its own so that nothing of it outlives this."""
    process = subprocess.Popen(  # noqa: S603 - no shell, fixed words
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        _limit(process.pid, timeout_s)
        ends = monotonic() + timeout_s
        while not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                return process.wait(min(_LOOK_S, max(0.0, ends - monotonic())))
            if monotonic() >= ends:
                raise Poison(f"the recording took ffmpeg more than {timeout_s:.0f} s to convert")
        raise Poison("the conversion of the recording was stopped")
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _limit(pid: int, timeout_s: float) -> None:
    """Bound what a process may take, also when this one is killed and nobody looks after it any more."""
    if sys.platform != "linux":
        return
    import resource

    seconds = ceil(timeout_s) + 1
    limits = (
        (resource.RLIMIT_AS, _MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _MAX_OUTPUT_BYTES + (1 << 20)),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in limits:
        with suppress(OSError):  # it has ended already, or the container does not let us
            resource.prlimit(pid, kind, (most, most))
