from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talks import talk

from pipeline.extract.chunks import Chunk, Turn, chunked, turns_of
from pipeline.extract.claims import Grounded
from pipeline.extract.findings import FoundEntity, FoundFollowUp, FoundIntent, FoundObjection, evidence_of
from pipeline.extract.merge import merged
from pipeline.extract.tokens import estimated_tokens
from schemas.call import OutcomeResult
from schemas.insight import Evidence, FollowUpKind, Handling, InferredOutcome

SAID = turns_of(
    talk(
        "c: it is too expensive for me",
        "c: i want to cancel, yes cancel the contract",
        "a: i can call you back tomorrow at nine",
        "c: fine then i stay for twenty dollars or for thirty",
    )
)


def quote(turn: int, words: str) -> Evidence:
    return evidence_of(SAID[turn].segment, words)


def intent(turn: int, words: str, name: str = "cancel_contract") -> FoundIntent:
    return FoundIntent(name, 0.9, quote(turn, words))


def part(*turns: int, **found: Any) -> tuple[Chunk, Grounded]:
    nothing: dict[str, Any] = {"intents": (), "entities": (), "outcome": None, "dropped": 0}
    return tuple(SAID[turn] for turn in turns), Grounded(**{**nothing, **found})


def outcome(turn: int, words: str, name: str = "retained") -> InferredOutcome:
    return InferredOutcome(name=name, result=OutcomeResult.WON, reason="r", evidence=(quote(turn, words),))


def test_an_intent_that_both_chunks_found_in_the_same_words_counts_once() -> None:
    first, second = intent(1, "want to cancel"), intent(1, "cancel, yes")
    assert merged([part(0, 1, intents=(first,)), part(1, 2, intents=(second,))]).intents == (first,)


def test_what_only_the_later_chunk_saw_counts_too() -> None:
    found = intent(1, "want to cancel")
    assert merged([part(0, 1), part(1, 2, intents=(found,))]).intents == (found,)


def test_where_chunks_overlap_the_earlier_says_how_often_an_intent_occurs() -> None:
    first, other = intent(1, "want to cancel"), intent(1, "yes cancel the contract")
    assert merged([part(0, 1, intents=(first,)), part(1, 2, intents=(other,))]).intents == (first,)
    assert merged([part(0, 1, intents=(first, other)), part(1, 2, intents=(other,))]).intents == (first, other)


def test_another_intent_in_the_same_words_is_another_one() -> None:
    both = (intent(0, "too expensive", "price_objection"), intent(0, "too expensive"))
    assert merged([part(0, 1, intents=both)]).intents == both


def test_one_chunk_that_says_a_thing_twice_is_counted_once() -> None:
    found = intent(0, "too expensive")
    assert merged([part(0, intents=(found, found))]).intents == (found,)


def test_pieces_of_one_turn_each_have_their_own_intents() -> None:
    text = SAID[1].segment.text
    first, second = (Turn("s2", SAID[1].segment, 0, 20), Turn("s2", SAID[1].segment, 20, len(text)))
    early, late = intent(1, "want to cancel"), intent(1, "yes cancel the contract")
    nothing = Grounded((), (), None, 0)
    found = merged(
        [
            ((first,), Grounded((early,), (), None, 0)),
            ((second,), Grounded((late,), (), None, 0)),
            ((second,), nothing),
        ]
    )
    assert found.intents == (early, late)


def test_intents_are_in_order_of_time_and_of_words() -> None:
    found = (intent(3, "i stay", "agree_to_stay"), intent(1, "cancel the contract"), intent(1, "want to cancel"))
    assert [one.evidence.quote for one in merged([part(1, 3, intents=found)]).intents] == [
        "want to cancel",
        "cancel the contract",
        "i stay",
    ]


def test_entities_with_other_words_are_two_even_where_both_chunks_saw_them() -> None:
    twenty, thirty = (FoundEntity("money", words, quote(3, words)) for words in ("twenty dollars", "thirty"))
    found = merged([part(2, 3, entities=(twenty,)), part(3, entities=(twenty, thirty))])
    assert found.entities == (twenty, thirty)


def test_an_answer_that_only_the_later_chunk_saw_belongs_to_the_objection() -> None:
    open_, answered = (
        FoundObjection(handling, quote(0, "too expensive"), answer)
        for handling, answer in ((Handling.IGNORED, None), (Handling.ANSWERED, quote(2, "call you back")))
    )
    assert merged([part(0, objections=(open_,)), part(0, 2, objections=(answered,))]).objections == (answered,)
    assert merged([part(0, 2, objections=(answered,)), part(0, objections=(open_,))]).objections == (answered,)


def test_a_promise_and_the_next_step_in_the_same_words_are_two_follow_ups() -> None:
    promise, step = (
        FoundFollowUp(kind, "call back", quote(2, "call you back tomorrow"), "tomorrow at nine")
        for kind in (FollowUpKind.PROMISE, FollowUpKind.NEXT_STEP)
    )
    found = merged([part(1, 2, follow_ups=(promise,)), part(2, 3, follow_ups=(promise, step))])
    assert found.follow_ups == (promise, step)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([outcome(1, "cancel", "lost"), outcome(3, "i stay")], "retained"),
        ([outcome(3, "i stay"), outcome(1, "cancel", "lost")], "retained"),
        ([outcome(3, "i stay"), None], "retained"),
        ([outcome(3, "i stay", "first"), outcome(3, "i stay", "second")], "second"),
    ],
)
def test_the_outcome_is_the_one_whose_evidence_is_latest(told: list[InferredOutcome | None], expected: str) -> None:
    found = merged([part(0, 1, 2, 3, outcome=one) for one in told]).outcome
    assert found is not None
    assert found.name == expected


def test_what_was_dropped_is_added_up() -> None:
    assert merged([part(0, dropped=2), part(1, dropped=3)]).dropped == 5


KEYWORDS = {"expensive": "price_objection", "cancel": "cancel_contract", "stay": "agree_to_stay"}
WORDS = st.sampled_from([*KEYWORDS, "well", "then", "contract,", "yes."])
TEXTS = st.lists(WORDS, min_size=1, max_size=8) | st.lists(WORDS, min_size=80, max_size=160)
TALKS = st.lists(TEXTS.map(" ".join), min_size=1, max_size=12).map(
    lambda texts: turns_of(talk(*(f"c: {t}" for t in texts)))
)


def perfect(chunk: Chunk) -> Grounded:
    """A model that finds every intent there is in what it is shown; it names each in the first words that say it."""
    intents = [
        FoundIntent(name, 0.9, evidence_of(turn.segment, word))
        for turn in chunk
        for word, name in KEYWORDS.items()
        if word in turn.text
    ]
    last = max(intents, key=lambda one: one.evidence.start_ms, default=None)
    if last is None:
        return Grounded((), (), None, 0)
    told = InferredOutcome(name="o", result=OutcomeResult.WON, reason="", evidence=(last.evidence,))
    return Grounded(tuple(intents), (), told, 0)


@settings(max_examples=40)
@given(TALKS, st.integers(150, 400), st.integers(0, 5))
def test_chunks_do_not_change_what_a_perfect_model_finds(said: Chunk, room: int, overlap: int) -> None:
    chunks = chunked(said, lambda text: estimated_tokens(text) + 10, room=room, overlap=overlap)
    found, whole = merged([(chunk, perfect(chunk)) for chunk in chunks]), merged([(said, perfect(said))])
    assert found.intents == whole.intents
    assert (found.outcome is None) == (whole.outcome is None)
    if found.outcome and whole.outcome:
        assert found.outcome.evidence[0].segment_id == whole.outcome.evidence[0].segment_id


FOUND = st.lists(
    st.builds(intent, st.just(1), st.sampled_from(["want to cancel", "cancel", "yes cancel", "the contract"])),
    max_size=4,
)


@given(st.lists(FOUND, min_size=1, max_size=4))
def test_merging_what_was_merged_changes_nothing(found: list[list[FoundIntent]]) -> None:
    once = merged([part(0, 1, 2, intents=tuple(one)) for one in found])
    assert merged([(SAID, once)]) == once
    quotes = [(SAID[1].segment.text.index(one.evidence.quote), len(one.evidence.quote)) for one in once.intents]
    assert all(start + size <= after for (start, size), (after, _) in pairwise(quotes))
