from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr.conversations import PAD_MS, Spoken, at_markers, at_silences, children
from schemas.audio import Extent, RecordingAvailable, Split
from schemas.wire import CallFacts, Channel, Role

MINUTE = 60_000
HOUR = 60 * MINUTE
SPEECH = st.lists(st.tuples(st.integers(0, HOUR - 1), st.integers(1, 5 * MINUTE)), max_size=30).map(
    lambda pairs: [Spoken(start, min(HOUR, start + length)) for start, length in pairs]
)


def inside(it: Spoken, extent: Extent) -> bool:
    return extent.start_ms <= it.start_ms and it.end_ms <= extent.end_ms


def test_a_long_silence_parts_two_conversations_and_a_pause_does_not() -> None:
    speech = [Spoken(10_000, 20_000), Spoken(40_000, 50_000), Spoken(200_000, 210_000), Spoken(45_000, 60_000)]
    assert at_silences(speech, MINUTE, HOUR) == (
        Extent(start_ms=9_000, end_ms=61_000),
        Extent(start_ms=199_000, end_ms=211_000),
    )


def test_the_pad_stays_inside_the_recording_and_nobody_speaking_is_no_conversation() -> None:
    assert at_silences([Spoken(300, 9_900)], MINUTE, 10_000) == (Extent(start_ms=0, end_ms=10_000),)
    assert at_silences([], MINUTE, HOUR) == ()


@given(speech=SPEECH, silence_ms=st.integers(1, 10 * MINUTE))
def test_all_speech_is_in_exactly_one_conversation_with_silence_between_them(
    speech: list[Spoken], silence_ms: int
) -> None:
    found = at_silences(speech, silence_ms, HOUR)
    assert all(sum(inside(it, extent) for extent in found) == 1 for it in speech)
    for one, two in pairwise(found):
        assert one.end_ms <= two.start_ms
        last = max(it.end_ms for it in speech if inside(it, one))
        assert min(it.start_ms for it in speech if inside(it, two)) - last >= silence_ms
        assert one.end_ms - last <= PAD_MS


@given(speech=SPEECH, markers=st.lists(st.integers(-MINUTE, 2 * HOUR), max_size=8))
def test_markers_cut_where_they_are_and_parts_without_speech_are_left_out(
    speech: list[Spoken], markers: list[int]
) -> None:
    found = at_markers(speech, markers, HOUR)
    edges = {0, HOUR, *markers}
    for extent in found:
        assert {extent.start_ms, extent.end_ms} <= edges
        assert not any(extent.start_ms < marker < extent.end_ms for marker in markers)
        assert any(it.start_ms < extent.end_ms and it.end_ms > extent.start_ms for it in speech)
    for it in speech:
        covered = sum(max(0, min(it.end_ms, e.end_ms) - max(it.start_ms, e.start_ms)) for e in found)
        assert covered == it.end_ms - it.start_ms


BADGE = RecordingAvailable(
    call_id="shift-7",
    call=CallFacts(agent="anna", started_at=datetime(2026, 10, 5, 8, tzinfo=UTC)),
    revision=2,
    dataref="file:///shift.wav",
    sha256="a" * 64,
    channels=(Channel(index=0, role=Role.UNKNOWN),),
    split=Split.MARKERS,
    markers_ms=(5_000,),
)
EXTENTS = (Extent(start_ms=1_000, end_ms=9_000), Extent(start_ms=HOUR, end_ms=HOUR + 5_000))


def test_a_conversation_has_an_id_of_its_own_its_part_and_all_else_of_the_recording() -> None:
    first, second = children(BADGE, EXTENTS)
    assert (first.call_id, second.call_id) == ("shift-7.001", "shift-7.002")
    assert (first.extent, second.extent) == EXTENTS
    assert second.call.started_at == datetime(2026, 10, 5, 9, tzinfo=UTC)
    for child in (first, second):
        assert (child.part_of, child.split, child.markers_ms) == ("shift-7", None, ())
        same = {"dataref", "sha256", "channels", "revision", "raw"}
        assert child.model_dump(include=same) == BADGE.model_dump(include=same)
        assert child.call.agent == "anna"
        assert RecordingAvailable.model_validate_json(child.model_dump_json()) == child


def test_the_extents_of_an_extent_are_those_of_the_recording() -> None:
    part = BADGE.model_copy(update={"extent": Extent(start_ms=2 * HOUR, end_ms=4 * HOUR)})
    (_, second) = children(part, EXTENTS)
    assert second.extent == Extent(start_ms=3 * HOUR, end_ms=3 * HOUR + 5_000)
    assert second.call.started_at == BADGE.call.started_at + timedelta(hours=1)  # type: ignore[operator]  # it is set


@pytest.mark.parametrize("length", [195, 196, 197, 200])
def test_an_id_that_would_be_too_long_is_another_one_of_its_own_each_time_the_same(length: int) -> None:
    long = BADGE.model_copy(update={"call_id": "x" * length})
    ids = [child.call_id for child in children(long, EXTENTS)]
    assert len(set(ids)) == 2
    assert all(len(it) <= 200 for it in ids)
    assert ids == [child.call_id for child in children(long, EXTENTS)]


def test_a_call_whose_start_is_unknown_has_conversations_whose_start_is_unknown() -> None:
    unknown = BADGE.model_copy(update={"call": CallFacts()})
    assert {child.call.started_at for child in children(unknown, EXTENTS)} == {None}
