"""The passages of the knowledge base that answer a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.figures import KB_ASKED, KB_HIT, KB_RELEVANCE, NoMeter
from pipeline.knowledge.relevance import RELEVANT, Candidate, relevances
from pipeline.ports import Hit, Meter, VectorStore, Where
from pipeline.store.collections import BY_NAME, KNOWLEDGE
from schemas.suggestion import Passage

_CANDIDATES: Final = 20
"""Passages that a search brings to be weighed; the one that answers was among its first three in every trial."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, how far it answers (0 to 1), and who brought it in: a person, or the scenario that it ships with."""

    passage: Passage
    relevance: float
    approved_by: str


async def find_passages(  # noqa: PLR0913 - one argument an option
    store: VectorStore,
    question: str,
    *,
    tenant_id: str,
    scenario: str,
    language: str,
    most: int = 2,
    least: float = RELEVANT,
    meter: Meter | None = None,
) -> tuple[Found, ...]:
    """The passages of this tenant, scenario and language that answer a question, best first; often there is none.

    Args:
        store: has the knowledge base.
        question: in words, as it was asked.
        tenant_id: whose knowledge base.
        scenario: of the conversation.
        language: of the conversation, and of the passages.
        most: passages.
        least: relevance of a passage, 0 to 1.
        meter: is told that something was asked, how relevant the best passage was, and whether that was a hit.

    Raises:
        Retryable: the store or the embedder's server is away.
    """
    where = Where(equal={"tenant_id": tenant_id, "scenario": scenario, "language": language})
    hits = await store.search(KNOWLEDGE, question, where, _CANDIDATES, with_cosine=True)
    text_of = BY_NAME[KNOWLEDGE].text_of
    weighed = relevances(question, [Candidate(text_of(hit.payload), hit.cosine) for hit in hits])
    ranked = sorted(zip(weighed, hits, strict=True), key=lambda pair: (-pair[0], pair[1].id))
    found = tuple(_found(hit, relevance) for relevance, hit in ranked[:most] if relevance >= least)
    _tell(meter or NoMeter(), ranked[0][0] if ranked else 0.0, is_hit=bool(found), scenario=scenario, language=language)
    return found


def _found(hit: Hit, relevance: float) -> Found:
    by = hit.payload.get("added_by") or hit.payload["scenario"]
    return Found(Passage.model_validate(hit.payload), round(relevance, 4), str(by))


def _tell(meter: Meter, best: float, *, is_hit: bool, scenario: str, language: str) -> None:
    meter.count(KB_ASKED, scenario=scenario, language=language)
    meter.observe(KB_RELEVANCE, best, scenario=scenario, language=language)
    if is_hit:
        meter.count(KB_HIT, scenario=scenario, language=language)
