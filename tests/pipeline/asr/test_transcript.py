from typing import Any

import pytest

from pipeline.asr.channels import ChannelState
from pipeline.asr.transcribe import Heard
from pipeline.asr.transcript import health_of, hearing_of, roles_heard, segments_of, spoken_language
from pipeline.asr.vad import Span
from pipeline.ports import Recognition, TimedWord
from schemas.transcript import MaskedSpan, Segment
from schemas.wire import Role

SECOND = 16_000


def heard(channel: int, start_s: float, end_s: float, text: str = "yes", **facts: Any) -> Heard:
    return Heard(channel, Span(int(start_s * SECOND), int(end_s * SECOND)), Recognition(text, **facts))


def masked(channel: int, *spans: tuple[int, int]) -> Segment:
    return Segment(
        segment_id="s",
        channel=channel,
        role=Role.UNKNOWN,
        start_ms=0,
        end_ms=9_000,
        text="[CARD]",
        masked=tuple(MaskedSpan(kind="card", start_ms=start, end_ms=end) for start, end in spans),
    )


def test_words_have_times_of_the_call_inside_their_segment() -> None:
    words = (TimedWord("yes", 100, 300), TimedWord("of", 300, 1_700), TimedWord("course", 1_800, 2_500))
    (segment,) = segments_of([heard(0, 10, 11.5, "yes of course", words=words)], {}, ("acme", "call-1", 1))
    assert [(it.text, it.start_ms, it.end_ms) for it in segment.words] == [
        ("yes", 10_100, 10_300),
        ("of", 10_300, 11_500),
        ("course", 11_500, 11_500),
    ]


def test_what_has_no_words_is_no_segment_and_the_others_stand_in_order_of_their_start() -> None:
    found = segments_of([heard(1, 5, 6), heard(0, 7, 8, ""), heard(0, 1, 2)], {1: Role.CUSTOMER}, ("acme", "call-1", 1))
    assert [(it.channel, it.start_ms, it.role) for it in found] == [(0, 1_000, Role.UNKNOWN), (1, 5_000, Role.CUSTOMER)]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({0: Role.AGENT, 1: Role.CUSTOMER}, {0: Role.UNKNOWN, 1: Role.CUSTOMER}),
        ({0: Role.AGENT, 1: Role.AGENT}, {0: Role.AGENT, 1: Role.AGENT}),
        ({}, {}),
    ],
    ids=["two people", "one person", "nobody knows"],
)
def test_a_channel_that_another_persons_channel_repeats_has_an_unknown_role(
    roles: dict[int, Role], expected: dict[int, Role]
) -> None:
    assert roles_heard(roles, (ChannelState(0, "ok"), ChannelState(1, "duplicate", 0))) == expected
    assert roles_heard(roles, (ChannelState(0, "ok"), ChannelState(1, "ok"))) == roles


def test_health_says_how_long_somebody_spoke_on_each_channel() -> None:
    states = (ChannelState(0, "ok"), ChannelState(1, "dead"), ChannelState(2, "duplicate", 0))
    found = health_of(states, [heard(0, 1, 2.5), heard(0, 4, 5, "")])
    assert [(it.channel, it.state, it.same_as, it.spoken_ms) for it in found] == [
        (0, "ok", None, 2_500),
        (1, "dead", None, 0),
        (2, "duplicate", 0, 0),
    ]


def test_hearing_counts_speech_phantoms_by_reason_and_what_is_masked_once() -> None:
    spans = [
        heard(0, 0, 2),
        heard(0, 3, 4, "", cut="repetition"),
        heard(1, 3, 6, "", cut="no_speech"),
        heard(1, 7, 8, "", cut="repetition"),
    ]
    segments = [masked(0, (100, 500), (400, 700)), masked(1, (100, 500)), masked(0, (600, 900), (2_000, 2_100))]
    found = hearing_of(20_000, spans, segments)
    assert (found.heard_ms, found.spoken_ms, found.cut_ms) == (20_000, 7_000, 5_000)
    assert found.cuts == {"repetition": 2_000, "no_speech": 3_000}
    assert found.masked_ms == 800 + 100 + 400


def test_the_language_is_that_of_most_of_the_recognised_speech() -> None:
    spans = [heard(0, 0, 3, language="de"), heard(0, 4, 6, language="en"), heard(1, 7, 20, "", language="fr")]
    assert spoken_language(spans) == "de"
    assert spoken_language([heard(0, 0, 1)]) is None
