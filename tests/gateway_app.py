"""The gateway over a small store in memory: tenant ``acme`` with calls of ann and bob, tenant ``umbrella`` with one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from mined_calls import FACTS, feedback, flow_state, inbound, insight, outcome, suggestion, transcript

from pipeline.access.principal import Principal
from pipeline.questions.answering import StoredAnswers
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.suggestion import FeedbackKind
from workers.gateway.app import create_app

KEYS = {
    "analyst": Principal("k-analyst", "acme", frozenset({"analyst"})),
    "admin": Principal("k-admin", "acme", frozenset({"admin"})),
    "supervisor": Principal("k-supervisor", "acme", frozenset({"supervisor"})),
    "publisher": Principal("k-publisher", "acme", frozenset({"publish"})),
    "bob": Principal("k-bob", "acme", frozenset({"agent:bob"})),
    "stranger": Principal("k-stranger", "umbrella", frozenset({"analyst", "supervisor", "admin", "publish"})),
}
"""Whose each bearer token is."""
AGENTS = {"call-one": "ann", "call-two": "ann", "call-bob": "bob"}


async def made_store() -> InMemoryStore:
    """A store with calls of two tenants."""
    store = InMemoryStore()
    handler = build(store=store)
    for call_id, agent in AGENTS.items():
        facts = FACTS.model_copy(update={"agent": agent})
        found = insight(call_id, facts=facts)
        for event in (transcript(call_id, facts=facts), found, flow_state(found), suggestion(call_id)):
            await handler(inbound(event))
    await handler(inbound(outcome("call-two")))
    await handler(inbound(feedback("call-two", FeedbackKind.ACCEPTED)))
    facts = FACTS.model_copy(update={"agent": "eve"})
    found = insight("call-umbrella", facts=facts)
    for event in (transcript("call-umbrella", facts=facts), found, flow_state(found)):
        await handler(inbound(event, tenant="umbrella"))
    return store


def made_gateway(store: InMemoryStore) -> FastAPI:
    """The gateway over a store."""
    return create_app(lambda asker: StoredAnswers(store, asker), KEYS.get)


@pytest.fixture(scope="session")
def gateway() -> FastAPI:
    """The gateway over such a store, which nobody changes."""
    return made_gateway(asyncio.run(made_store()))


@pytest.fixture
async def client(gateway: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An analyst of acme."""
    async with client_of(gateway) as found:
        yield found


@asynccontextmanager
async def client_of(app: FastAPI, key: str | None = "analyst") -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application, with a key."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client
