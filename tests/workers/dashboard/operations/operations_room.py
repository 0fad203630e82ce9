"""The room of operations over an installation in this process, and over what a test puts in its place."""

from __future__ import annotations

from datetime import UTC, datetime

from died_events import died, original
from fastapi import APIRouter

from pipeline.audit.log import AuditLog
from pipeline.audit.logs import NoLog
from pipeline.llm.usage import Purpose, Usage
from pipeline.testing import InMemoryLedger, InMemoryStore
from workers.dashboard.operations.course import Watch
from workers.dashboard.operations.in_process import InProcessPlant
from workers.dashboard.operations.knowledge import KnowledgeWatch
from workers.dashboard.operations.plant import Plant
from workers.dashboard.operations.room import Operations, add_operations
from workers.gateway.app import Room
from workers.gateway.auditing import Auditing
from workers.gateway.pages import AnswersTo
from workers.in_process import InProcessBroker
from workers.records import NewRecord

TODAY = datetime.now(UTC).date()
SCRIPT = '<img src=x onerror="document.title=1">'
PRICED = Purpose(TODAY, "acme", "telecom", "extract", "gpt-small", "extract.v2")
OTHERS = Purpose(TODAY, "umbrella", "secret-scenario", "extract", "gpt-small", "extract.v2")


async def used() -> InMemoryLedger:
    """A ledger in which two tenants have used something."""
    ledger = InMemoryLedger()
    await ledger.add({PRICED: Usage(requests=4, input_tokens=900, output_tokens=90, usd=0.5)})
    await ledger.add({OTHERS: Usage(requests=1, input_tokens=5, output_tokens=5, usd=9.0)})
    return ledger


def letters() -> list[NewRecord]:
    """Dead letters of acme, of another tenant, and of nobody that is known."""
    theirs = original("c-umbrella", b'{"call_id": "c-umbrella"}')
    headers = tuple((name, b"umbrella" if name == "ce_tenantid" else value) for name, value in theirs.headers)
    other = NewRecord(theirs.topic, b"umbrella:c-umbrella", theirs.value, headers, 0)
    nobody = NewRecord(theirs.topic, b"?", b"\x00\xff", (), 0)
    return [
        died(original("c1", b'{"call_id": "c1"}'), error=ValueError(f"no such thing {SCRIPT}")),
        died(original("c2", b'{"call_id": "c2"}')),
        died(other),
        died(nobody),
    ]


async def operations_of(
    plant: Plant | None = None, store: InMemoryStore | None = None, log: AuditLog | None = None, *, home: str = "home"
) -> tuple[Room, InProcessBroker]:
    """The room, and the broker that it looks at, with those letters."""
    broker = InProcessBroker()
    await broker.publish(letters())
    plant = plant or InProcessPlant(broker)
    auditing = Auditing(log or NoLog())
    parts = Operations(plant, Watch(plant), await used(), KnowledgeWatch(store or InMemoryStore()), auditing, home)

    def add(router: APIRouter, answers_to: AnswersTo) -> None:
        add_operations(router, parts, answers_to)

    return add, broker
