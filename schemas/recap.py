"""What is known of a customer when a call begins: earlier calls, what was promised, what the CRM says."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.call import OutcomeResult
from schemas.wire import CallEvent, CallFacts, Count, Identifier, Role, Wire


class EarlierCall(Wire):
    """One earlier call of the same customer; ``observed`` tells an outcome that was seen from one inferred."""

    call_id: Identifier
    started_at: AwareDatetime | None = None
    agent: str | None = None
    outcome: str | None = None
    result: OutcomeResult | None = None
    observed: bool = False
    summary: str = ""
    topics: tuple[str, ...] = ()


class OpenPromise(Wire):
    """What one side said that it would do, in an earlier call."""

    call_id: Identifier
    role: Role
    what: Annotated[str, Field(min_length=1)]
    due: date | None = None


class EarlierObjection(Wire):
    """What the customer held against an offer, in an earlier call, and whether it was answered then."""

    call_id: Identifier
    topic: str | None = None
    quote: Annotated[str, Field(min_length=1)]
    answered: bool


class CustomerFact(Wire):
    """A line of what the CRM says of a customer, as it is shown."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    value: Annotated[str, Field(max_length=500)]


class CallRecap(CallEvent):
    """For the agent, at the start of a call: the newest earlier calls of the same customer, newest first.

    ``calls`` is how many there are in all.
    """

    event_name: ClassVar[str] = "call.recap"

    call: CallFacts = CallFacts()
    customer_id: Identifier
    calls: Count
    earlier: tuple[EarlierCall, ...] = ()
    promises: tuple[OpenPromise, ...] = ()
    objections: tuple[EarlierObjection, ...] = ()
    facts: tuple[CustomerFact, ...] = ()
