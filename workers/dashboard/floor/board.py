"""The floor of each tenant: the calls that are on, in bounded memory, and what has changed since it was last asked."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import structlog
from pydantic import Field, TypeAdapter

from pipeline.store.known import Unknown
from schemas.envelope import Message
from schemas.transcript import TranscriptSegment
from schemas.wire import CallEvent
from workers.dashboard.floor.call_state import CallState, heard, ms_of, seen
from workers.dashboard.floor.lines import Line, Totals, attention, line_of

MOST_CALLS: Final = 20_000
"""Calls of a tenant that are remembered, those that have just ended among them: four times what is on in a contact
centre of 5,000 seats. Of more, those of which nothing was heard for longest go."""
GONE_MS: Final = 900_000.0
"""A call of which nothing is heard for 15 minutes is not shown any more: its end was lost. It is also how long it is
remembered that a call has ended, as its last results come after its end."""
HELD_GONE_MS: Final = 3_600_000.0
"""The same for a call on hold, in which nothing is to be heard."""
_LOOK_MS: Final = 10_000.0
"""How often calls are looked for that are to be forgotten."""
_LATE_MS: Final = 60_000.0
"""Words that come later than that are no measure of how late words come: reading begins with what is old."""
_SMOOTHED: Final = 0.05
_LINE: Final = TypeAdapter(Line)
_TOTALS: Final = TypeAdapter(Totals)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Floor:
    """The calls that are on, those that need somebody first; ``quiet_s`` is after how many seconds one is silent."""

    at: datetime
    sequence: Annotated[int, Field(description="Of the last change, as in the stream")]
    quiet_s: float
    totals: Totals
    calls: tuple[Line, ...]


class _Tenant:
    """The calls of one tenant; ``due`` is when a line changes though nothing happens."""

    def __init__(self) -> None:
        self.calls: OrderedDict[str, CallState] = OrderedDict()
        self.lines: dict[str, Line] = {}
        self.written: dict[str, bytes] = {}
        self.due: dict[str, float] = {}
        self.touched: set[str] = set()
        self.totals = Totals()
        self.sequence = 0
        self.looked_ms = 0.0


class Board:
    """Hears events, and says what is on; one thread.

    Words reach us some seconds after they are said, more when recognition lags: silence is counted by the times of
    events, and up to now less what words come late by at the moment.

    Args:
        quiet_s: seconds without a word after which a call is silent.
        now: seconds since 1970.
        most: calls of a tenant that are remembered.
    """

    def __init__(self, quiet_s: float, now: Callable[[], float] = time.time, most: int = MOST_CALLS) -> None:
        self.quiet_s = quiet_s
        self._now = now
        self._most = most
        self._tenants: dict[str, _Tenant] = {}
        self._late_ms = 0.0

    def take(self, message: Message) -> None:
        """Hear an event."""
        payload = message.payload
        if not isinstance(payload, CallEvent):
            return
        now_ms, tenant_id = self._now() * 1_000, message.envelope.tenantid
        tenant = self._tenants.get(tenant_id)
        before = tenant.calls.get(payload.call_id) if tenant else None
        after = heard(before, message, int(now_ms))
        if isinstance(payload, TranscriptSegment):
            self._note_lateness(now_ms - ms_of(message.envelope.time))
        if after is None:
            return
        if tenant is None:
            tenant = self._tenants[tenant_id] = _Tenant()
        tenant.calls[payload.call_id] = after
        tenant.calls.move_to_end(payload.call_id)
        tenant.touched.add(payload.call_id)
        if len(tenant.calls) > self._most:
            tenant.touched.add(tenant.calls.popitem(last=False)[0])

    def acknowledge(self, tenant_id: str, call_id: str, alert_id: str, by: str) -> bytes:
        """Note that somebody has seen an alert of a call, and those before it; gives the line.

        Raises:
            Unknown: there is no such call, or it has no such alert.
        """
        tenant = self._tenants.get(tenant_id)
        state = tenant.calls.get(call_id) if tenant else None
        if tenant is None or state is None or not state.is_on or not any(a.alert_id == alert_id for a in state.alerts):
            raise Unknown(f"no call {call_id!r} that is on has an alert {alert_id!r}")
        now_ms = self._now() * 1_000
        tenant.calls[call_id] = state = seen(state, alert_id, by, int(now_ms))
        tenant.touched.add(call_id)
        return _LINE.dump_json(line_of(state, now_ms - self._late_ms, self.quiet_s * 1_000)[0], exclude_none=True)

    def forget(self, tenant_id: str, call_id: str) -> None:
        """A call is erased: it is no line any more."""
        if (tenant := self._tenants.get(tenant_id)) and tenant.calls.pop(call_id, None):
            tenant.touched.add(call_id)

    def changes(self, tenant_id: str) -> bytes | None:
        """What has changed since the last time, as JSON in one line; None where nothing has."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            return None
        changed, gone = self._renew(tenant)
        if not changed and not gone:
            return None
        tenant.sequence += 1
        lines = b",".join(tenant.written[call_id] for call_id in changed)
        return self._head(tenant) + b',"calls":[' + lines + b'],"gone":' + _names(gone) + b"}"

    def whole(self, tenant_id: str, *, ordered: bool = False) -> bytes:
        """All that is on as of the last changes, as JSON in one line."""
        tenant = self._tenants.get(tenant_id) or _Tenant()
        ids = sorted(tenant.lines, key=lambda one: attention(tenant.lines[one])) if ordered else tenant.lines
        return self._head(tenant) + b',"calls":[' + b",".join(tenant.written[call_id] for call_id in ids) + b"]}"

    def sequence(self, tenant_id: str) -> int:
        """The number of the last changes."""
        tenant = self._tenants.get(tenant_id)
        return tenant.sequence if tenant else 0

    def _renew(self, tenant: _Tenant) -> tuple[list[str], list[str]]:
        """Bring the lines up to date; which have changed, and which are gone."""
        now_ms = self._now() * 1_000
        self._forget(tenant, now_ms)
        names = tenant.touched | {call_id for call_id, at in tenant.due.items() if at <= now_ms}
        tenant.touched = set()
        changed: list[str] = []
        gone: list[str] = []
        for call_id in names:
            state, old = tenant.calls.get(call_id), tenant.lines.get(call_id)
            if state is None or not state.is_on:
                if old is not None:
                    gone.append(call_id)
                    tenant.totals = tenant.totals.with_one(old, None)
                    del tenant.lines[call_id], tenant.written[call_id], tenant.due[call_id]
                continue
            new, due = line_of(state, now_ms - self._late_ms, self.quiet_s * 1_000)
            tenant.due[call_id] = due + self._late_ms
            if new != old:
                changed.append(call_id)
                tenant.totals = tenant.totals.with_one(old, new)
                tenant.lines[call_id] = new
                tenant.written[call_id] = _LINE.dump_json(new, exclude_none=True)
        return changed, gone

    def _forget(self, tenant: _Tenant, now_ms: float) -> None:
        if now_ms - tenant.looked_ms < _LOOK_MS:
            return
        tenant.looked_ms = now_ms
        for call_id, state in list(tenant.calls.items()):
            if now_ms - state.last_ms > (HELD_GONE_MS if state.is_held and state.is_on else GONE_MS):
                del tenant.calls[call_id]
                tenant.touched.add(call_id)

    def _note_lateness(self, late_ms: float) -> None:
        if 0 <= late_ms <= _LATE_MS:
            self._late_ms += (late_ms - self._late_ms) * _SMOOTHED

    def _head(self, tenant: _Tenant) -> bytes:
        at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        return b'{"at":"%s","sequence":%d,"quiet_s":%g,"totals":%s' % (
            at.encode(),
            tenant.sequence,
            self.quiet_s,
            _TOTALS.dump_json(tenant.totals),
        )


_NAMES: Final = TypeAdapter(list[str])


def _names(call_ids: Sequence[str]) -> bytes:
    return _NAMES.dump_json(list(call_ids))
