"""Two installations that differ in one thing: in one of them the tenant ``acme`` has calls, in the other it has none.

What somebody of ``umbrella`` is told must be the same in both. The gateway and the dashboard are whole: every room,
over a store, topics, a ledger and an audit log that hold something of both tenants.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from dashboard_site import PEOPLE
from died_events import died
from fastapi import FastAPI
from gateway_app import made_store
from listeners import KeepingPublisher
from live_desk import suggested
from prometheus_client import CollectorRegistry

from pipeline.access.principal import Principal
from pipeline.figures import NoMeter
from pipeline.handling import Outbound
from pipeline.llm.usage import Purpose, Usage
from pipeline.questions.answering import StoredAnswers
from pipeline.scenarios.opened import load_library
from pipeline.settings import (
    AnalyticsSettings,
    AuditSettings,
    BudgetSettings,
    DashboardSettings,
    Settings,
    WorkbenchSettings,
)
from pipeline.stages import SUGGESTIONS, transcripts
from pipeline.testing import InMemoryStore
from schemas.call import CallStarted
from schemas.envelope import message
from schemas.wire import CallEvent, CallFacts, Lane
from workers.dashboard.app import create_dashboard
from workers.dashboard.operations.in_process import InProcessPlant
from workers.dashboard.rooms import Surroundings, rooms_of
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import Shell
from workers.dashboard.workbench.room import in_process_workbench
from workers.demo.recordings import SampleRecordings
from workers.gateway.app import create_app
from workers.gateway.incoming.incoming import Incoming, IncomingMeasures
from workers.gateway.incoming.sessions import Sessions as Calls
from workers.gateway.opened import opened
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.in_process import InProcessBroker
from workers.records import NewRecord, Record, write_event

PEOPLE_OF: Final = {
    **PEOPLE,
    "stranger": Principal(
        "k-stranger", "umbrella", frozenset({"analyst", "supervisor", "admin", "publish", "agent:ann"})
    ),
    "owner": Principal("k-owner", "acme", frozenset({"analyst", "supervisor", "admin", "publish"})),
}
"""``stranger`` may do everything in umbrella, ``owner`` everything in acme."""
WORDS_OF_ACME: Final = (
    "call-one",
    "call-two",
    "call-bob",
    "call-live",
    "call-died",
    "k-owner",
    "extract.acme",
    "A quiet offer",
)
_CHANGES: Final = re.compile(
    r'\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|"(sequence|retry_ms)":\s*[\d.]+|"at_ms":\s*17\d{11}|retry: \d+'
    r'|[0-9a-f]{32,64}|[0-9a-f]{8}-[0-9a-f-]{27}|"ticket":"[^"]+"|\[17\d{11},|\nid: [\w=-]+|"id":"[\w=-]+"'
)
"""What differs from one request to the next: times, counters, and what is made up. Marks of streams are left out, too:
they hold the offsets of topics that all tenants share."""
CARD: Final = {"scenario": "telecom", "language": "en", "seen": 0}
CONTENT: Final = {
    "title": "A quiet offer",
    "text": "x",
    "trigger": {"intent": "price_objection"},
    "lanes": ["live"],
    "valid_from": "2026-01-01",
}


@dataclass(frozen=True, slots=True)
class World:
    """The gateway and the dashboard over the same things, and what they have written."""

    gateway: FastAPI
    dashboard: FastAPI
    published: KeepingPublisher
    broker: InProcessBroker

    async def answer(self, app: FastAPI, who: str | None, method: str, path: str, **sent: Any) -> tuple[int, str]:
        """Status and body, without what differs each time."""
        answer = await asked(app, who, method, path, **sent)
        return answer.status_code, plain(answer.text)


def plain(text: str) -> str:
    """Without what differs each time."""
    return _CHANGES.sub("…", text)


async def asked(app: FastAPI, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
    """One request of somebody."""
    headers = {**sent.pop("headers", {}), **({} if who is None else {"Authorization": f"Bearer {who}"})}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=headers, **sent)


@asynccontextmanager
async def world(folder: Path, *, with_acme: bool) -> AsyncIterator[World]:
    """Such an installation; its streams end when they have told what there was."""
    settings = Settings(
        tenant="home",
        audit=AuditSettings(path=folder / "audit.sqlite"),
        budget=BudgetSettings(ledger_path=folder / "usage.sqlite"),
        analytics=AnalyticsSettings(path=folder / "analytics"),
        workbench=WorkbenchSettings(path=folder / "workbench.sqlite"),
    )
    tenants = ("acme", "umbrella") if with_acme else ("umbrella",)
    store, broker, hub, publisher = await _stored(tenants), InProcessBroker(), Hub(900), KeepingPublisher()
    async with opened(settings, NoMeter(), store) as it:
        for tenant in tenants:
            today = datetime.now(UTC).date()
            await it.ledger.add({Purpose(today, tenant, "telecom", "extract", "gpt", f"extract.{tenant}"): Usage(7)})
        streams = Streams(hub, broker)
        app = _gateway(folder, it, streams, publisher)
        dashboard = _dashboard(settings, it, streams, broker, store)
        await broker.publish([_died(tenant) for tenant in tenants])
        for at, record in enumerate(_live(tenants)):
            hub.begin({(record.topic, 0): 0}, {})
            hub.take(Record(record.topic, 0, at, record.key, record.value, record.headers))
        hub.caught_up()
        hub.back()
        hub.drain()
        if with_acme:
            assert (await asked(app, "owner", "GET", "/v1/calls/call-one")).status_code == 200  # which is recorded
            draft = {**CARD, "content": CONTENT}
            written = await asked(dashboard, "owner", "PUT", "/v1/workbench/cards/quiet/draft", json=draft)
            assert written.status_code == 200, written.text
        yield World(app, dashboard, publisher, broker)


async def _stored(tenants: tuple[str, ...]) -> InMemoryStore:
    store = await made_store()
    for points in store.points.values():
        for id_ in [id_ for id_, one in points.items() if one.payload.get("tenant_id") not in tenants]:
            del points[id_]
    return store


def _gateway(folder: Path, it: Any, streams: Streams, publisher: KeepingPublisher) -> FastAPI:
    calls, registry = Calls(publisher), CollectorRegistry()
    incoming = Incoming(
        sessions=calls,
        is_away=lambda: False,
        uploads=folder / "uploads",
        measures=IncomingMeasures(registry, calls),
        whose=PEOPLE_OF.get,
    )
    return create_app(
        it.answers_for,
        PEOPLE_OF.get,
        streams=streams,
        incoming=incoming,
        ask_sql=it.ask_sql,
        auditing=it.auditing,
        registry=registry,
    )


def _dashboard(settings: Settings, it: Any, streams: Streams, broker: InProcessBroker, store: InMemoryStore) -> FastAPI:
    library = load_library(settings)
    around = Surroundings(
        plant=InProcessPlant(broker),
        recordings=SampleRecordings(),
        scenarios=library,
        workbench=in_process_workbench(settings, library, broker, store, it.auditing),
    )
    return create_dashboard(
        lambda asker: StoredAnswers(store, asker),
        Shell(Sessions(DashboardSettings()), PEOPLE_OF.get),
        streams=streams,
        rooms=rooms_of(settings, it, streams, around),
        ask_sql=it.ask_sql,
        auditing=it.auditing,
    )


def _live(tenants: tuple[str, ...]) -> list[NewRecord]:
    """A call of each tenant that is on, with a suggestion."""
    return [
        _written(event, tenant)
        for tenant in tenants
        for call in ("call-live" if tenant == "acme" else "call-theirs",)
        for event in (
            CallStarted(call_id=call, call=CallFacts(agent="ann")),
            suggested(1, call, "ann", suggestion_id=f"s-{tenant}"),
        )
    ]


def _written(event: CallEvent, tenant: str) -> NewRecord:
    topic = SUGGESTIONS if event.event_name == "suggestion.created" else transcripts(Lane.LIVE)
    sent = message(
        event,
        id=f"{tenant}-{event.event_name}",
        source="/test",
        time=datetime.now(UTC),
        subject=event.call_id,
        tenant_id=tenant,
    )
    return write_event(Outbound(topic, sent))


def _died(tenant: str) -> NewRecord:
    call = b"call-died" if tenant == "acme" else b"call-theirs"
    headers = (("ce_id", call), ("ce_tenantid", tenant.encode()), ("ce_subject", call))
    return died(NewRecord("calls.recordings", tenant.encode() + b":" + call, b"{}", headers, 0))
