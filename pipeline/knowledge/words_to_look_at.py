"""Words of passages to look at: those of the scenario's lists, and personal numbers and addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.extract.sensitive import find_sensitive
from pipeline.knowledge.stored import Quote, StoredPassage, quote
from pipeline.privacy.masking import masked_and_found
from pipeline.scenarios.model import SensitiveWords
from schemas.suggestion import Passage
from schemas.transcript import Segment
from schemas.wire import Role


@dataclass(frozen=True, slots=True)
class SensitiveWord:
    """A word of one of the scenario's lists, by the list's name, and where it stands."""

    name: str
    where: Quote


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Of which kind a personal number or address is, and where it stands; the words shown are masked."""

    kind: str
    where: Quote


def sensitive_words(passages: Sequence[Passage], rules: tuple[SensitiveWords, ...]) -> Iterator[SensitiveWord]:
    """Each of these words in each passage; a list names a word once a place."""
    for passage in passages:
        for hit in find_sensitive([_segment(passage.text)], rules):
            for evidence in hit.evidence:
                yield SensitiveWord(hit.name, quote(passage, evidence.quote))


def personal_data(passages: Sequence[StoredPassage]) -> Iterator[PersonalData]:
    """Of passages that were not masked when they came, as those that ship with a scenario: what would be."""
    for one in passages:
        (masked,), found = masked_and_found([_segment(one.passage.text)], one.language)
        for kind in sorted({str(it.kind) for it in found}):
            yield PersonalData(kind, quote(one.passage, masked.text))


def _segment(text: str) -> Segment:
    return Segment(segment_id="text", role=Role.UNKNOWN, start_ms=0, end_ms=0, text=text)
