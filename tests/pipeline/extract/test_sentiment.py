from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import talk

from pipeline.extract.findings import evidence_of
from pipeline.extract.sentiment import side_sentiments
from schemas.insight import Intent, SideSentiment, ToneChange
from schemas.wire import Role, Sentiment

TONES = {"+": Sentiment.POSITIVE, "-": Sentiment.NEGATIVE, "0": Sentiment.NEUTRAL}


def sides(*lines: str) -> dict[Role, SideSentiment]:
    """Lines such as ``c: +``, each an intent of this tone."""
    segments = talk(*lines)
    intents = [
        Intent(
            intent_id=segment.segment_id,
            name="n",
            role=segment.role,
            sentiment=TONES[segment.text],
            confidence=1,
            evidence=(evidence_of(segment, segment.text),),
        )
        for segment in segments
    ]
    return {side.role: side for side in side_sentiments(segments, intents)}


def turn(*tones: str) -> tuple[ToneChange, int] | None:
    found = sides(*(f"c: {tone}" for tone in tones))[Role.CUSTOMER].turn
    return (found.change, found.at_ms // 5_000) if found else None


@pytest.mark.parametrize(
    ("tones", "expected"),
    [
        ("--++", (ToneChange.BETTER, 2)),
        ("++-", (ToneChange.WORSE, 2)),
        ("-0+", (ToneChange.BETTER, 2)),
        ("-+", (ToneChange.BETTER, 1)),
        ("----+---++++", (ToneChange.BETTER, 8)),
        ("-+-", None),
        ("---", None),
        ("00", None),
        ("+", None),
    ],
)
def test_a_tone_turns_where_it_is_clearly_another_from_there_on(
    tones: str, expected: tuple[ToneChange, int] | None
) -> None:
    assert turn(*tones) == expected


def test_each_side_has_its_own_tone_and_turn_with_the_words_that_turned_it() -> None:
    found = sides("c: -", "a: +", "c: -", "a: +", "c: +", "c: +")
    customer, agent = found[Role.CUSTOMER], found[Role.AGENT]
    assert (customer.sentiment, customer.score, agent.sentiment, agent.turn) == (
        Sentiment.NEUTRAL,
        0.0,
        Sentiment.POSITIVE,
        None,
    )
    assert customer.turn is not None
    assert [one.segment_id for one in customer.turn.evidence] == ["seg4"]


def test_a_side_that_shows_no_tone_is_neutral() -> None:
    assert sides("c: 0")[Role.CUSTOMER] == SideSentiment(role=Role.CUSTOMER, sentiment=Sentiment.NEUTRAL, score=0)


@given(st.lists(st.sampled_from("+-0"), max_size=12))
def test_a_turn_in_the_mirror_is_the_same_turn_the_other_way(tones: list[str]) -> None:
    mirrored = turn(*({"+": "-", "-": "+"}.get(tone, tone) for tone in tones)) if tones else None
    found = turn(*tones) if tones else None
    assert (found is None) == (mirrored is None)
    if found and mirrored:
        assert found[0] is not mirrored[0]
        assert found[1] == mirrored[1]
