"""Erasing calls: asked for on Kafka, removed from every place that the settings name, and a receipt of all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import uuid4

from pydantic import ValidationError

from pipeline.erasure.erased import customer_digest
from pipeline.erasure.opened import places_of, stored_calls
from pipeline.erasure.places import Cleared, Place, erase
from pipeline.erasure.receipt import ErasedCall, NotReached, Receipt
from pipeline.erasure.record import ErasureRecord
from pipeline.errors import ConvmineError
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.privacy.vault import Subject
from pipeline.settings import Settings
from pipeline.stages import ERASURES
from pipeline.store.connections import Connection
from pipeline.store.open import connection_of
from schemas.envelope import message
from schemas.reference import ErasureRequested
from workers.edge import Edge
from workers.kafka_held import configs_on_kafka, recordings_of, still_held
from workers.records import NewRecord, write_event

_RECORD: Final = "the store's record of erasures"
_KAFKA: Final = "Kafka"
_AGAIN: Final = "run it again when that is mended; what is done already does no harm"
NOTES: Final = (
    "flow.graph keeps counts of steps, the usage ledger sums: neither has a word or an id of a call",
    "files that convmine export wrote and backups are not known here: make them anew, or delete them",
    "files of other machines (caches, vaults, Parquet copies) are cleared by the workers that run there",
    "logs and the audit log name calls by their ids, and never what was said",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which calls shall be erased: those with these ids, or those of a customer; who asks, and why."""

    tenant_id: str
    requested_by: str
    call_ids: tuple[str, ...] = ()
    customer_id: str | None = None
    reason: str | None = None
    receipt_id: str = field(default_factory=lambda: str(uuid4()))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def customer_sha256(self) -> str | None:
        """By what the customer is remembered."""
        return None if self.customer_id is None else customer_digest(self.tenant_id, self.customer_id)


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored of the calls: the calls, and how many points each collection has of them."""

    calls: tuple[ErasedCall, ...]
    points: dict[str, int]

    @property
    def unknown(self) -> list[str]:
        """The ids of calls of which nothing is stored, and that nobody has erased."""
        return [one.call_id for one in self.calls if not one.was_stored and one.erased_before is None]


@asynccontextmanager
async def erasing(settings: Settings, who: str) -> AsyncIterator[Erasing]:
    """Erases on the installation of these settings."""
    connection = connection_of(settings.store)
    try:
        async with places_of(settings, connection, who) as places:
            yield Erasing(settings, connection, places)
    finally:
        await connection.close()


class Erasing:
    """Looks first, then erases; both may be done again.

    Args:
        settings: of the installation.
        connection: how its store is reached.
        places: from where calls are removed.
    """

    def __init__(self, settings: Settings, connection: Connection, places: Sequence[Place]) -> None:
        self.places = tuple(places)
        self._settings = settings
        self._stored = stored_calls(connection, settings.store)
        self._record = ErasureRecord(connection, prefix=settings.store.prefix)

    async def look(self, asked: Asked) -> Found:
        """What is stored of the calls that are asked for.

        Raises:
            Retryable: the store is away, or another process has its folder open.
        """
        ids = asked.call_ids
        if asked.customer_id is not None:
            ids = tuple(await self._stored.of_customer(asked.tenant_id, asked.customer_id))
        calls, points = list[ErasedCall](), dict[str, int]()
        for call_id in ids:
            subject = Subject(asked.tenant_id, call_id)
            found = await self._stored.points(subject)
            points |= {name: points.get(name, 0) + count for name, count in found.items()}
            calls.append(
                ErasedCall(
                    call_id=call_id,
                    was_stored=any(found.values()),
                    was_live=await self._stored.is_live(subject),
                    erased_before=await self._record.since(asked.tenant_id, call_id),
                )
            )
        return Found(tuple(calls), points)

    async def erase(self, asked: Asked, calls: Sequence[ErasedCall]) -> Receipt:
        """Ask every worker to forget these calls, and remove them from here; what cannot be reached stops nothing.

        They are removed before workers are asked, so that the receipt counts what there was, and once more afterwards,
        for what was written in between.

        Raises:
            ConvmineError: an id is too long to be one.
        """
        subjects = [Subject(asked.tenant_id, one.call_id) for one in calls]
        records = requests(asked, [one.call_id for one in calls])
        noted = await erase([Place(_RECORD, partial(self._note, asked))], subjects)
        before = await erase(self.places, subjects)
        kafka = await asyncio.to_thread(self._on_kafka, asked, subjects, records)
        cleared = before.then(await erase(self.places, subjects))
        receipt = kafka.model_copy(
            update={
                "calls": tuple(calls),
                "removed": cleared.removed,
                "not_reached": (*kafka.not_reached, *noted.not_reached, *cleared.not_reached),
                "notes": (*kafka.notes, *_live_notes(calls), *NOTES),
            }
        )
        kept = await self._kept(asked, receipt)
        return receipt.model_copy(update={"not_reached": (*receipt.not_reached, *kept.not_reached)})

    async def receipts(self) -> list[Receipt]:
        """The receipts of the tenant of the settings, newest first.

        Raises:
            Retryable: the store is away, or another process has its folder open.
        """
        return await self._record.receipts(self._settings.tenant)

    async def _note(self, asked: Asked, subject: Subject) -> dict[str, int]:
        await self._record.note(subject.tenant_id, subject.call_id, asked.at, asked.receipt_id)
        return {}

    async def _kept(self, asked: Asked, receipt: Receipt) -> Cleared:
        """Keep the receipt; without the addresses of recordings, which may name people."""

        async def keep(_: Subject) -> dict[str, int]:
            if (digest := asked.customer_sha256) is not None:
                await self._record.note_customer(asked.tenant_id, digest, asked.at, asked.receipt_id)
            await self._record.keep(receipt.model_copy(update={"recordings": ()}))
            return {}

        if any(one.place == _RECORD for one in receipt.not_reached):
            return Cleared()
        return await erase([Place(_RECORD, keep)], [Subject(asked.tenant_id, "")])

    def _on_kafka(self, asked: Asked, subjects: Sequence[Subject], records: Sequence[NewRecord]) -> Receipt:
        """Publish the requests; a receipt of what Kafka knows."""
        blank = Receipt(
            receipt_id=asked.receipt_id,
            tenant_id=asked.tenant_id,
            customer_sha256=asked.customer_sha256,
            requested_by=asked.requested_by,
            requested_at=asked.at,
            reason=asked.reason,
        )
        try:
            _publish(self._settings, records)
            return blank.model_copy(
                update={
                    "published": True,
                    "still_held": still_held(asked.at, configs_on_kafka(self._settings.kafka)),
                    "recordings": recordings_of(self._settings, subjects),
                }
            )
        except ConvmineError as error:
            if not self._settings.kafka.model_fields_set:
                note = f"no Kafka is set (KAFKA_BOOTSTRAP_SERVERS), so nothing was published: {error.message}"
                return blank.model_copy(update={"notes": (note,)})
            failed = NotReached(place=_KAFKA, why=error.message, hint=error.hint or _AGAIN)
            return blank.model_copy(update={"not_reached": (failed,), "still_held": still_held(asked.at, None)})


def requests(asked: Asked, call_ids: Sequence[str]) -> list[NewRecord]:
    """A record for each call, and one for the customer.

    Raises:
        ConvmineError: an id is too long to be one.
    """
    tenant_id, customer_id = asked.tenant_id, asked.customer_id
    made = [_request(asked, call, f"{tenant_id}:{call}", call_id=call) for call in call_ids]
    if customer_id is not None:
        made.append(_request(asked, customer_id, f"{tenant_id}:customer:{customer_id}", customer_id=customer_id))
    return made


def _request(asked: Asked, subject: str, key: str, **of: str) -> NewRecord:
    try:
        payload = ErasureRequested(
            erasure_id=asked.receipt_id, requested_by=asked.requested_by, requested_at=asked.at, **of
        )
        event = message(
            payload,
            id=stable_id("erasure", asked.receipt_id, key),
            source="/convmine/erase",
            time=asked.at,
            subject=subject,
            tenant_id=asked.tenant_id,
            key=key,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConvmineError(f"{subject[:100]!r} is no id of a call or customer: {first['msg']}") from None
    return write_event(Outbound(ERASURES, event))


def _publish(settings: Settings, records: Sequence[NewRecord]) -> None:
    edge = Edge(settings.kafka)
    if not edge.topics()[ERASURES]:
        raise ConvmineError(
            f"Kafka at {settings.kafka.bootstrap_servers} has no topic {ERASURES}", hint="run: convmine topics apply"
        )
    edge.publish(records)


def _live_notes(calls: Sequence[ErasedCall]) -> tuple[str, ...]:
    live = [one.call_id for one in calls if one.was_live]
    if not live:
        return ()
    return (f"still going on: {', '.join(live)}; the workers stop hearing it, whatever its telephone system sends",)
