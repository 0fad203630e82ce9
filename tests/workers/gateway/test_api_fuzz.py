"""Whatever is sent that the document allows, or nearly allows, is answered or refused: never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from gateway_app import KEYS, client_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.questions.answering import StoredAnswers
from pipeline.questions.fields import FIELDS
from pipeline.settings import load
from pipeline.store.open import store_of
from pipeline.testing import InMemoryAuditLog
from workers.gateway.app import create_app
from workers.gateway.auditing import Auditing

Schema = Mapping[str, Any]

NAMES = st.sampled_from([*FIELDS, "", "tenant_id", "stored_ts", "-started", "started"])
WORDS = st.one_of(
    st.text(max_size=30),
    NAMES,
    st.sampled_from(["customer", "won", "lost", "price_concern", "call-one", "ann", "7d", "2026-03-02", "-1", "1e999"]),
    st.sampled_from(["NaN", "0", "9999999w", "9999-12-31T23:59:59-23:59", "[1]", '[1,"x"]', "\x00", "a" * 1_001]),
)
CONDITIONS = st.builds("{}{}{}".format, NAMES, st.sampled_from(["=", "!=", ">=", "<", "", "=="]), WORDS)


class Document:
    """Values that an OpenAPI document describes, now and then others."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]

    def values(self, schema: Schema) -> st.SearchStrategy[Any]:
        return st.one_of(
            self._valid(schema), self._valid(schema), self._valid(schema), st.integers() | WORDS | st.none()
        )

    def _valid(self, schema: Schema) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a kind of schema each
        if "$ref" in schema:
            return self._valid(self._schemas[schema["$ref"].rpartition("/")[2]])
        if options := schema.get("oneOf") or schema.get("anyOf"):
            return st.one_of(*map(self._valid, options))
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum", [schema.get("const")]))
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return st.lists(self.values(schema.get("items", {})), max_size=4)
            case "integer":
                return st.integers(schema.get("minimum", -3), schema.get("maximum", 10**20))
            case "string":
                return WORDS
            case _:
                return st.none()

    def _object(self, schema: Schema) -> st.SearchStrategy[Any]:
        fields = {name: self.values(field) for name, field in schema["properties"].items()}
        fields |= {name: self._valid(field) for name, field in schema["properties"].items() if "const" in field}
        required = {name: fields[name] for name in schema.get("required", [])} | {
            name: fields[name] for name, field in schema["properties"].items() if "const" in field
        }
        return st.fixed_dictionaries(required, optional={k: v for k, v in fields.items() if k not in required})


def test_no_request_is_a_fault(mined_folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_STORE_PATH", str(mined_folder / "qdrant"))
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "hashing")
    with asyncio.Runner() as runner:
        context = store_of(load())
        store = runner.run(context.__aenter__())
        auditing = Auditing(InMemoryAuditLog())
        app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, auditing=auditing)
        try:
            _fuzz_bodies(app, runner)
            _fuzz_queries(app, runner)
        finally:
            runner.run(context.__aexit__(None, None, None))


def _fuzz_bodies(app: FastAPI, runner: asyncio.Runner) -> None:
    document = app.openapi()
    body = document["paths"]["/v1/questions"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(Document(document).values(body), st.sampled_from(["analyst", "bob", "stranger"]))
    def check(sent: Any, key: str) -> None:
        runner.run(_sent(app, key, "POST", "/v1/questions", content=json.dumps(sent).encode()))

    check()


def _fuzz_queries(app: FastAPI, runner: asyncio.Runner) -> None:
    document = app.openapi()
    pages = [(path, one["get"]) for path, one in document["paths"].items() if "get" in one and path.startswith("/v1/")]

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        path, operation = data.draw(st.sampled_from(pages))
        query: list[tuple[str, str]] = []
        for one in operation.get("parameters", ()):
            name, schema = one["name"], one["schema"]
            if one["in"] == "path":
                path = path.replace(
                    f"{{{name}}}", data.draw(st.sampled_from(["call-one", "ann", "calls", "x/../y", "%00", "é"]))
                )
            elif one.get("required") or data.draw(st.booleans()):
                value = data.draw(
                    st.lists(CONDITIONS, max_size=3)
                    if name in {"where", "a", "b"}
                    else Document(document).values(schema)
                )
                query += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
        runner.run(_sent(app, "admin", "GET", path, params=query))

    check()


async def _sent(app: FastAPI, key: str, method: str, path: str, **sent: Any) -> None:
    async with client_of(app, key) as client:
        answer = await client.request(method, path, headers={"content-type": "application/json"}, **sent)
    assert answer.status_code in {200, 400, 404, 422} or (answer.status_code, key) == (403, "bob"), (path, sent)
    if answer.status_code != 200:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
