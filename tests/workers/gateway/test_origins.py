"""Pages of other origins ask from a browser where they are named, and nowhere else."""

from __future__ import annotations

from gateway_app import KEYS, client_of, made_store

from pipeline.questions.answering import StoredAnswers
from workers.gateway.app import create_app

ORIGIN = "https://desk.example"


async def test_a_page_that_is_named_may_ask_and_send_its_key_and_others_may_not() -> None:
    store = await made_store()
    app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, origins=[ORIGIN])
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,last-event-id"}
    async with client_of(app, None) as client:
        may = await client.options("/v1/tickets", headers={"Origin": ORIGIN, **asked})
        others = await client.options("/v1/tickets", headers={"Origin": "https://evil.example", **asked})
        keyless = await client.get("/v1/calls", headers={"Origin": ORIGIN})
    async with client_of(app, "analyst") as client:
        answer = await client.get("/v1/calls", headers={"Origin": ORIGIN})
    assert (may.status_code, may.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "access-control-allow-credentials" not in may.headers
    assert "access-control-allow-origin" not in others.headers
    assert keyless.status_code == 401
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_where_none_is_named_no_page_of_another_origin_may_ask() -> None:
    store = await made_store()
    app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get)
    async with client_of(app, None) as client:
        preflight = await client.options("/v1/tickets", headers={"Origin": ORIGIN})
    assert preflight.status_code == 401
    assert "access-control-allow-origin" not in preflight.headers
