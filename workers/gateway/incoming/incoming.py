"""All that calls come in by, and what they are given: to whom a key belongs, where recordings go, the way to Kafka."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import HTTPException, Request
from prometheus_client import CollectorRegistry, Counter, Gauge

from pipeline.access.principal import Principal, Role
from pipeline.erasure.erased import Erased
from pipeline.errors import Retryable
from workers.gateway.door import principal_of
from workers.gateway.incoming.session import Ended, Session
from workers.gateway.incoming.sessions import Sessions
from workers.records import NewRecord

PUBLISHERS: Final[frozenset[Role]] = frozenset({"publish"})
"""Who may bring calls in."""
_AGAIN_S: Final = 2.0

Whose = Callable[[str], Awaitable[Principal | None] | Principal | None]
"""To whom a key belongs; None where it is nobody's."""


class IncomingMeasures:
    """What is measured of calls that come in; the label ``way`` is socket, twilio or upload, ``code`` a close code."""

    def __init__(self, registry: CollectorRegistry, sessions: Sessions) -> None:
        self.received = Counter("convmine_gateway_received_bytes", "Audio that came in.", ["way"], registry=registry)
        self.late = Counter("convmine_gateway_late_seconds", "Audio that came too late.", ["way"], registry=registry)
        self.open = Gauge("convmine_gateway_audio_sockets", "Sockets that bring audio.", ["way"], registry=registry)
        self.closed = Counter(
            "convmine_gateway_closed_sockets", "Sockets that ended, by close code.", ["way", "code"], registry=registry
        )
        calls = Gauge("convmine_gateway_calls", "Calls that come in.", registry=registry)
        calls.set_function(lambda: len(sessions))
        waiting = Gauge("convmine_gateway_waiting_bytes", "Audio that waits for Kafka.", registry=registry)
        waiting.set_function(lambda: sessions.waiting_bytes)


@dataclass(frozen=True, slots=True)
class Twilio:
    """What proves that Twilio is calling, where it is not a key: the account's token, and whose calls those are.

    ``url`` is the address that Twilio was given, which it signs.
    """

    token: str
    tenant_id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """What calls come in with.

    Args:
        sessions: the calls.
        is_away: whether Kafka is known to take nothing.
        uploads: folder of uploaded recordings.
        measures: where it is counted.
        whose: to whom a key belongs, for those who cannot send it in a header.
        max_upload_bytes: the largest recording.
        twilio: how calls of Twilio are known without a key.
        erased: calls of which nothing is taken in any more.
    """

    sessions: Sessions
    is_away: Callable[[], bool]
    uploads: Path
    measures: IncomingMeasures
    whose: Whose
    max_upload_bytes: int = 2_000_000_000
    twilio: Twilio | None = None
    erased: Erased = field(default_factory=Erased)

    def session(self, request: Request, call_id: str) -> Session:
        """The call of a request, of the tenant of its key.

        Raises:
            HTTPException: it has ended (409).
            Retryable: Kafka is away.
        """
        self.check()
        tenant_id = principal_of(request.scope).tenant_id
        try:
            return self.sessions.of(tenant_id, call_id)
        except Ended as error:
            raise HTTPException(409, error.message) from None

    async def publish(self, record: NewRecord) -> None:
        """Write a record that no other of its call must precede, and wait until Kafka has it.

        Raises:
            Retryable: Kafka is away.
            Poison: it is too large.
        """
        self.check()
        await self.sessions.publish(record)

    def check(self) -> None:
        """See whether Kafka is there.

        Raises:
            Retryable: it is away.
        """
        if self.is_away():
            raise Retryable("Kafka does not answer", dependency="kafka", retry_after_s=_AGAIN_S)
