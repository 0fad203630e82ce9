"""The passages of a scenario as they are stored, those that ship with it and those that people have added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.ports import VectorStore, Where
from pipeline.store.collections import KNOWLEDGE
from schemas.suggestion import Passage

_PAGE: Final = 1_000
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage in its language; ``origin`` says how it came."""

    passage: Passage
    language: str
    origin: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a passage, and where it stands."""

    passage_id: str
    source: str
    title: str
    text: str


async def stored_passages(store: VectorStore, tenant_id: str, scenario: str) -> list[StoredPassage]:
    """All passages of a scenario, by source and in the order of their ids.

    Raises:
        Retryable: the store is away.
    """
    where = Where(equal={"tenant_id": tenant_id, "scenario": scenario})
    found: list[StoredPassage] = []
    after: str | None = None
    while True:
        hits, after = await store.page(KNOWLEDGE, where, _PAGE, after)
        found += [
            StoredPassage(Passage.model_validate(hit.payload), str(hit.payload["language"]), str(hit.payload["origin"]))
            for hit in hits
        ]
        if after is None:
            return sorted(found, key=lambda one: (one.passage.source, one.passage.title, one.passage.passage_id))


def quote(passage: Passage, text: str | None = None) -> Quote:
    """These words of a passage, or how it starts."""
    said = " ".join((passage.text if text is None else text).split())
    return Quote(
        passage.passage_id, passage.source, passage.title, said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"
    )


def by_language(passages: Sequence[StoredPassage]) -> dict[str, list[Passage]]:
    """The passages of each language."""
    found: dict[str, list[Passage]] = {}
    for one in passages:
        found.setdefault(one.language, []).append(one.passage)
    return found
