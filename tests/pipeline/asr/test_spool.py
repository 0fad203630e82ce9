import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import IO

import numpy as np
import pytest
import soundfile
from speech import RATE_HZ, SAMPLE, find_speech, noise, sample_call

from pipeline.asr import spool as module
from pipeline.asr.channels import ChannelState
from pipeline.asr.decode import Limits
from pipeline.asr.spans import speech_of
from pipeline.asr.spool import Spool, spool
from pipeline.asr.vad import Rules, frames_of, levels_db
from pipeline.errors import Poison, Retryable
from schemas.audio import Extent

ROOT = Path(__file__).parents[3]

LIMITS = Limits(600)


@pytest.fixture(scope="module")
def sample() -> Iterator[Spool]:
    with closing(spool(SAMPLE, limits=LIMITS)) as found:
        yield found


def test_slices_are_the_decoded_samples_to_sixteen_bits(sample: Spool) -> None:
    whole = sample_call()
    assert (sample.channels, sample.frames) == whole.shape
    assert sample.duration_ms == round(whole.shape[1] / 16)
    for channel, start, end in ((0, 0, sample.frames), (1, 12_345, 200_000), (0, 5, 6)):
        piece = sample.piece(channel, start, end)
        assert piece.dtype == np.float32
        assert np.abs(piece - whole[channel, start:end].clip(-1, 1)).max() <= 0.6 / 32_767
    assert len(sample.piece(1, sample.frames - 3, sample.frames + 9)) == 3
    assert len(sample.piece(1, 7, 7)) == 0


def test_speech_is_found_where_it_is_found_in_memory(sample: Spool) -> None:
    for channel, samples in enumerate(sample_call()):
        assert speech_of(sample, channel, Rules()) == find_speech(samples, Rules())
        assert np.allclose(sample.levels(channel), levels_db(frames_of(samples)), atol=0.01)


def test_an_extent_alone_is_decoded_and_begins_at_zero() -> None:
    with closing(spool(SAMPLE, limits=Limits(5), extent=Extent(start_ms=6_000, end_ms=10_500))) as found:
        assert found.duration_ms == 4_500
        whole = sample_call()[:, 6 * RATE_HZ : 10 * RATE_HZ + RATE_HZ // 2]
        assert np.abs(found.piece(1, 0, found.frames) - whole[1]).max() < 0.01


def test_what_the_channels_are_worth_is_said(tmp_path: Path) -> None:
    speech = sample_call()[0, : 12 * RATE_HZ]
    soundfile.write(tmp_path / "a.wav", np.stack([speech, 0.5 * speech, np.zeros_like(speech)], axis=1), RATE_HZ)
    with closing(spool(tmp_path / "a.wav", limits=LIMITS)) as found:
        assert found.states == (
            ChannelState(0, "ok"),
            ChannelState(1, "duplicate", same_as=0),
            ChannelState(2, "dead"),
        )


def test_nothing_is_left_in_the_temporary_folder_not_even_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened_before = len(list(Path("/proc/self/fd").iterdir()))
    with closing(spool(SAMPLE, limits=LIMITS)):
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(Poison, match="longer than the 1 s"):
        spool(SAMPLE, limits=Limits(1))
    assert len(list(Path("/proc/self/fd").iterdir())) == opened_before


def test_a_recording_that_would_fill_the_disk_is_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 20)
    with pytest.raises(Poison, match="samples that are kept on disk"):
        spool(SAMPLE, limits=LIMITS)


def test_a_full_disk_is_waited_for_and_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), data[:0])

        def close(self) -> None:
            """Nothing is held open."""

    def full(prefix: str) -> IO[bytes]:
        del prefix
        return Full()  # type: ignore[return-value]  # as much of a file as the spool uses

    monkeypatch.setattr(module, "TemporaryFile", full)
    with pytest.raises(Retryable, match="No space left") as caught:
        spool(SAMPLE, limits=LIMITS)
    assert "TMPDIR" in str(caught.value.hint)


def test_two_hours_need_little_more_memory_than_eleven_seconds(tmp_path: Path) -> None:
    short, long = tmp_path / "short.wav", tmp_path / "long.wav"
    talk = sample_call()[0, : 11 * RATE_HZ : 2]
    soundfile.write(short, talk, 8_000, subtype="ULAW")
    with soundfile.SoundFile(long, "w", 8_000, 1, subtype="ULAW") as file:
        quiet = noise(590, -75)[: 589 * 8_000]
        for _ in range(12):
            file.write(talk)
            file.write(quiet)
    script = Path(__file__).with_name("long_recording.py")
    done = subprocess.run(
        [sys.executable, str(script), str(short), str(long)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    grown_mb, spans = json.loads(f"[{done.stdout.replace(' ', ',')}]")
    assert spans >= 12
    assert grown_mb < 100  # its samples alone are 461 MB as floats


def test_what_nobody_wants_any_more_is_not_decoded_to_the_end() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Poison, match="was stopped"):
        spool(SAMPLE, limits=LIMITS, stop=stop)
