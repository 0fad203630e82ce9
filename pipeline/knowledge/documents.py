"""Documents of the knowledge base as their passages tell them; there is no other list, so that none can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.ids import stable_id
from pipeline.ports import VectorStore, Where
from pipeline.store.collections import KNOWLEDGE

ORIGIN: Final = "kb"
"""Of passages that people have added; those that ship with a scenario have another."""
_PAGE: Final = 1_000
_FIELDS: Final = (
    *("document_id", "source", "document_title", "scenario", "language", "document_version", "sha256"),
    *("document_passages", "added_by", "added_at"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document, who added it when, and how many of its passages are there.

    ``is_whole`` is false where adding it was stopped on the way; adding it again puts that right.
    """

    document_id: str
    source: str
    title: str
    scenario: str
    language: str
    version: int
    sha256: str
    passages: int
    added_by: str
    added_at: str
    is_whole: bool = True


def document_id(tenant_id: str, scenario: str, source: str) -> str:
    """The id of a document: the same for all of its versions."""
    return stable_id("kb-document", tenant_id, scenario, source)


def of_documents(tenant_id: str, scenario: str | None = None, source: str | None = None) -> Where:
    """The passages that people have added: all of a tenant, those of a scenario, or of one document."""
    named = {"scenario": scenario, "source": source}
    return Where(equal={"tenant_id": tenant_id, "origin": ORIGIN, **{key: it for key, it in named.items() if it}})


async def documents(store: VectorStore, tenant_id: str, scenario: str | None = None) -> tuple[Document, ...]:
    """All documents that people have added, by scenario and source.

    Raises:
        Retryable: the store is away.
    """
    found: dict[str, Document] = {}
    wanted: dict[str, int] = {}
    after: str | None = None
    while True:
        hits, after = await store.page(KNOWLEDGE, of_documents(tenant_id, scenario), _PAGE, after, fields=_FIELDS)
        for hit in hits:
            one = _document(hit.payload)
            wanted[one.document_id] = int(hit.payload["document_passages"])
            found[one.document_id] = _together(found.get(one.document_id), one)
        if after is None:
            break
    whole = (replace(one, is_whole=one.is_whole and one.passages == wanted[id_]) for id_, one in found.items())
    return tuple(sorted(whole, key=lambda one: (one.scenario, one.source)))


def _document(payload: Mapping[str, Any]) -> Document:
    return Document(
        document_id=str(payload["document_id"]),
        source=str(payload["source"]),
        title=str(payload["document_title"]),
        scenario=str(payload["scenario"]),
        language=str(payload["language"]),
        version=int(payload["document_version"]),
        sha256=str(payload["sha256"]),
        passages=1,
        added_by=str(payload["added_by"]),
        added_at=str(payload["added_at"]),
    )


def _together(known: Document | None, one: Document) -> Document:
    """With one more of its passages; of two versions, as a stop on the way leaves them, the newer one counts."""
    if known is None:
        return one
    if known.version == one.version:
        return replace(known, passages=known.passages + 1)
    return replace(max(known, one, key=lambda it: it.version), is_whole=False)
