"""What is wrong with the knowledge of a scenario, and what it lacks, as far as that can be told without a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.knowledge.contradictions import Contradiction, contradictions
from pipeline.knowledge.doubles import Double, doubles
from pipeline.knowledge.hits import Hits, Question, hits
from pipeline.knowledge.stored import by_language, stored_passages
from pipeline.knowledge.words_to_look_at import PersonalData, SensitiveWord, personal_data, sensitive_words
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings by their kind; each has the words that it stands on, and in which passage they are."""

    scenario: str
    passages: int
    duplicates: tuple[Double, ...]
    contradictions: tuple[Contradiction, ...]
    sensitive_words: tuple[SensitiveWord, ...]
    personal_data: tuple[PersonalData, ...]
    hits: Hits

    @property
    def findings(self) -> int:
        """How many there are; a question without a hit and a passage never hit are findings, too."""
        said = (self.duplicates, self.contradictions, self.sensitive_words, self.personal_data)
        return sum(map(len, said)) + len(self.hits.misses) + len(self.hits.never_hit)


async def check(
    store: VectorStore, scenario: Scenario, questions: Mapping[Question, int], *, tenant_id: str
) -> Checked:
    """Check the passages of a scenario, those that ship with it, too, each language by itself.

    Args:
        store: has them.
        scenario: whose lists of sensitive words count.
        questions: what is asked of them, and how often it was.
        tenant_id: whose knowledge base.

    Raises:
        Retryable: the store is away.
    """
    passages = await stored_passages(store, tenant_id, scenario.id)
    parts = by_language(passages)
    return Checked(
        scenario=scenario.id,
        passages=len(passages),
        duplicates=tuple(one for part in parts.values() for one in doubles(part)),
        contradictions=tuple(one for part in parts.values() for one in contradictions(part)),
        sensitive_words=tuple(
            one
            for language, part in parts.items()
            for one in sensitive_words(part, scenario.edition(language).words.sensitive_words)
        ),
        personal_data=tuple(personal_data(passages)),
        hits=await hits(store, questions, passages, tenant_id=tenant_id, scenario=scenario.id),
    )
