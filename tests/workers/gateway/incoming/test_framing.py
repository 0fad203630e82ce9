"""Frames of any size, of one or two tracks, become chunks that hold every frame in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Poison
from schemas.audio import Encoding, RawFormat
from workers.gateway.incoming.framing import QUIET_MS, WAIT_MS, Joiner
from workers.gateway.incoming.tracks import Track

STEREO = RawFormat(encoding=Encoding.L16, sample_rate_hz=8_000, channels=2)
TELEPHONE = RawFormat(encoding=Encoding.PCMU, sample_rate_hz=8_000, channels=2)
FRAME_MS = 20
FRAMES = FRAME_MS * 8


def sound(frames: int, first: int = 1) -> bytes:
    """Mono samples of L16 that are all different, so that one in the wrong place is found."""
    return (np.arange(first, first + frames) % 30_000 + 1).astype("<i2").tobytes()


def column(audio: bytes, channel: int) -> list[int]:
    """The samples of one channel of stereo L16."""
    return [int(one) for one in np.frombuffer(audio, "<i2")[channel::2]]


@given(st.binary(min_size=4, max_size=20_000), st.lists(st.integers(1, 1_500), min_size=1, max_size=20))
def test_a_stream_of_all_channels_is_the_same_however_it_is_cut_into_frames(audio: bytes, sizes: list[int]) -> None:
    audio = audio[: len(audio) // 4 * 4]
    joiner = Joiner(STEREO)
    track = Track(joiner, None, 0)
    place, number, found = 0, 0, []
    while place < len(audio):
        size = sizes[number % len(sizes)] * 4
        assert track.feed(audio[place : place + size], number) == 0
        found += joiner.take(number)
        place, number = place + size, number + 1
    joiner.flush()
    found += joiner.take(number)
    assert b"".join(one.audio for one in found) == audio
    assert [one.offset_ms for one in found] == [200 * index for index in range(len(found))]
    assert all(len(one.audio) == 200 * 8 * 4 for one in found[:-1])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 900)), min_size=1, max_size=60), st.integers(0, 5_000))
def test_two_tracks_are_joined_by_time_whichever_is_ahead(turns: list[tuple[int, int]], at_ms: int) -> None:
    joiner = Joiner(STEREO, at_ms)
    tracks = [Track(joiner, channel, joiner.frames_of(at_ms)) for channel in (0, 1)]
    sent, found = [0, 0], []
    for channel in (0, 1):
        joiner.expect(channel, 0)
    for channel, frames in turns:
        if abs(sent[channel] + frames - sent[1 - channel]) > 1_600 + 1_599:
            continue  # more than a chunk apart, which other tests are about
        tracks[channel].feed(sound(frames, sent[channel] + channel * 10_000), 1)
        sent[channel] += frames
        found += joiner.take(1)
    joiner.flush()
    found += joiner.take(1)
    heard = b"".join(one.audio for one in found)
    for channel in (0, 1):
        expected = [(channel * 10_000 + place) % 30_000 + 1 for place in range(sent[channel])]
        silence = [0] * (max(sent) - sent[channel])
        assert column(heard, channel) == expected + silence
    assert joiner.late_frames == 0
    if found:
        assert found[0].offset_ms == at_ms


def test_a_track_that_stands_still_is_waited_for_and_then_silent() -> None:
    joiner = Joiner(STEREO)
    agent, customer = Track(joiner, 0, 0), Track(joiner, 1, 0)
    customer.feed(sound(FRAMES), 0)
    agent.feed(sound(1_600), 100)
    assert joiner.take(100 + WAIT_MS - 1) == []
    assert joiner.due_ms() == 100 + WAIT_MS
    (chunk,) = joiner.take(100 + WAIT_MS)
    assert column(chunk.audio, 0) == list(range(2, 1_602))
    assert column(chunk.audio, 1) == list(range(2, FRAMES + 2)) + [0] * (1_600 - FRAMES)


def test_what_comes_after_its_chunk_is_counted_and_the_rest_stands_in_its_place() -> None:
    joiner = Joiner(STEREO)
    agent, customer = Track(joiner, 0, 0), Track(joiner, 1, 0)
    customer.feed(sound(FRAMES), 0)
    agent.feed(sound(3_200), 0)
    assert len(joiner.take(WAIT_MS)) == 2
    agent.feed(sound(1_600), WAIT_MS)
    assert customer.feed(sound(4_800 - FRAMES, FRAMES + 1), WAIT_MS) == 3_200 - FRAMES
    (chunk,) = joiner.take(WAIT_MS)
    assert chunk.offset_ms == 400
    assert column(chunk.audio, 1)[0] == 3_202
    assert joiner.late_frames == 3_200 - FRAMES


def test_a_track_that_nobody_sends_is_not_waited_for() -> None:
    joiner = Joiner(TELEPHONE)
    agent = Track(joiner, 0, 0)
    agent.feed(b"\x10" * 1_600, 0)
    (chunk,) = joiner.take(0)
    assert chunk.audio == b"\x10\xff" * 1_600


def test_a_track_that_is_always_late_goes_on_where_the_others_are() -> None:
    joiner = Joiner(STEREO)
    agent, customer = Track(joiner, 0, 0), Track(joiner, 1, 0)
    customer.feed(sound(FRAMES), 0)
    now = 0
    for now in range(0, 3 * QUIET_MS, FRAME_MS):
        agent.feed(sound(FRAMES), now)
        joiner.take(now)
        if now >= 1_000:  # a second behind, as after a clock that stood still
            customer.feed(sound(FRAMES), now)
    late = joiner.late_frames
    customer.feed(sound(FRAMES), now)
    assert joiner.late_frames == late


def test_a_pause_of_the_sender_is_a_gap_and_no_silence() -> None:
    joiner = Joiner(TELEPHONE)
    track = Track(joiner, None, 0)
    track.feed_at(b"\x01" * 3_200, 5_000, 0)
    track.feed_at(b"\x02" * 3_200, 9_000, 4_000)
    found = [(one.offset_ms, one.audio) for one in joiner.take(4_000)]
    assert found == [(0, b"\x01" * 3_200), (4_000, b"\x02" * 3_200)]


def test_frames_that_overtake_each_other_are_put_in_order() -> None:
    joiner = Joiner(TELEPHONE)
    track = Track(joiner, 0, 0)
    joiner.expect(0, 0)
    for number in (0, 1, 3, 2, 4, 5, 6, 7, 9):
        track.feed_at(bytes([number + 1]) * FRAMES, number * FRAME_MS, number * FRAME_MS)
    track.feed_at(b"\x0b" * FRAMES, 200, 200)
    assert joiner.take(200) == []
    track.feed_at(b"\x09" * FRAMES, 160, 210)
    (chunk,) = joiner.take(210)
    assert chunk.audio[::2] == b"".join(bytes([number + 1]) * FRAMES for number in range(10))


def test_a_clock_that_runs_backwards_loses_two_seconds_at_most_and_no_order() -> None:
    joiner = Joiner(TELEPHONE)
    track = Track(joiner, 0, 0)
    found, now = [], 0
    for stamp in [*range(1_000, 5_000, FRAME_MS), *range(0, 8_000, FRAME_MS)]:
        track.feed_at(b"\x05" * FRAMES, stamp, now)
        found += joiner.take(now)
        now += FRAME_MS
    offsets = [one.offset_ms for one in found]
    assert offsets == sorted(set(offsets))
    assert joiner.late_frames <= (QUIET_MS + FRAME_MS) * 8
    assert offsets[-1] >= 9_000


def test_a_clock_that_jumps_a_year_ahead_makes_no_gap() -> None:
    joiner = Joiner(TELEPHONE)
    track = Track(joiner, 0, 0)
    track.feed_at(b"\x05" * 1_600, 0, 0)
    track.feed_at(b"\x05" * 1_600, 31_536_000_000, 200)
    assert [one.offset_ms for one in joiner.take(200)] == [0, 200]


def test_a_frame_that_is_cut_through_changes_nothing() -> None:
    joiner = Joiner(STEREO)
    track = Track(joiner, None, 0)
    with pytest.raises(Poison, match="no whole number of frames"):
        track.feed(b"\x00" * 6, 0)
    assert (joiner.lead, track.next) == (0, 0)


def test_a_track_that_runs_far_ahead_is_to_be_read_no_further() -> None:
    joiner = Joiner(STEREO)
    joiner.expect(1, 0)
    Track(joiner, 0, 0).feed(sound(8_000 * 11), 0)
    assert joiner.is_full
    assert len(joiner.take(WAIT_MS)) == 55
    assert not joiner.is_full
