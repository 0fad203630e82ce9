"""The calls that are on, as far as the topics say."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from schemas.envelope import Message
from schemas.wire import CallEvent, Lane
from workers.gateway.outgoing.events import facts_of, lane_of

_MOST: Final = 100_000
"""Calls that are remembered: what a contact centre of 5,000 seats has within a few hours, in about 50 MB."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is on: whose it is, since when, and the last that was heard of it."""

    call_id: str
    agent: str | None
    scenario: str | None
    language: str | None
    started_at: datetime | None
    last_event: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LiveCalls:
    """Those that a key may see, the newest first."""

    items: Annotated[tuple[LiveCall, ...], Field(description="The newest first")]


@dataclass(frozen=True, slots=True)
class _Known:
    """``is_live`` once an event of the live lane has come."""

    call: LiveCall
    is_live: bool
    has_ended: bool

    @property
    def is_on(self) -> bool:
        return self.is_live and not self.has_ended


class Calls:
    """What is known of recent calls; times are those of the events."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def note(self, message: Message, payload: CallEvent) -> None:
        """Take what an event says of its call. Only events of the live lane say that it is on."""
        key = message.envelope.tenantid, payload.call_id
        old, facts, at = self._calls.get(key), facts_of(payload), message.envelope.time
        call = old.call if old else LiveCall(payload.call_id, None, None, None, None, payload.event_name, at)
        if facts is not None:
            call = replace(
                call,
                agent=facts.agent or call.agent,
                scenario=facts.scenario or call.scenario,
                language=facts.language or call.language,
                started_at=facts.started_at or call.started_at,
            )
        if payload.event_name == "call.started":
            call = replace(call, started_at=call.started_at or at)
        if at >= call.last_at:
            call = replace(call, last_event=payload.event_name, last_at=at)
        is_live = lane_of(payload) is Lane.LIVE or (old is not None and old.is_live)
        # The last words of a call come after its end.
        was_over = old is not None and old.has_ended and payload.event_name != "call.started"
        self._calls[key] = _Known(call, is_live, was_over or payload.event_name == "call.ended")
        self._calls.move_to_end(key)
        if len(self._calls) > _MOST:
            self._calls.popitem(last=False)

    def forget(self, tenant_id: str, call_id: str) -> None:
        """Nothing is known of a call any more."""
        self._calls.pop((tenant_id, call_id), None)

    def agent_of(self, tenant_id: str, call_id: str) -> str | None:
        """Whose call it is, where that is known."""
        known = self._calls.get((tenant_id, call_id))
        return known.call.agent if known else None

    def live(self, tenant_id: str, agent: str | None, *, since: datetime) -> LiveCalls:
        """The calls of a tenant, or of one of its agents, that are on and were heard of since then."""
        calls = (known.call for (tenant, _), known in self._calls.items() if known.is_on and tenant == tenant_id)
        mine = [one for one in calls if agent in {None, one.agent} and one.last_at >= since]
        return LiveCalls(tuple(sorted(mine, key=lambda one: one.started_at or one.last_at, reverse=True)))
