"""Numbers with letters are looked for near digits alone, which must find what a look at the whole text finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.letters import _mixed_within, mixed
from pipeline.privacy.lexicon import (
    CODE_ALPHABET,
    FILLERS,
    PLURALS,
    REPEATS,
    SCALES,
    UNITS,
    UNITS_OF_AMOUNTS,
    words_of,
)
from pipeline.privacy.tokens import tokens_of
from schemas.transcript import Segment
from schemas.wire import Role

_WORDS = st.sampled_from(
    [
        *sorted(words_of("my boy zebra as in for like a I b JG SW1A 7 42 2024 $ . : 个")),
        *(*CODE_ALPHABET, *PLURALS, *REPEATS, *SCALES, *UNITS, *sorted(FILLERS | UNITS_OF_AMOUNTS)),
    ]
)


def segment(text: str) -> Segment:
    return Segment(segment_id="s", role=Role.AGENT, start_ms=0, end_ms=1_000, text=text)


@given(st.lists(st.tuples(_WORDS, st.sampled_from(["", " ", " "])), max_size=30))
def test_nothing_is_missed_beside_a_look_at_the_whole_text(words: list[tuple[str, str]]) -> None:
    segments = [segment("".join(word + space for word, space in words))]
    tokens = list(tokens_of(segments[0].text))
    assert list(mixed(tokens, segments)) == list(_mixed_within(tokens, 0, len(tokens), segments))


def test_a_number_is_found_whole_from_its_first_letter_to_its_last_between_other_words() -> None:
    text = "well it is b as in boy one two three c for charlie please and then JG 10 37 59 A thank you"
    assert [one.text for one in mixed(list(tokens_of(text)), [segment(text)])] == ["B123C", "JG103759A"]
