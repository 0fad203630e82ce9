from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Poison
from pipeline.ports import Samples
from pipeline.privacy import muting
from pipeline.privacy.muting import FADE_MS, hidden, write_muted
from schemas.transcript import MaskedSpan, Segment
from schemas.wire import Role

RATE_HZ = 8_000
MS = RATE_HZ // 1_000


def card(start_ms: int, end_ms: int) -> MaskedSpan:
    return MaskedSpan(kind="card", start_ms=start_ms, end_ms=end_ms)


def tone(seconds: float, channels: int = 2) -> Samples:
    return np.full((channels, round(seconds * RATE_HZ)), 0.5, dtype=np.float32)


def recording(folder: Path, seconds: float, *, name: str = "call.wav", rate_hz: int = RATE_HZ) -> Path:
    path = folder / name
    soundfile.write(path, tone(seconds * rate_hz / RATE_HZ).T, rate_hz)
    return path


def muted(folder: Path, seconds: float, *spans: MaskedSpan) -> Samples:
    """One channel of a tone of 0.5 after it was written with these spans silent."""
    write_muted(recording(folder, seconds), folder / "out.wav", spans)
    heard: Samples = soundfile.read(folder / "out.wav", dtype="float32")[0][:, 0]
    return heard


def test_the_sound_goes_and_comes_back_without_a_step(tmp_path: Path) -> None:
    heard = muted(tmp_path, 1.0, card(200, 400), card(405, 500), card(450, 460))
    assert np.abs(np.diff(heard)).max() <= 0.5 / (FADE_MS * MS) + 1e-4


def test_no_more_than_the_fade_is_lost_around_a_span(tmp_path: Path) -> None:
    heard, fade = muted(tmp_path, 1.0, card(200, 400)), FADE_MS * MS
    assert not heard[200 * MS : 400 * MS].any()
    assert (np.abs(np.concatenate([heard[: 200 * MS - fade], heard[400 * MS + fade :]]) - 0.5) < 1e-4).all()


def test_a_span_that_reaches_beyond_the_audio_is_silent_as_far_as_there_is_any(tmp_path: Path) -> None:
    heard = muted(tmp_path, 1.0, card(900, 5_000))
    assert not heard[900 * MS :].any()
    assert (np.abs(heard[: 890 * MS] - 0.5) < 1e-4).all()


def test_a_copy_is_silent_on_all_channels_since_one_side_is_heard_on_the_other(tmp_path: Path) -> None:
    done = write_muted(recording(tmp_path, 2.0), tmp_path / "out.wav", [card(500, 800), card(700, 1_000)])
    heard, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert (rate, heard.shape) == (RATE_HZ, (2 * RATE_HZ, 2))
    assert not heard[500 * MS : 1_000 * MS].any()
    assert (np.abs(heard[: 490 * MS] - 0.5) < 1e-4).all()
    assert (done.seconds, done.muted_s) == (2.0, 0.5)


@settings(max_examples=25)
@given(spans=st.lists(st.tuples(st.integers(0, 19_000), st.integers(0, 3_000)), max_size=8))
def test_block_by_block_gives_what_the_whole_gives(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    found = [card(start, start + length) for start, length in spans]
    in_blocks = muted(folder, 20.0, *found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(muting, "_BLOCK_FRAMES", 20 * RATE_HZ)
        assert np.array_equal(in_blocks, muted(folder, 20.0, *found))


def test_samples_that_are_no_numbers_are_silent_too(tmp_path: Path) -> None:
    path = tmp_path / "float.wav"
    soundfile.write(path, np.full((RATE_HZ, 1), np.nan, np.float32), RATE_HZ, subtype="FLOAT")
    write_muted(path, tmp_path / "out.wav", [card(0, 500)])
    assert not soundfile.read(tmp_path / "out.wav")[0].any()


def test_a_recording_that_ends_before_a_span_is_another_calls(tmp_path: Path) -> None:
    with pytest.raises(Poison, match=r"ends at 1\.0 s, but something is masked at 3\.0 s"):
        write_muted(recording(tmp_path, 1.0), tmp_path / "out.wav", [card(3_000, 4_000)])
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"], "nothing half done is left"


def test_what_is_no_audio_is_an_error_naming_the_file(tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear customer")
    with pytest.raises(Poison, match=r"letter\.wav cannot be read"):
        write_muted(tmp_path / "letter.wav", tmp_path / "out.wav", [])


def segment(text: str, *masked: MaskedSpan) -> Segment:
    return Segment(segment_id="s", role=Role.CUSTOMER, start_ms=1_000, end_ms=5_000, text=text, masked=masked)


def test_what_nobody_may_hear_are_the_masked_spans_from_where_the_call_begins() -> None:
    assert hidden([segment("it is [CARD]", card(2_000, 4_000)), segment("nothing")], later_ms=60_000) == [
        card(62_000, 64_000)
    ]


def test_a_placeholder_without_a_time_hides_its_whole_segment() -> None:
    assert hidden([segment("it is [CARD]")]) == [card(1_000, 5_000)]
