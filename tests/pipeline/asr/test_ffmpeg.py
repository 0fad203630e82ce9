"""What ffmpeg may read, do and cost."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import pytest
import soundfile

from pipeline.asr.ffmpeg import to_wave64
from pipeline.errors import Poison

SOURCE = ("-f", "lavfi", "-i", "sine=frequency=300:duration=2")


def ffmpeg(*words: str | Path) -> None:
    program = shutil.which("ffmpeg")
    assert program is not None, "install ffmpeg: M4A, AMR and others are read by it"
    subprocess.run([program, "-v", "error", "-nostdin", "-y", *words], check=True)


def convert(path: Path, *, timeout_s: float = 60.0, stop: Event | None = None) -> Path:
    target = path.parent / "made.w64"
    to_wave64(path, target, max_duration_s=60, timeout_s=timeout_s, because="test", stop=stop)
    return target


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A recording that other files try to have read."""
    ffmpeg(*SOURCE, "-ac", "1", tmp_path / "secret.wav")
    return tmp_path / "secret.wav"


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {secret}\n",
        "<?xml version='1.0'?><MPD><Period><AdaptationSet><BaseURL>{secret}</BaseURL></AdaptationSet></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
        "[playlist]\nFile1={secret}\n",
        "1\n00:00:00,000 --> 00:00:02,000\nsubtitles\n",
        ";FFMETADATA1\ntitle=x\n",
    ],
    ids=["hls", "concat", "dash", "sdp", "playlist", "subtitles", "metadata"],
)
def test_a_file_that_names_others_is_not_followed(tmp_path: Path, secret: Path, content: str) -> None:
    (tmp_path / "call.m4a").write_text(content.format(secret=secret))
    with pytest.raises(Poison, match="no audio that can be read"):
        convert(tmp_path / "call.m4a")


def test_of_a_film_the_sound_is_read_and_the_pictures_are_not_decoded(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=2", *SOURCE, "-c:v", "mpeg4", "-c:a", "aac", tmp_path / "film.mp4")
    assert soundfile.info(convert(tmp_path / "film.mp4")).duration == pytest.approx(2, abs=0.1)


def test_frames_of_amr_without_data_are_silence_so_that_what_follows_is_not_early(tmp_path: Path) -> None:
    speech, noise, nothing = b"\x3c" + bytes(31), b"\x44" + bytes(5), b"\x7c"
    (tmp_path / "call.amr").write_bytes(b"#!AMR\n" + speech * 25 + (noise + nothing * 7) * 50 + speech * 25)
    assert soundfile.info(convert(tmp_path / "call.amr")).duration == pytest.approx(9, abs=0.05)


def test_pictures_alone_are_no_audio(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=1", "-c:v", "mpeg4", tmp_path / "film.mp4")
    with pytest.raises(Poison, match="no audio that can be read"):
        convert(tmp_path / "film.mp4")


def test_a_name_with_a_protocol_or_an_option_in_it_is_a_name(tmp_path: Path) -> None:
    for name in ("-version.m4a", "concat:a|b.m4a", "http:a.m4a", "%d.m4a", "a b'\"$(x).m4a"):
        ffmpeg(*SOURCE, "-c:a", "aac", tmp_path / "call.m4a")
        (tmp_path / "call.m4a").rename(tmp_path / name)
        assert soundfile.info(convert(tmp_path / name)).duration == pytest.approx(2, abs=0.1)


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """An ffmpeg that starts a child and never ends; gives the processes that it was, once they are there."""
    program = tmp_path / "ffmpeg"
    # The child is not the last command: a shell would become it.
    program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\n/bin/sleep 60 &\necho $! >> {tmp_path}/pids\nwait\n")
    program.chmod(0o755)
    (tmp_path / "call.m4a").write_bytes(b"something")
    monkeypatch.setenv("PATH", str(tmp_path))

    def pids() -> list[int]:
        ends = monotonic() + 10
        while monotonic() < ends:
            found = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
            if len(found) == 2:
                return [int(it) for it in found]
            sleep(0.01)
        pytest.fail("the program did not start")

    return pids


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def assert_gone(pids: list[int]) -> None:
    ends = monotonic() + 10
    while any(is_alive(pid) for pid in pids) and monotonic() < ends:
        sleep(0.01)
    assert not [pid for pid in pids if is_alive(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_takes_too_long_is_ended_with_everything_it_started(
    tmp_path: Path, stuck: Callable[[], list[int]]
) -> None:
    with pytest.raises(Poison, match="more than 1 s to convert"):
        convert(tmp_path / "call.m4a", timeout_s=1.0)
    assert_gone(stuck())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_nobody_wants_any_more_is_ended_at_once(tmp_path: Path, stuck: Callable[[], list[int]]) -> None:
    stop, raised = Event(), list[BaseException]()

    def work() -> None:
        try:
            convert(tmp_path / "call.m4a", stop=stop)
        except Poison as error:
            raised.append(error)

    thread = Thread(target=work)
    thread.start()
    pids = stuck()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert "stopped" in str(raised[0])
    assert_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set on Linux alone")
def test_memory_time_and_size_of_the_process_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    # Looks until the limits, which are set just after its start, are there.
    script = "until grep -q '^Max core file size *0 ' /proc/$$/limits; do sleep 0.05; done\ncp /proc/$$/limits limits"
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "call.m4a").write_bytes(b"something")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Poison):
        convert(tmp_path / "call.m4a", timeout_s=20)
    limits = (tmp_path / "limits").read_text(encoding="utf-8")
    for name, value in (("cpu time", "21"), ("address space", str(2 << 30)), ("file size", str((8 << 30) + (1 << 20)))):
        assert any(line.startswith(f"Max {name}") and f" {value} " in line for line in limits.splitlines()), name
