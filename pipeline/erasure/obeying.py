"""A handler that is used without a worker's runtime, and obeys erasures all the same."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.erasure.erased import Erased
from pipeline.handling import Handler, Inbound, Outbound
from schemas.wire import CallFacts


def obeying(erased: Erased, handler: Handler) -> Handler:
    """The same handler, to which events of erased calls are not handed in."""

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        return () if is_erased(erased, inbound) else await handler(inbound)

    return handle


def is_erased(erased: Erased, inbound: Inbound) -> bool:
    """Whether an event is of an erased call, or of a call of an erased customer."""
    if not erased:
        return False
    facts, envelope = getattr(inbound.payload, "call", None), inbound.message.envelope
    if isinstance(facts, CallFacts):
        return erased.covers(envelope.tenantid, envelope.subject, facts, envelope.time)
    return erased.holds(envelope.tenantid, envelope.subject)
