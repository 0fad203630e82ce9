"""What the OpenAPI documents say is kept: no request is a fault, none is answered without a right, answers conform.

Requests are made by schemathesis from the documents themselves, the same ones each time; streams of the worlds here end
by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.testclient import TestClient
from worlds import PEOPLE_OF, World, asked, world

from pipeline.access.principal import Principal
from workers.gateway.door import OPEN

Which = Literal["gateway", "dashboard"]
EXAMPLES = 4
"""Requests of each operation and key; the documents have about ninety operations."""
SCOPES = ("publish", "analyst", "supervisor", "admin", "agent:ann")
CHECKS = [not_a_server_error, response_schema_conformance]
METHODS = ("get", "post", "put", "delete", "patch", "head")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("world")
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        for scope in SCOPES:
            patch.setitem(PEOPLE_OF, scope, Principal(f"k-{scope}", "acme", frozenset({scope})))
        context = world(folder, with_acme=True)
        yield runner.run(context.__aenter__())
        with suppress(
            RuntimeError
        ):  # a refresh that a request began belongs to the loop of that request, which is over
            runner.run(context.__aexit__(None, None, None))


def operations(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path and scopes of each operation behind the door."""
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            if method in METHODS and path not in OPEN:
                yield method.upper(), path, operation.get("x-scopes", [])


@pytest.mark.parametrize("which", ["gateway", "dashboard"])
def test_without_a_right_there_is_no_answer(here: World, which: Which) -> None:
    app: FastAPI = getattr(here, which)

    async def check() -> None:
        for method, path, scopes in operations(app):
            assert scopes, (method, path, "is for nobody")
            place = path.replace("{", "").replace("}", "")
            for key in (None, "nobody"):
                assert (await asked(app, key, method, place)).status_code == 401, (method, path)
            for key in SCOPES:
                status = (await asked(app, key, method, place, content=b"{")).status_code
                assert (status == 403) is (key.partition(":")[0] not in scopes), (method, path, key, status)

    asyncio.run(check())


@pytest.mark.parametrize("which", ["gateway", "dashboard"])
@pytest.mark.parametrize("key", ["owner", "agent:ann", None])
def test_whatever_the_document_allows_is_answered_as_it_says(here: World, which: Which, key: str | None) -> None:
    app: FastAPI = getattr(here, which)
    document = deepcopy(app.openapi())
    upload = document["paths"].get("/v1/calls/{call_id}/recordings", {}).get("post", {}).get("requestBody", {})
    upload.get("content", {}).pop("audio/*", None)  # which schemathesis cannot make; its JSON stays
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    with TestClient(app, raise_server_exceptions=False) as client:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            _check(result.ok(), client, headers)


def _check(operation: Any, client: TestClient, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        response = case.call(headers=headers)
        if response.status_code == 501:  # no language model is set here, which is said so
            return
        # A stream's parts are described in words: the format has no schema of server-sent events.
        is_stream = case.path.endswith(("/stream", "/streams"))
        case.validate_response(response, checks=CHECKS[:1] if is_stream else CHECKS)
        if not headers and case.path not in OPEN:
            assert response.status_code == 401

    check()
