"""An installation on this machine that keeps something of two tenants everywhere, in each tenant's own words.

Every name and every text of a tenant holds its word, which stands nowhere else: whoever reads it has been shown
something of that tenant. One call has the same id for both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from judged_calls import judged_insight, words
from mined_calls import FACTS, flow_state, inbound, outcome, suggestion, transcript

from pipeline.labels.label import Label
from pipeline.labels.mined_call import mined_call
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import Where
from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import SqliteVault
from pipeline.store.collections import COLLECTIONS
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from pipeline.workbench.place_sqlite import SqliteWorkbench
from schemas.insight import CallInsight
from schemas.wire import CallFacts, Role

WORDS: Final = {"acme": "quetzalcoatl", "umbrella": "tortoise"}
"""The word of each tenant."""
BOTH: Final = "call-both"
"""A call of each tenant has this id."""
KEY: Final = new_key()
"""Of the vault."""
_FILES: Final = {
    "STORE_PATH": "qdrant",
    "AUDIT_PATH": "audit.sqlite",
    "BUDGET_LEDGER_PATH": "usage.sqlite",
    "LLM_CACHE_PATH": "answers.sqlite",
    "WORKBENCH_PATH": "workbench.sqlite",
    "PRIVACY_VAULT_PATH": "vault.sqlite",
    "ANALYTICS_PATH": "analytics",
    "CLAIMS_ROOT": "claims",
    "GATEWAY_KEYS": "keys.json",
}


def settings_of(folder: Path) -> dict[str, str]:
    """The environment of the installation in a folder."""
    files = {f"CONVMINE_{name}": str(folder / file) for name, file in _FILES.items()}
    return {**files, "CONVMINE_STORE_EMBEDDER": "hashing", "CONVMINE_PRIVACY_VAULT_KEY": KEY}


def keep(folder: Path, tenants: tuple[str, ...]) -> None:
    """Make the installation, with what these tenants have."""
    asyncio.run(_keep(folder, tenants))


def kept(folder: Path, tenant: str) -> dict[str, Any]:
    """All that is kept of a tenant: points, labels, what was masked, what was used, claimed values."""
    return asyncio.run(_kept(folder, tenant))


async def _keep(folder: Path, tenants: tuple[str, ...]) -> None:
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    index = build(store=store)
    workbench = SqliteWorkbench(folder / "workbench.sqlite")
    vault = SqliteVault(folder / "vault.sqlite", KEY)
    ledger = SqliteLedger(folder / "usage.sqlite", days=400)
    today = datetime.now(UTC).date()
    for tenant in tenants:
        word = WORDS[tenant]
        for event in _events(word):
            await index(inbound(event, tenant=tenant))
        for number, call_id in enumerate(_calls(word)):
            await workbench.add_labels(_labels(tenant, number, call_id))
            await vault.keep(Subject(tenant, call_id), [Found("phone", "s1", 0, 12, 0, f"{word}-2671")])
            claimed = folder / "claims" / tenant / call_id
            claimed.mkdir(parents=True)
            (claimed / "value").write_text(word, encoding="utf-8")
        used = Usage(requests=len(word), input_tokens=1_000 * len(word))
        await ledger.add({Purpose(today, tenant, "telecom", "extract", f"model-{word}", f"extract.{word}"): used})
    for one in (store, workbench, vault, ledger):
        await one.close()


def _calls(word: str) -> tuple[str, ...]:
    return (BOTH, f"{word}-1", f"{word}-2")


def _facts(word: str, number: int) -> CallFacts:
    named = {"agent": f"{word}-agent-{number % 2}", "team": f"{word}-team", "customer_id": f"{word}-customer-{number}"}
    return FACTS.model_copy(update=named)


def _turns(word: str) -> tuple[tuple[Role, str], ...]:
    return (
        (Role.AGENT, f"good morning how can I help you {word}"),
        (Role.CUSTOMER, f"{word} the family plan is too expensive"),
        (Role.AGENT, "I can offer you a discount"),
        (Role.CUSTOMER, f"then I want to cancel my contract {word}"),
        (Role.AGENT, "your contract is cancelled"),
        (Role.CUSTOMER, f"where does the {word} parcel locker open its doors"),
    )


def _mined(word: str, number: int, call_id: str) -> CallInsight:
    about = {"call": _facts(word, number), "summary": f"All about {word}."}
    return judged_insight(call_id).model_copy(update=about)


def _events(word: str) -> Iterator[Any]:
    for number, call_id in enumerate(_calls(word)):
        facts, mined = _facts(word, number), _mined(word, number, call_id)
        yield transcript(call_id, _turns(word), facts=facts)
        yield mined
        yield flow_state(mined)
        yield suggestion(call_id, f"s-{word}").model_copy(update={"call": facts, "title": f"Offer {word}"})
        yield outcome(call_id).model_copy(update={"observed_by": f"{word}-crm"})


def _labels(tenant: str, number: int, call_id: str) -> list[Label]:
    word = WORDS[tenant]
    told = transcript(call_id, _turns(word), facts=_facts(word, number))
    judged = words(mined_call(told, _mined(word, number, call_id)), by=f"{word}-ann")
    return [one.model_copy(update={"tenant_id": tenant}) for one in judged]


async def _kept(folder: Path, tenant: str) -> dict[str, Any]:
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    workbench = SqliteWorkbench(folder / "workbench.sqlite")
    ledger = SqliteLedger(folder / "usage.sqlite", days=400)
    vault = SqliteVault(folder / "vault.sqlite", KEY)
    try:
        found: dict[str, Any] = {
            f"{collection.name}/{hit.id}": json.dumps(dict(hit.payload), sort_keys=True, default=str)
            for collection in COLLECTIONS
            for hit in (await store.page(collection.name, Where(equal={"tenant_id": tenant}), 1_000))[0]
        }
        found["labels"] = await workbench.labels(tenant)
        found["used"] = await ledger.read(tenant, datetime(2026, 1, 1, tzinfo=UTC).date())
        for call_id in _calls(WORDS[tenant]):
            found[f"vault/{call_id}"] = await vault.reveal(call_id, tenant_id=tenant, who="test")
    finally:
        for one in (store, workbench, ledger, vault):
            await one.close()
    claims = folder / "claims" / tenant
    found |= {str(path): path.read_text("utf-8") for path in claims.rglob("*") if path.is_file()}
    return found
