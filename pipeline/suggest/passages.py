"""The passages of the knowledge base that back a suggestion."""

from __future__ import annotations

from typing import Final

from pipeline.ports import VectorStore, Where
from pipeline.store.collections import KNOWLEDGE
from schemas.suggestion import Passage

MOST_PASSAGES: Final = 2


async def passages_for(
    store: VectorStore, text: str, *, tenant_id: str, scenario: str, language: str
) -> tuple[Passage, ...]:
    """Up to two passages of this tenant, scenario and language, nearest first; none if there is no knowledge base."""
    where = Where(equal={"tenant_id": tenant_id, "scenario": scenario, "language": language})
    hits = await store.search(KNOWLEDGE, text, where, MOST_PASSAGES)
    return tuple(Passage.model_validate(hit.payload) for hit in hits)
