"""Documents into the knowledge base: read, masked, cut and written, the new version first and then the old one out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal, Protocol

from pipeline.errors import Poison
from pipeline.ids import stable_id
from pipeline.knowledge.cutting import Block, Heading, cut_blocks
from pipeline.knowledge.documents import ORIGIN, Document, document_id, of_documents
from pipeline.knowledge.languages import language_of
from pipeline.knowledge.page import Page
from pipeline.knowledge.reading import ending_of
from pipeline.ports import Point, VectorStore
from pipeline.privacy.masking import masked_and_found
from pipeline.store.collections import KNOWLEDGE
from schemas.suggestion import Passage
from schemas.transcript import Segment
from schemas.wire import Role

What = Literal["added", "changed", "unchanged", "failed"]
_LANGUAGE_LETTERS: Final = 20_000
"""Letters of a document that its language is told by."""


class Reads(Protocol):
    """Reads a document of a format, by the ending of its name; ``pipeline.knowledge.reading_apart`` does."""

    def __call__(self, ending: str, data: bytes, /) -> Page: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """A document that is to be in the knowledge base; ``source`` is its name there, and what people are shown."""

    source: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a document that was offered; of one that failed, why, and its older version stays."""

    source: str
    what: What
    version: int = 0
    language: str = ""
    passages: int = 0
    masked: int = 0
    notes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """For whom, and by whom, documents are added.

    ``languages`` are those of the scenario; ``language`` is that of all documents, where it is not to be told from
    their text. ``by`` is who answers for what they say.
    """

    tenant_id: str
    scenario: str
    languages: tuple[str, ...]
    by: str
    language: str | None = None
    at: datetime | None = None

    @property
    def time(self) -> str:
        """When, in UTC."""
        return (self.at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


async def add(store: VectorStore, offered: Offered, known: Document | None, entry: Entry, read: Reads) -> Added:
    """Have a document in the knowledge base as it is now; one whose bytes are known already costs a hash.

    The passages of the new version are written before those of the old one go, so that a question always finds one of
    them; where that is stopped on the way, adding it again goes on.

    Args:
        store: where to.
        offered: the document.
        known: the version that is there, if any.
        entry: for whom and by whom.
        read: reads its format.

    Returns:
        what became of it; a document that cannot be read is told, and not raised.

    Raises:
        Retryable: the store is away.
        Config: the package that reads this format is not installed.
    """
    digest = sha256(offered.data).hexdigest()
    if known is not None and _is_there(known, digest, entry):
        return Added(offered.source, "unchanged", known.version, known.language, known.passages)
    try:
        page = read(ending_of(offered.source, offered.data), offered.data)
        language = entry.language or language_of(_start_of(page), entry.languages)
    except Poison as error:
        return Added(offered.source, "failed", reason=error.in_one_line)
    masked_page, masked = _masked(page, language)
    version = 1 if known is None else known.version + (known.sha256 != digest or known.language != language)
    document = Document(
        document_id=document_id(entry.tenant_id, entry.scenario, offered.source),
        source=offered.source,
        title=masked_page.title or _name_of(offered.source),
        scenario=entry.scenario,
        language=language,
        version=version,
        sha256=digest,
        passages=0,
        added_by=entry.by,
        added_at=entry.time,
    )
    points = _points(document, masked_page, entry.tenant_id)
    await store.put(KNOWLEDGE, points)
    others = of_documents(entry.tenant_id, entry.scenario, offered.source)
    await store.remove(KNOWLEDGE, others, keep=[point.id for point in points])
    what: What = "added" if known is None else "changed"
    return Added(offered.source, what, version, language, len(points), masked, page.notes)


def _is_there(known: Document, digest: str, entry: Entry) -> bool:
    """Whether this very document is there, whole, in the language that is asked for."""
    return known.is_whole and known.sha256 == digest and entry.language in {None, known.language}


def _points(document: Document, page: Page, tenant_id: str) -> list[Point]:
    """A point a passage; the same words under the same heading twice are one."""
    cut = {
        passage.passage_id: passage for passage in cut_blocks(page.blocks, source=document.source, title=document.title)
    }
    return [_point(passage, document, tenant_id, of=len(cut)) for passage in cut.values()]


def _point(passage: Passage, document: Document, tenant_id: str, *, of: int) -> Point:
    return Point(
        id=stable_id("kb-passage", tenant_id, document.scenario, passage.passage_id),
        text=f"{passage.title}\n{passage.text}",
        payload={
            **passage.model_dump(),
            "tenant_id": tenant_id,
            "scenario": document.scenario,
            "language": document.language,
            "origin": ORIGIN,
            "document_id": document.document_id,
            "document_title": document.title,
            "document_version": document.version,
            "document_passages": of,
            "sha256": document.sha256,
            "added_by": document.added_by,
            "added_at": document.added_at,
        },
    )


def _masked(page: Page, language: str) -> tuple[Page, int]:
    """Without personal numbers and addresses, and how many those were.

    Headings and paragraphs are masked by themselves: a page has no speakers, and what a number is shows beside it.
    """
    count = 0
    blocks: list[Block] = []
    for block in page.blocks:
        text, found = _masked_text(block.text if isinstance(block, Heading) else block, language)
        blocks.append(replace(block, text=text) if isinstance(block, Heading) else text)
        count += found
    title, _ = _masked_text(page.title, language)  # the first heading again, as a rule
    return replace(page, title=title, blocks=tuple(blocks)), count


def _masked_text(text: str, language: str) -> tuple[str, int]:
    segment = Segment(segment_id="text", role=Role.UNKNOWN, start_ms=0, end_ms=0, text=text)
    (masked,), found = masked_and_found([segment], language)
    return masked.text, len(found)


def _start_of(page: Page) -> str:
    return "\n".join(_texts(page.blocks))[:_LANGUAGE_LETTERS]


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        yield block.text if isinstance(block, Heading) else block


def _name_of(source: str) -> str:
    """What a document without a title is called: the last part of its name, without the ending."""
    last = source.rstrip("/").rpartition("/")[2]
    return last.rpartition(".")[0] or last or source
