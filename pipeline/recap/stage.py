"""The recap stage: when a call begins, its agent is told what is known of the customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from pipeline.errors import Poison, Retryable
from pipeline.figures import CUSTOMERS_ASKED, NoMeter
from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.ports import CustomerContext, Meter, VectorStore
from pipeline.privacy.masking import mask
from pipeline.recap.earlier import earlier_calls
from pipeline.stages import SUGGESTIONS
from pipeline.store.collections import CALLS
from pipeline.store.points import call_point_id
from schemas.call import CallStarted, CallUpdated
from schemas.envelope import message
from schemas.recap import CallRecap, CustomerFact
from schemas.transcript import Segment
from schemas.wire import CallFacts, Role

STAGE: Final = "recap"
FACTS: Final = 12
"""The most lines of a CRM that are told; more nobody reads while a customer speaks."""
_NAME: Final = 100
_VALUE: Final = 500

log = structlog.get_logger()


def build(*, store: VectorStore, customers: CustomerContext | None = None, meter: Meter | None = None) -> Handler:
    """The handler of ``call.started`` and of a ``call.updated`` that brings a ``customer_id``; the rest passes.

    A call gets one ``call.recap`` of a customer: all of them have the same ``ce_id``. Where nothing is known there is
    none. Nothing is told of a customer who has not consented, by this event or by what is stored of the call.

    A store that is away is waited for. A CRM that is away, slow or wrong is not: the recap goes without it.

    Args:
        store: holds earlier calls; erased ones are no longer there.
        customers: a CRM, if there is one; what it says is shown as it is and never acted on.
        meter: how often the CRM was asked and what came of it.
    """
    measured = meter or NoMeter()

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        event = inbound.payload
        if not isinstance(event, CallStarted | CallUpdated) or (customer := event.call.customer_id) is None:
            return ()
        facts = await _facts(store, inbound, event.call_id, event.call)
        if facts.consent is False:
            return ()
        earlier = await earlier_calls(
            store,
            tenant_id=inbound.tenant_id,
            customer_id=customer,
            call_id=event.call_id,
            before=facts.started_at or inbound.message.envelope.time,
        )
        lines = await _asked(customers, inbound.tenant_id, customer, facts.language, measured)
        if not earlier.count and not lines:
            return ()
        recap = CallRecap(
            call_id=event.call_id,
            call=facts,
            customer_id=customer,
            calls=earlier.count,
            earlier=earlier.shown,
            promises=earlier.promises,
            objections=earlier.objections,
            facts=lines,
        )
        return (_published(inbound, recap),)

    return handle


async def _facts(store: VectorStore, inbound: Inbound, call_id: str, told: CallFacts) -> CallFacts:
    """What is known of the call: an update tells what is new, the rest is stored, as soon as it has got there."""
    if isinstance(inbound.payload, CallStarted):
        return told
    hits = await store.get(CALLS, [call_point_id(inbound.tenant_id, call_id)])
    stored = CallFacts.model_validate(hits[0].payload) if hits else CallFacts()
    return stored.model_copy(update=told.model_dump(exclude_none=True))


async def _asked(
    customers: CustomerContext | None, tenant_id: str, customer_id: str, language: str | None, meter: Meter
) -> tuple[CustomerFact, ...]:
    if customers is None:
        return ()
    try:
        said = await customers.of(tenant_id, customer_id)
    except (Retryable, Poison) as error:
        meter.count(CUSTOMERS_ASKED, outcome="away" if isinstance(error, Retryable) else "refused")
        log.warning("recap.without_customer_data", reason=error.message)
        return ()
    meter.count(CUSTOMERS_ASKED, outcome="answered")
    return tuple(_lines(said[:FACTS], language))


def _lines(said: Iterable[tuple[str, str]], language: str | None) -> Iterable[CustomerFact]:
    """As they may be told: each on one line, bounded, personal numbers and addresses masked."""
    for name, value in said:
        named, shown = " ".join(name.split())[:_NAME], " ".join(value.split())[:_VALUE]
        if named and shown:
            yield CustomerFact(name=named, value=_masked(named, shown, language))


def _masked(name: str, value: str, language: str | None) -> str:
    """The name goes before, as it tells what a number is."""
    texts = (f"{name}:", value)
    line = [
        Segment(segment_id=str(number), role=Role.UNKNOWN, start_ms=number, end_ms=number, text=text)
        for number, text in enumerate(texts)
    ]
    return mask(line, language)[1].text[:_VALUE]


def _published(inbound: Inbound, recap: CallRecap) -> Outbound:
    envelope = inbound.message.envelope
    return Outbound(
        SUGGESTIONS,
        message(
            recap,
            id=stable_id("event", STAGE, envelope.tenantid, recap.call_id, recap.customer_id),
            source=f"/convmine/{STAGE}",
            time=envelope.time,
            subject=recap.call_id,
            tenant_id=envelope.tenantid,
            traceparent=envelope.traceparent,
        ),
    )
