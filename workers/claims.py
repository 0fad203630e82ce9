"""Large values by claim check: put away in a store before their record is written, redeemed before it is decoded.

The location travels as CloudEvents' extension ``dataref``; handlers never see any of this. Source: CloudEvents,
extensions/dataref.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import structlog

from pipeline.blobs.names import LARGEST_BLOB, call_folder
from pipeline.blobs.opened import SealedBlobs, open_blobs
from pipeline.errors import Poison, Retryable
from pipeline.ports import BlobStore
from pipeline.privacy.sealing import seal_of
from pipeline.settings import Settings
from pipeline.stages import AUDIO, DAY, TOPICS
from schemas.envelope import EnvelopeError, from_headers, payload_model
from workers.records import NewRecord, Record

log = structlog.get_logger()

DATAREF: Final = "ce_dataref"
SHA256: Final = "convmine-sha256"
LENGTH: Final = "convmine-length"
_HEADERS: Final = frozenset({DATAREF, SHA256, LENGTH})
_WHOLE: Final = frozenset({AUDIO} | {topic.name for topic in TOPICS if topic.compacted or not topic.events})
"""Topics whose values stay in their records: audio, dead letters as they came, and what is compacted, because that
outlives every retention.
"""
KEPT_S: Final = (2 * max(topic.retention_ms or 0 for topic in TOPICS) + DAY) / 1_000
"""Seconds for which a value is kept: as long as its record, then as long as that record's dead letter, and a day."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a value lies, the SHA-256 of its bytes in hex, and how many they are."""

    uri: str
    sha256: str
    length: int


def claims_of(settings: Settings) -> Claims:
    """The claims of an installation; their values are encrypted where it has keys for that.

    Raises:
        Config: one of the keys is none.
    """
    blobs = SealedBlobs(open_blobs(settings.claims), seal_of(settings.privacy))
    return Claims(blobs, settings.claims.threshold_bytes)


class Claims:
    """Exchanges large values for claims, and claims for their values; records with small values pass as they are."""

    def __init__(self, store: BlobStore, threshold_bytes: int) -> None:
        self._store = store
        self._threshold_bytes = threshold_bytes

    async def put_away(self, record: NewRecord) -> NewRecord:
        """The record to write; a value above the threshold is in the store when this returns.

        Raises:
            Retryable: the store is away or full.
            Poison: the value is too large even for the store.
        """
        if not needs_claim(record, self._threshold_bytes):
            return record
        assert record.value is not None
        digest = await asyncio.to_thread(_sha256, record.value)
        uri = await self._store.put(_name(record, digest), record.value)
        return with_claim(record, uri, digest)

    async def redeem(self, record: Record) -> Record:
        """The record as it was before its value was put away; one of a type that is skipped here keeps its claim.

        Raises:
            Retryable: the store is away.
            Poison: the claim is incomplete, points where nothing may be read, or the value is not the claimed one.
        """
        if not is_claimed(record) or not _is_read_here(record):
            return record
        claim = claim_of(record)
        value = await self._store.get(claim.uri)
        if len(value) != claim.length:
            raise Poison(f"the claimed value has {len(value)} bytes, the event says {claim.length}")
        if (found := await asyncio.to_thread(_sha256, value)) != claim.sha256:
            raise Poison(f"the claimed value's sha256 is {found}, the event says {claim.sha256}")
        return without_claim(record, value)

    async def tidy(self, every_s: float = 3_600.0) -> None:
        """Delete values that nothing needs any more, now and every so many seconds, for ever."""
        while True:
            try:
                if removed := await self._store.expire(KEPT_S):
                    log.info("claimed values removed after their retention", values=removed)
            except Retryable as error:
                log.warning("claimed values are not removed", reason=error.message)
            await asyncio.sleep(every_s)


def needs_claim(record: NewRecord, threshold_bytes: int) -> bool:
    """Whether the value is too large for a message, on a topic where it need not stay."""
    return record.value is not None and len(record.value) > threshold_bytes and record.topic not in _WHOLE


def with_claim(record: NewRecord, uri: str, digest: str) -> NewRecord:
    """The record with an empty value and, behind its headers, where the value lies."""
    length = str(len(record.value or b""))
    claim = ((DATAREF, uri.encode()), (SHA256, digest.encode()), (LENGTH, length.encode()))
    return replace(record, value=b"", headers=(*record.headers, *claim))


def is_claimed(record: Record) -> bool:
    """Whether the value lies elsewhere; a record that has both, as CloudEvents allows, is read as it is."""
    return not record.value and DATAREF in dict(_texts(record.headers))


def claim_of(record: Record) -> Claim:
    """The claim in a claimed record; of a repeated header the last one counts.

    Raises:
        Poison: a header is missing or does not hold what it should.
    """
    texts = dict(_texts(record.headers))
    digest, length = texts.get(SHA256, ""), texts.get(LENGTH, "")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Poison(f"an event with {DATAREF} needs the header {SHA256}: 64 hexadecimal digits in lower case")
    if not re.fullmatch(r"[0-9]{1,12}", length):
        raise Poison(f"an event with {DATAREF} needs the header {LENGTH}: the number of bytes")
    if int(length) > LARGEST_BLOB:
        raise Poison(f"the claimed value has {length} bytes: it may have {LARGEST_BLOB}")
    return Claim(texts[DATAREF], digest, int(length))


def without_claim(record: Record, value: bytes) -> Record:
    """The record with its value, and without the headers of a claim."""
    headers = tuple((name, held) for name, held in record.headers if name.lower() not in _HEADERS)
    return replace(record, value=value, headers=headers)


def _name(record: NewRecord, digest: str) -> str:
    envelope = from_headers(record.headers)
    return f"{call_folder(envelope.tenantid, envelope.subject)}/{digest}.json"


def _is_read_here(record: Record) -> bool:
    try:
        return payload_model(from_headers(record.headers)) is not None
    except EnvelopeError:  # whoever decodes the record says what is wrong with it
        return False


def _texts(headers: Iterable[tuple[str, bytes | None]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if value is not None and name.lower() in _HEADERS:
            yield name.lower(), value.decode(errors="replace")


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
