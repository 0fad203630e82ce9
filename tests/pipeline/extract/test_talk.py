from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.talk import CUT_IN_MS, DEAD_AIR_MS, talk_figures
from schemas.insight import Medium, SideTalk, SpeechUnit, TalkFigures
from schemas.transcript import Segment
from schemas.wire import Role

ROLES = {"a": Role.AGENT, "c": Role.CUSTOMER}
NUMBERS = count()


def said(side: str, start_s: float, end_s: float, text: str = "one two three") -> Segment:
    return Segment(
        segment_id=f"s{next(NUMBERS)}",
        role=ROLES[side],
        start_ms=round(start_s * 1_000),
        end_ms=round(end_s * 1_000),
        text=text,
    )


def figures(*segments: Segment) -> TalkFigures:
    found = talk_figures(segments)
    assert found is not None
    return found


def side(found: TalkFigures, name: str) -> SideTalk:
    return next(one for one in found.sides if one.role is ROLES[name])


def test_shares_turns_and_speed_are_of_what_each_side_spoke() -> None:
    found = figures(said("a", 0, 3), said("a", 3.5, 6.5), said("c", 7, 9, "yes of course it is"), said("a", 9, 10))
    assert (found.medium, found.unit) == (Medium.SPEECH, SpeechUnit.WORDS)
    agent, customer = side(found, "a"), side(found, "c")
    assert (agent.turns, agent.spoken_ms, agent.units) == (2, 7_000, 9)
    assert (customer.turns, customer.spoken_ms, customer.units_per_minute) == (1, 2_000, 150.0)
    assert agent.share == pytest.approx(7 / 9)


def test_chinese_is_counted_by_character_and_a_masked_number_not_at_all() -> None:
    found = figures(said("c", 0, 2, "我的卡号是[CARD]"), said("a", 2, 3, "好的"))
    assert (found.unit, side(found, "c").units, side(found, "a").units) == (SpeechUnit.CHARACTERS, 5, 2)


def test_dead_air_is_the_pauses_that_are_felt_and_not_the_silence_before_and_after() -> None:
    found = figures(said("a", 20, 21), said("c", 22, 23), said("a", 27, 28), said("c", 34, 35))
    assert (found.dead_air_ms, found.longest_pause_ms) == (4_000 + 6_000, 6_000)


def test_nobody_is_silent_while_one_side_speaks_on() -> None:
    found = figures(said("a", 0, 60), said("c", 2, 3), said("c", 50, 51))
    assert (found.dead_air_ms, found.longest_pause_ms, found.overlap_ms) == (0, 0, 2_000)


def test_a_monologue_is_ended_by_words_of_another_side_or_a_pause_and_not_by_a_mm_hm() -> None:
    found = figures(said("a", 0, 5), said("c", 5.1, 5.4, "mm-hm"), said("a", 5.5, 12), said("c", 12, 13))
    assert side(found, "a").longest_ms == 12_000
    broken = figures(said("a", 0, 5), said("c", 5.1, 6.4), said("a", 6.5, 12))
    assert side(broken, "a").longest_ms == 5_500
    paused = figures(said("a", 0, 5), said("a", 9, 11), said("c", 12, 13))
    assert side(paused, "a").longest_ms == 5_000


@pytest.mark.parametrize(
    ("starts", "ends", "interruptions"),
    [(4.0, 8.0, 1), (4.0, 4.4, 0), (4.7, 8.0, 0), (5.0, 8.0, 0), (0.0, 8.0, 0), (1.0, 2.0, 1)],
    ids=["cuts in", "a mm-hm", "hardly at once", "after the other", "both at once", "inside"],
)
def test_an_interruption_begins_while_the_other_speaks_on(starts: float, ends: float, interruptions: int) -> None:
    found = figures(said("a", 0, 5), said("c", starts, ends))
    assert (side(found, "c").interruptions, side(found, "a").interruptions) == (interruptions, 0)


def test_of_messages_there_are_counts_and_how_soon_they_were_answered() -> None:
    found = figures(
        said("c", 0, 0, "hello"), said("c", 5, 5, "anybody"), said("a", 65, 65), said("c", 70, 70), said("a", 90, 90)
    )
    assert (found.medium, found.overlap_ms, found.dead_air_ms, found.longest_pause_ms) == (Medium.TEXT, *[None] * 3)
    agent, customer = side(found, "a"), side(found, "c")
    assert (agent.response_ms, agent.longest_response_ms, customer.response_ms) == (20_000, 60_000, 5_000)
    assert (agent.turns, customer.turns) == (2, 2)
    assert agent.share == pytest.approx(6 / 11)
    assert (agent.spoken_ms, agent.longest_ms, agent.units_per_minute, agent.interruptions) == (*[None] * 4,)


def test_of_a_conversation_without_words_there_are_no_figures() -> None:
    assert talk_figures(()) is None


SEGMENTS = st.lists(
    st.builds(
        lambda role, start, length, text: Segment(
            segment_id=f"s{next(NUMBERS)}", role=role, start_ms=start, end_ms=start + length, text=text
        ),
        st.sampled_from(list(Role)),
        st.integers(0, 100_000),
        st.integers(0, 20_000),
        st.text(alphabet="ab 好。", max_size=8),
    ),
    min_size=1,
    max_size=30,
)


@given(SEGMENTS)
def test_shares_add_up_and_no_figure_is_impossible(segments: list[Segment]) -> None:
    found = figures(*segments)
    assert sum(one.share for one in found.sides) == pytest.approx(1)
    assert sum(one.turns for one in found.sides) <= len(segments)
    first, last = min(one.start_ms for one in segments), max(one.end_ms for one in segments)
    if found.medium is Medium.TEXT:
        return
    assert found.overlap_ms is not None
    assert found.dead_air_ms is not None
    assert found.longest_pause_ms is not None
    spoken = sum(one.spoken_ms or 0 for one in found.sides) - found.overlap_ms
    assert 0 <= spoken + found.dead_air_ms <= last - first
    assert found.dead_air_ms == 0 or found.longest_pause_ms >= DEAD_AIR_MS
    for one in found.sides:
        assert one.longest_ms is not None
        assert one.interruptions is not None
        assert one.longest_ms <= last - first
        own = [each for each in segments if each.role is one.role]
        assert one.longest_ms >= max(each.end_ms - each.start_ms for each in own)
        assert one.interruptions <= sum(each.end_ms - each.start_ms > CUT_IN_MS for each in own)


@given(SEGMENTS)
def test_the_order_of_the_segments_does_not_matter(segments: list[Segment]) -> None:
    turned = sorted(segments, key=lambda one: -one.start_ms)
    found, again = figures(*segments), figures(*turned)
    assert (found.dead_air_ms, found.overlap_ms) == (again.dead_air_ms, again.overlap_ms)
    assert {one.role: one.units for one in found.sides} == {one.role: one.units for one in again.sides}
