from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from live_events import segment

from pipeline.compliance.alerts import PLACES, Scene, of_words
from pipeline.compliance.rules import Rules, remembering
from pipeline.extract.compliance import check_compliance
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import ForbiddenPhrase, SensitiveWords, WordLists
from schemas.compliance import AlertKind
from schemas.insight import ComplianceKind
from schemas.wire import CallFacts, Role

SCENE = Scene("acme", "c1", CallFacts(), datetime(2026, 3, 2, tzinfo=UTC))
LISTS = {language: shipped("telecom").edition(language).words for language in ("en", "zh")}
RULES = {language: Rules.of(lists) for language, lists in LISTS.items()}
PIECES = {
    "en": [
        *sorted({word for phrase in LISTS["en"].forbidden_phrases for one in phrase.any_of for word in one.split()}),
        "lawyer",
        "court",
        "well",
        "now",
        "decided",
        "guarantee",
        "price",
    ],
    "zh": [
        *sorted({one for phrase in LISTS["zh"].forbidden_phrases for one in phrase.any_of}),
        "律师",
        "法院",
        "好的",
        "现在",
    ],
}


@st.composite
def spoken(draw: st.DrawFn) -> tuple[str, str, Role]:
    """A language, words that are near to what its lists forbid, and who says them."""
    language = draw(st.sampled_from(sorted(LISTS)))
    whole = [one for phrase in LISTS[language].forbidden_phrases for one in phrase.any_of]
    words = draw(st.lists(st.sampled_from(PIECES[language] + whole), max_size=8))
    text = (" " if language == "en" else "").join(words)
    cut = draw(st.integers(0, max(0, len(text))))
    return language, text[:cut] + draw(st.sampled_from(["", "x", " "])) + text[cut:], draw(st.sampled_from(list(Role)))


@given(spoken())
def test_a_segment_is_told_of_exactly_where_the_whole_call_would_be(case: tuple[str, str, Role]) -> None:
    language, text, role = case
    said = segment(0, text, role)
    told = {(str(alert.kind), alert.name, alert.evidence) for alert in of_words(SCENE, said, RULES[language])}
    hits = check_compliance([said], LISTS[language], None)
    assert told == {
        (str(hit.kind), hit.name, hit.evidence) for hit in hits if hit.kind is not ComplianceKind.MISSING_PHRASE
    }


def test_lists_without_rules_find_nothing() -> None:
    assert list(of_words(SCENE, segment(0, "my lawyer"), Rules.of(WordLists()))) == []


def test_thousands_of_words_are_found_in_one_pass() -> None:
    words = tuple(f"word{number}" for number in range(5_000))
    rules = Rules.of(WordLists(sensitive_words=(SensitiveWords(name="many", title="Many", any_of=words),)))
    (alert,) = of_words(SCENE, segment(0, "so word4999 and word17 but not word5000"), rules)
    assert (alert.kind, [one.quote for one in alert.evidence]) == (AlertKind.SENSITIVE_WORD, ["word4999", "word17"])


def test_a_word_that_is_said_again_and_again_is_quoted_some_times() -> None:
    (alert,) = of_words(SCENE, segment(0, "lawyer " * 1_000), RULES["en"])
    assert len(alert.evidence) == PLACES


def test_lists_are_made_ready_once_and_changed_ones_anew() -> None:
    rules_of = remembering()
    forbidden = ForbiddenPhrase(name="f", title="F", any_of=("never say this",))
    one, other = WordLists(forbidden_phrases=(forbidden,)), WordLists()
    assert rules_of(one) is rules_of(one)
    assert rules_of(other).lists is other
    assert all(rules_of(lists).lists is lists for lists in (WordLists() for _ in range(200)))
