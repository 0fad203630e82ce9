"""Every page on which calls are shown leaves an entry of its key; the log is an admin's to read, of their tenant."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from gateway_app import KEYS, client_of, made_store

from pipeline.audit.entry import Entry
from pipeline.audit.log import Wanted
from pipeline.errors import Retryable
from pipeline.export.sql import SqlAnswer
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.testing import InMemoryAuditLog, InMemoryStore
from workers.gateway.app import create_app
from workers.gateway.auditing import Auditing
from workers.remote import RemoteAnswers


async def ask_sql(asker: Asker, statement: str, limit: int | None) -> SqlAnswer:
    del asker, statement, limit
    return SqlAnswer(("call_id",), ("VARCHAR",), (("call-two",),))


@pytest.fixture(scope="module")
def mined() -> InMemoryStore:
    return asyncio.run(made_store())


@pytest.fixture
def log() -> InMemoryAuditLog:
    return InMemoryAuditLog()


def gateway_with(log: InMemoryAuditLog, mined: InMemoryStore, *, required: bool = False) -> FastAPI:
    return create_app(
        lambda asker: StoredAnswers(mined, asker), KEYS.get, ask_sql=ask_sql, auditing=Auditing(log, required)
    )


@pytest.fixture
def gateway(log: InMemoryAuditLog, mined: InMemoryStore) -> FastAPI:
    return gateway_with(log, mined)


@pytest.mark.parametrize(
    ("page", "actions", "call"),
    [
        ("/v1/calls/call-one", ["call"], "call-one"),
        ("/v1/calls/call-two/transcript", ["transcript"], "call-two"),
        ("/v1/search?text=price", ["search"], "call-one"),
        ("/v1/aggregate?by=intent", ["aggregate"], None),
        ("/v1/export/utterances?form=csv", ["export", "rows"], "call-bob"),
    ],
)
async def test_what_a_page_shows_is_recorded_with_its_key(
    gateway: FastAPI, log: InMemoryAuditLog, page: str, actions: list[str], call: str | None
) -> None:
    async with client_of(gateway) as client:
        assert (await client.get(page)).status_code == 200
    assert [entry.action for entry in log.entries] == actions
    assert {(entry.who, entry.tenant_id, entry.origin) for entry in log.entries} == {("k-analyst", "acme", "gateway")}
    assert (call in log.entries[-1].calls) if call else (log.entries[-1].calls == ())


async def test_sql_and_questions_by_post_are_recorded_and_what_is_refused_too(
    gateway: FastAPI, log: InMemoryAuditLog
) -> None:
    async with client_of(gateway) as client:
        await client.post("/v1/sql", json={"statement": "FROM calls"})
        await client.post("/v1/questions", json={"kind": "search", "text": "price"})
    async with client_of(gateway, "bob") as bob:
        assert (await bob.get("/v1/calls/call-one")).status_code == 404
    sql, search, refused = log.entries
    assert (sql.action, sql.calls, sql.about) == ("sql", ("call-two",), '{"statement": "FROM calls"}')
    assert search.action == "search"
    assert (refused.who, refused.result, refused.reason, refused.call_count) == ("k-bob", "refused", "Unknown", 0)


async def test_a_log_that_must_be_written_and_cannot_keeps_answers_back(mined: InMemoryStore) -> None:
    class Broken(InMemoryAuditLog):
        async def record(self, entry: Entry) -> None:
            raise Retryable(f"the disk is full, {entry.action}", dependency="audit log")

    pages = ["/v1/calls/call-one", "/v1/export/calls?form=csv", "/v1/calls/nosuch"]
    async with client_of(gateway_with(Broken(), mined, required=True)) as client:
        answers = [await client.get(page) for page in pages]
        answers.append(await client.post("/v1/sql", json={"statement": "FROM calls"}))
    assert [answer.status_code for answer in answers] == [503] * 4
    assert not [answer for answer in answers if "call-" in answer.text]


async def test_an_admin_reads_the_log_of_their_tenant_and_nobody_else_does(
    gateway: FastAPI, log: InMemoryAuditLog
) -> None:
    async with client_of(gateway) as client:
        await client.get("/v1/calls/call-one")
        await client.get("/v1/calls/call-two")
    for key in ("analyst", "supervisor", "bob", "publisher"):
        async with client_of(gateway, key) as client:
            assert (await client.get("/v1/audit")).status_code == 403
    async with client_of(gateway, "admin") as admin:
        read = (await admin.get("/v1/audit?call=call-one")).json()
        wrong = await admin.get("/v1/audit?since=yesterday")
    async with client_of(gateway, "stranger") as stranger:
        theirs = (await stranger.get("/v1/audit")).json()
    assert [(one["who"], one["action"], one["calls"]) for one in read["items"]] == [("k-analyst", "call", ["call-one"])]
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "since")
    assert theirs == {"items": [], "next": None}
    assert [entry.who for entry in log.entries if entry.action == "audit"] == ["k-admin", "k-stranger"]


async def test_through_the_gateway_the_command_line_reads_the_same(gateway: FastAPI, log: InMemoryAuditLog) -> None:
    async with client_of(gateway) as client:
        for call in ("call-one", "call-two", "call-bob"):
            await client.get(f"/v1/calls/{call}")
    async with client_of(gateway, "admin") as admin:
        answers = RemoteAnswers(admin)
        first = await answers.audit(Wanted("acme", action="call"), 2)
        rest = await answers.audit(Wanted("acme", action="call"), 2, first.next)
    assert [*first.items, *rest.items] == list(reversed(log.entries[:3]))
    assert rest.next is None


async def test_a_gateway_without_a_log_says_so(mined: InMemoryStore) -> None:
    plain = create_app(lambda asker: StoredAnswers(mined, asker), KEYS.get)
    async with client_of(plain, "admin") as admin:
        answer = await admin.get("/v1/audit")
    assert (answer.status_code, answer.json()["type"]) == (501, "urn:convmine:problem:not-served")
