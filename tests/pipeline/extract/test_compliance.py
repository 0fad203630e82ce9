from __future__ import annotations

import pytest
from talks import talk

from pipeline.extract.compliance import check_compliance
from pipeline.scenarios.load import shipped
from schemas.insight import ComplianceHit, ComplianceKind

NOTICE = "a: before we start this call is recorded"
MISSING = (ComplianceKind.MISSING_PHRASE, "recording_notice")


def hits(*lines: str, outcome: str | None = None, language: str = "en") -> list[tuple[ComplianceKind, str]]:
    return [(hit.kind, hit.name) for hit in full_hits(*lines, outcome=outcome, language=language)]


def full_hits(*lines: str, outcome: str | None = None, language: str = "en") -> list[ComplianceHit]:
    return check_compliance(talk(*lines), shipped("telecom").edition(language).words, outcome)


def test_a_required_phrase_that_was_said_is_no_hit() -> None:
    assert hits(NOTICE) == []


def test_a_misheard_required_phrase_counts_as_said() -> None:
    assert hits("a: before we start this call as recorded") == []


def test_a_required_phrase_cut_in_two_by_the_recogniser_counts_as_said() -> None:
    assert hits("a: before we start this call", "c: yes", "a: is recorded") == []


@pytest.mark.parametrize(
    "lines",
    [
        ("a: good morning",),
        ("c: this call is recorded",),
        (*["a: well"] * 7, NOTICE),
    ],
    ids=["never", "by the wrong side", "too late"],
)
def test_a_required_phrase_is_missing(lines: tuple[str, ...]) -> None:
    assert hits(*lines) == [MISSING]


def test_a_phrase_may_be_required_for_one_outcome_only() -> None:
    assert hits(NOTICE, outcome="bought") == [(ComplianceKind.MISSING_PHRASE, "cooling_off")]
    assert hits(NOTICE, "a: you have fourteen days to change your mind", outcome="bought") == []


def test_a_forbidden_phrase_is_quoted_and_only_a_matter_of_its_side() -> None:
    (hit,) = full_hits(NOTICE, "a: you must decide now really")
    assert (hit.kind, hit.name) == (ComplianceKind.FORBIDDEN_PHRASE, "false_urgency")
    assert [evidence.quote for evidence in hit.evidence] == ["you must decide now"]
    assert hits(NOTICE, "c: so you must decide now") == []


def test_a_sensitive_word_counts_whoever_says_it() -> None:
    assert hits(NOTICE, "c: i will call a lawyer") == [(ComplianceKind.SENSITIVE_WORD, "legal_action")]


def test_chinese_lists_are_compared_to_the_letter() -> None:
    assert hits("a: 本次通话会被录音", "c: 不然我找律师", language="zh") == [
        (ComplianceKind.SENSITIVE_WORD, "legal_action")
    ]


def test_of_a_conversation_without_words_nothing_is_said() -> None:
    assert hits() == []
