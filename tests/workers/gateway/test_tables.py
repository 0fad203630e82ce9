"""What takes many calls at once, and what asks a model: who may, what is handed on, what comes back."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from gateway_app import KEYS, client_of, made_store
from structlog.testing import capture_logs

from pipeline.errors import Retryable
from pipeline.export.sql import BadStatement, SqlAnswer
from pipeline.export.tables import TABLES
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.question import Question, Rows, Search
from pipeline.questions.wording.model_answer import Meant
from workers.gateway import tables
from workers.gateway.app import create_app


async def put(asker: Asker, text: str, language: str | None) -> Meant:
    return Search(text=f"{asker.tenant_id} {asker.agent} {text} {language}")


async def ask_sql(asker: Asker, statement: str, limit: int | None) -> SqlAnswer:
    if "drop" in statement:
        raise BadStatement("Parser Error: no")
    return SqlAnswer(("tenant", "limit"), ("VARCHAR", "BIGINT"), ((asker.tenant_id, limit),))


@pytest.fixture(scope="module")
def equipped() -> FastAPI:
    return create_app(lambda _: pytest.fail("nothing is asked"), KEYS.get, put=put, ask_sql=ask_sql)


async def test_words_become_a_question_and_its_command_and_nothing_runs(equipped: FastAPI) -> None:
    async with client_of(equipped, "bob") as bob:
        answer = await bob.post("/v1/ask", json={"text": "cheaper?", "language": "en"})
    assert answer.json()["question"]["text"] == "acme bob cheaper? en"
    assert answer.json()["command"] == "convmine search 'acme bob cheaper? en'"


async def test_sql_is_asked_for_the_tenant_of_the_key(equipped: FastAPI) -> None:
    async with client_of(equipped) as client:
        answer = await client.post("/v1/sql", json={"statement": "FROM calls", "limit": 7})
        bad = await client.post("/v1/sql", json={"statement": "drop TABLE calls"})
    assert answer.json()["rows"] == [["acme", 7]]
    assert (bad.status_code, bad.json()["detail"]) == (422, "Parser Error: no")


async def test_a_gateway_without_a_model_or_sql_says_so(client: httpx.AsyncClient) -> None:
    for page, body in (("/v1/ask", {"text": "why?"}), ("/v1/sql", {"statement": "FROM calls"})):
        answer = await client.post(page, json=body)
        assert (answer.status_code, answer.json()["type"]) == (501, "urn:convmine:problem:not-served")
        assert answer.json()["hint"]


@pytest.mark.parametrize("key", ["bob", "supervisor"])
async def test_many_calls_at_once_are_for_analysts(gateway: FastAPI, key: str) -> None:
    async with client_of(gateway, key) as client:
        assert (await client.get("/v1/export/calls")).status_code == 403
        assert (await client.post("/v1/sql", json={"statement": "FROM calls"})).status_code == 403
        assert (await client.post("/v1/questions", json={"kind": "rows", "of": "calls"})).status_code == 403


async def test_an_export_has_every_row_of_the_tenant_that_matches(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_PAGE", 2)
    lines = (await client.get("/v1/export/utterances?form=jsonl&where=role=customer")).text.splitlines()
    found = [json.loads(line) for line in lines]
    assert {row["call_id"] for row in found} == {"call-one", "call-two", "call-bob"}
    assert {row["role"] for row in found} == {"customer"}
    assert len(found) == 6

    answer = await client.get("/v1/export/calls")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == TABLES["calls"].names
    assert sorted(row["call_id"] for row in rows) == ["call-bob", "call-one", "call-two"]
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.csv"'


async def test_what_is_wrong_with_an_export_is_said_before_it_begins(client: httpx.AsyncClient) -> None:
    for page in ("calls?where=colour=red", "calls?form=xlsx", "knowledge", "calls?limit=3"):
        assert (await client.get(f"/v1/export/{page}")).status_code == 422


async def test_an_export_that_breaks_does_not_look_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    store = await made_store()

    class Breaking(StoredAnswers):
        async def answer(self, question: Question) -> Any:
            if isinstance(question, Rows) and question.after:
                raise Retryable("away", dependency="qdrant")
            return await super().answer(question)

    monkeypatch.setattr(tables, "_PAGE", 2)
    app = create_app(lambda asker: Breaking(store, asker), KEYS.get)
    with capture_logs():
        async with client_of(app) as client:
            with pytest.raises(RuntimeError, match="already started"):  # a server cuts the connection here
                await client.get("/v1/export/calls")
