"""The workbench over stages in this process, with stored calls of two tenants and a log of who did what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from gateway_app import client_of
from mined_calls import FACTS, START, flow_state, inbound, insight, intent, transcript

from pipeline.access.principal import Principal
from pipeline.audit.entry import Entry
from pipeline.audit.log import Wanted
from pipeline.audit.log_sqlite import SqliteAuditLog
from pipeline.questions.answering import StoredAnswers
from pipeline.scenarios.library import Library
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import CARDS, PROMPTS, SCENARIOS
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.wire import Role
from workers.changing.in_this_process import InThisProcess
from workers.dashboard.workbench.bench import Bench
from workers.dashboard.workbench.room import workbench_room
from workers.gateway.app import Room, create_app
from workers.gateway.auditing import Auditing
from workers.in_process import InProcessBroker
from workers.published import Published, published_in

WHERE = {"scenario": "telecom", "language": "en"}
HOSTILE = '<img src=x onerror="document.title=1">'
PEOPLE = {
    "analyst": Principal("k-analyst", "acme", frozenset({"analyst"}), "Lin"),
    "supervisor": Principal("k-supervisor", "acme", frozenset({"supervisor"}), "Sue"),
    "admin": Principal("k-admin", "acme", frozenset({"admin"}), "Ada"),
    "ann": Principal("k-ann", "acme", frozenset({"agent:ann"}), "Ann"),
    "stranger": Principal("k-stranger", "umbrella", frozenset({"analyst", "supervisor", "admin"}), "Eve"),
}
TURNS = (
    (Role.AGENT, "good morning how can I help you"),
    (Role.CUSTOMER, f"that is much too expensive {HOSTILE}"),
    (Role.AGENT, "this is your last chance"),
    (Role.CUSTOMER, "then I want to cancel my contract"),
)
DEAR = intent("price_objection", 1, f"much too expensive {HOSTILE}")
LEAVES = intent("cancel_contract", 3, "cancel my contract")
CARD = {
    "title": "Ask for the reason",
    "text": "Ask what it is compared with.",
    "trigger": {"intent": "price_objection"},
    "lanes": ["live"],
    "priority": 40,
    "valid_from": "2026-05-01",
}


async def stored_calls(count: int = 3) -> InMemoryStore:
    """Calls of acme, the newest last, and one of umbrella; in the last one of acme nobody finds it dear."""
    store = InMemoryStore()
    handler = build(store=store)
    for number in range(count):
        for tenant in ("acme", "umbrella") if number == 0 else ("acme",):
            facts = FACTS.model_copy(update={"started_at": START + timedelta(hours=number)})
            intents = (DEAR, LEAVES) if number < count - 1 else (LEAVES,)
            call_id = f"{tenant}-{number}"
            found = insight(call_id, intents=intents, facts=facts)
            for event in (transcript(call_id, TURNS, facts=facts), found, flow_state(found)):
                await handler(inbound(event, tenant=tenant))
    return store


@dataclass(frozen=True, slots=True)
class Workplace:
    """The room, what its stages run, and what was published and recorded."""

    room: Room
    bench: Bench
    library: Library
    broker: InProcessBroker
    store: InMemoryStore
    log: SqliteAuditLog

    def published(self, tenant: str = "acme") -> Published:
        """What a tenant has published."""
        topics = (SCENARIOS, CARDS, PROMPTS)
        return published_in((one for topic in topics for one in self.broker.records(topic)), tenant)

    async def recorded(self, action: str, tenant: str = "acme") -> tuple[Entry, ...]:
        """What the log has of an action."""
        return (await self.log.read(Wanted(tenant, action=action))).items

    @asynccontextmanager
    async def as_(self, who: str) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody with a key, who asks the application."""
        app = create_app(
            lambda asker: StoredAnswers(self.store, asker),
            PEOPLE.get,
            rooms=(self.room,),
            auditing=self.bench.auditing,
        )
        async with client_of(app, who) as client:
            yield client


async def workplace(folder: Path, settings: Settings | None = None, store: InMemoryStore | None = None) -> Workplace:
    """The workbench in this process."""
    settings = settings or Settings()
    stored = store or await stored_calls()
    library, broker = load_library(settings), InProcessBroker()
    log = SqliteAuditLog(folder / "audit.sqlite", days=30)
    bench = Bench(settings, InThisProcess(settings, library, broker), stored, Auditing(log))
    return Workplace(workbench_room(bench), bench, library, broker, stored, log)


def draft(seen: int = 0, reason: str | None = None, **changed: Any) -> dict[str, Any]:
    """The body that writes a draft."""
    return {**WHERE, "seen": seen, "reason": reason, "content": {**CARD, **changed}}
