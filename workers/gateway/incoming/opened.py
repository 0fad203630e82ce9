"""What calls come in with, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from pipeline.erasure.erased import Erased
from pipeline.settings import Settings
from workers.gateway.incoming.incoming import Incoming, IncomingMeasures, Twilio, Whose
from workers.gateway.incoming.sessions import Sessions
from workers.gateway.kafka import WaitingPublisher

_DRAIN_S: Final = 5.0
"""Seconds that audio which waits for Kafka is given at the end; what is not confirmed then is not acknowledged."""


@asynccontextmanager
async def incoming_of(
    settings: Settings, publisher: WaitingPublisher, whose: Whose, registry: CollectorRegistry, erased: Erased
) -> AsyncIterator[Incoming]:
    """Calls come in until the block is left; then what waits is sent."""
    ours = settings.gateway
    sessions = Sessions(publisher, idle_s=settings.audio.idle_s)
    token, tenant_id = ours.twilio_token, ours.twilio_tenant or settings.tenant
    try:
        yield Incoming(
            sessions=sessions,
            is_away=lambda: publisher.is_away,
            uploads=ours.uploads,
            measures=IncomingMeasures(registry, sessions),
            whose=whose,
            max_upload_bytes=settings.audio.max_bytes,
            twilio=None if token is None else Twilio(token.get_secret_value(), tenant_id, ours.twilio_url),
            erased=erased,
        )
    finally:
        await sessions.close(_DRAIN_S)
