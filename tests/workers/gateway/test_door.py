"""Who may open what: nobody without a key, nobody beyond their scopes, and nobody sees another tenant's calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from gateway_app import KEYS, client_of, made_gateway

from pipeline.testing import InMemoryStore
from workers.gateway.door import OPEN, SCOPES


def pages(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every page behind the door, with a call or an agent of acme where it takes one."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in OPEN:
            path = re.sub(
                r"{(call|agent|rows)(:path)?}",
                lambda name: {"call": "call-one", "agent": "ann"}.get(name[1], "calls"),
                route.path,
            )
            yield from ((method, path) for method in route.methods or ())


async def test_without_a_key_there_is_nothing_but_health_and_the_document(gateway: FastAPI) -> None:
    asked = [
        *pages(gateway),
        ("GET", "/v1/none"),
        ("GET", "/docs"),
        ("POST", "/openapi.json/"),
        ("GET", "/healthz/x"),
    ]
    assert len(asked) > 10
    for key in (None, "nobody", "", "analyst x"):
        async with client_of(gateway, key) as client:
            for method, path in asked:
                answer = await client.request(method, path, content=b"{")
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.json()["type"].endswith(":no-key")


async def test_two_keys_or_another_scheme_are_no_key(gateway: FastAPI) -> None:
    async with client_of(gateway, None) as client:
        twice = [("Authorization", "Bearer analyst"), ("Authorization", "Bearer stranger")]
        assert (await client.get("/v1/fields", headers=twice)).status_code == 401
        assert (await client.get("/v1/fields", headers={"Authorization": "Basic analyst"})).status_code == 401
        assert (await client.get("/v1/fields", headers={"Authorization": "bearer analyst"})).status_code == 200


async def test_a_key_without_the_scope_of_a_page_is_refused_before_its_body_is_read(gateway: FastAPI) -> None:
    async with client_of(gateway, "publisher") as client:
        for method, path in pages(gateway):
            answer = await client.request(method, path, content=b"{")
            assert answer.status_code == 403, (method, path)
            assert answer.json()["type"].endswith(":not-allowed")


def test_every_page_says_which_scopes_open_it(gateway: FastAPI) -> None:
    known = {"publish", "agent", "supervisor", "analyst", "admin"}
    for route in gateway.routes:
        if isinstance(route, APIRoute) and route.path not in OPEN:
            assert set((route.openapi_extra or {}).get(SCOPES, ())) & known, route.path


async def test_a_page_that_says_no_scopes_is_for_nobody() -> None:
    gateway = made_gateway(InMemoryStore())

    async def forgotten() -> str:
        return "secret"

    gateway.get("/v1/forgotten")(forgotten)
    async with client_of(gateway, "admin") as client:
        assert (await client.get("/v1/forgotten")).status_code == 403


@pytest.mark.parametrize("key", ["stranger", "bob"])
async def test_nothing_of_others_is_told_on_any_page(gateway: FastAPI, key: str) -> None:
    async with client_of(gateway, key) as client:
        for method, path in pages(gateway):
            if method == "GET" and path != "/v1/audit":  # which tells what the key itself has asked for
                query = (
                    "?text=price"
                    if path.endswith("search")
                    else "?a=outcome=lost&b=outcome=won"
                    if path.endswith("compare")
                    else ""
                )
                answer = await client.get(path + query)
                assert answer.status_code < 500, path
                told = answer.text.replace("'call-one'", "").replace("'ann'", "")
                assert not re.search(r"call-one|call-two|\bann\b", told), path


@pytest.mark.parametrize("key", ["stranger", "bob"])
@pytest.mark.parametrize("page", ["/v1/calls/{}", "/v1/calls/{}/transcript", "/v1/calls?where=call={}"])
async def test_whether_others_have_a_call_is_not_told(gateway: FastAPI, key: str, page: str) -> None:
    async with client_of(gateway, key) as client:
        theirs, none = await client.get(page.format("call-one")), await client.get(page.format("call-xyz"))
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text.replace("call-one", "call-xyz") == none.text


async def test_an_agent_sees_the_calls_of_that_agent(gateway: FastAPI) -> None:
    async with client_of(gateway, "bob") as client:
        calls = (await client.get("/v1/calls")).json()
        said = (await client.post("/v1/questions", json={"kind": "search", "text": "price"})).json()
        own = await client.get("/v1/calls/call-bob")
    assert [row["call_id"] for row in calls["items"]] == ["call-bob"]
    assert {one["call_id"] for one in said["items"]} == {"call-bob"}
    assert own.status_code == 200


@pytest.mark.parametrize("key", ["analyst", "supervisor", "admin"])
async def test_who_sees_all_of_a_tenant_sees_nothing_of_another(gateway: FastAPI, key: str) -> None:
    async with client_of(gateway, key) as client:
        calls = (await client.get("/v1/calls")).json()
    assert {row["call_id"] for row in calls["items"]} == {"call-one", "call-two", "call-bob"}
    assert KEYS[key].tenant_id == "acme"
