"""Whether the agent says already what a piece of advice says: then it is of no use."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pipeline.discovery.content_words import content_words
from pipeline.knowledge.relevance import stem
from pipeline.store.sparse import tokens

ENOUGH: Final = 0.5
"""Share of the advice's content words that the agent's words hold. Advice is some 20 such words: who names half of them
within half a minute is at it. What is withheld wrongly is lost, so that the share is not less.
"""
LEAST: Final = 3
"""Content words below which an advice says too little to be recognised by its words."""


def says(said: str, advice: str) -> bool:
    """Whether these words hold at least ``ENOUGH`` of the content words of the advice; inflection does not matter."""
    wanted = words_of(advice)
    if len(wanted) < LEAST or not said.strip():
        return False
    return len(wanted & words_of(said)) >= ENOUGH * len(wanted)


@lru_cache(maxsize=1_024)
def words_of(text: str) -> frozenset[str]:
    """The content words of a text, without endings; Chinese as it is cut for search."""
    return frozenset(stem(term) for term in content_words(token.term for token in tokens(text)))
