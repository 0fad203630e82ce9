"""What the word lists say: a required phrase that is missing, a forbidden or sensitive one that was said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.extract.findings import SIDES, evidence_of
from pipeline.extract.phrases import LENIENT, STRICT, find_phrase
from pipeline.scenarios.model import RequiredPhrase, WordLists
from schemas.insight import ComplianceHit, ComplianceKind, Evidence
from schemas.transcript import Segment
from schemas.wire import Role


def check_compliance(segments: Sequence[Segment], lists: WordLists, outcome: str | None) -> list[ComplianceHit]:
    """The hits of a whole conversation; of a conversation without words nothing can be said."""
    if not segments:
        return []
    hits = [
        ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name=phrase.name)
        for phrase in lists.required_phrases
        if phrase.when_outcome in {None, outcome} and not _was_said(phrase, segments)
    ]
    said = [
        *((ComplianceKind.FORBIDDEN_PHRASE, rule.name, rule.any_of, rule.role) for rule in lists.forbidden_phrases),
        *((ComplianceKind.SENSITIVE_WORD, rule.name, rule.any_of, None) for rule in lists.sensitive_words),
    ]
    for kind, name, wordings, role in said:
        if found := tuple(_said(wordings, filter(_speaker(role), segments))):
            hits.append(ComplianceHit(kind=kind, name=name, evidence=found))
    return hits


def _was_said(phrase: RequiredPhrase, segments: Iterable[Segment]) -> bool:
    speaks = _speaker(phrase.role)
    until = float("inf") if phrase.within_s is None else phrase.within_s * 1_000
    # One text, as the recogniser may have cut the phrase in two.
    text = " ".join(segment.text for segment in segments if speaks(segment) and segment.start_ms <= until)
    return any(find_phrase(wording, text, at_least=LENIENT) is not None for wording in phrase.any_of)


def _said(wordings: Sequence[str], segments: Iterable[Segment]) -> Iterator[Evidence]:
    for segment in segments:
        for wording in wordings:
            if (quote := find_phrase(wording, segment.text, at_least=STRICT)) is not None:
                yield evidence_of(segment, quote)
                break


def _speaker(role: Role | None) -> Callable[[Segment], bool]:
    """Who a rule is about."""
    return lambda segment: role is None or role in SIDES[segment.role]
