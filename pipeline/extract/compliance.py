"""What the word lists say: a required phrase that is missing, a forbidden or sensitive one that was said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.extract.findings import SIDES, evidence_of
from pipeline.extract.phrases import LENIENT, STRICT, Line, find_span, line, together
from pipeline.extract.sensitive import find_sensitive
from pipeline.scenarios.model import ForbiddenPhrase, RequiredPhrase, WordLists
from schemas.insight import ComplianceHit, ComplianceKind, Evidence
from schemas.transcript import Segment
from schemas.wire import Role


def check_compliance(segments: Sequence[Segment], lists: WordLists, outcome: str | None) -> list[ComplianceHit]:
    """The hits of a whole conversation; of a conversation without words nothing can be said."""
    if not segments:
        return []
    heard = [(segment, line(segment.text)) for segment in segments]
    hits = [
        ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name=phrase.name)
        for phrase in lists.required_phrases
        if phrase.when_outcome in {None, outcome} and not _was_said(phrase, heard)
    ]
    hits += [
        ComplianceHit(kind=ComplianceKind.FORBIDDEN_PHRASE, name=phrase.name, evidence=said)
        for phrase in lists.forbidden_phrases
        if (said := tuple(filter(None, (said_forbidden(phrase, segment) for segment in segments))))
    ]
    return [*hits, *find_sensitive(segments, lists.sensitive_words)]


def _was_said(phrase: RequiredPhrase, heard: Iterable[tuple[Segment, Line]]) -> bool:
    speaks = _speaker(phrase.role)
    until = float("inf") if phrase.within_s is None else phrase.within_s * 1_000
    # One text, as the recogniser may have cut the phrase in two.
    whole = together(words for segment, words in heard if speaks(segment) and segment.start_ms <= until)
    return any(find_span(line(wording), whole, at_least=LENIENT) is not None for wording in phrase.any_of)


def said_forbidden(phrase: ForbiddenPhrase, segment: Segment) -> Evidence | None:
    """The words of a segment that say a forbidden phrase, if its speaker is one who must not."""
    if not _speaker(phrase.role)(segment):
        return None
    words = line(segment.text)
    spans = (find_span(line(wording), words, at_least=STRICT) for wording in phrase.any_of)
    span = next(filter(None, spans), None)
    return None if span is None else evidence_of(segment, segment.text[span[0] : span[1]])


def _speaker(role: Role | None) -> Callable[[Segment], bool]:
    """Who a rule is about."""
    return lambda segment: role is None or role in SIDES[segment.role]
