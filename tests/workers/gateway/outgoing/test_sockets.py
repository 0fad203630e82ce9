"""The same streams as WebSockets, and tickets for those who can send no headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from live_desk import Desk, live_desk
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pipeline.access.principal import Principal
from workers.gateway.outgoing.tickets import EXPIRES_IN_S, Tickets


@asynccontextmanager
async def socket(
    desk: Desk, key: str | None = "supervisor", path: str = "/v1/streams", query: str = ""
) -> AsyncIterator[ClientConnection]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    url = desk.url.replace("http", "ws") + path + (f"?{query}" if query else "")
    async with connect(url, additional_headers=headers, proxy=None) as connection:
        yield connection


async def told(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return dict(json.loads(await connection.recv()))


async def ticket(desk: Desk, key: str = "supervisor") -> str:
    async with httpx.AsyncClient(base_url=desk.url) as client:
        made = await client.post("/v1/tickets", headers={"Authorization": f"Bearer {key}"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert made.json()["expires_in_s"] == EXPIRES_IN_S
    return str(made.json()["ticket"])


async def test_a_socket_has_the_events_of_a_stream_and_goes_on_from_their_ids() -> None:
    async with live_desk() as desk:
        async with socket(desk, "bob") as connection:
            assert (await told(connection))["data"] == {"type": "status", "state": "live"}
            await desk.suggest(1, agent="ann", call_id="hers")
            await desk.suggest(2, 3)
            first = await told(connection)
        assert (first["event"], first["data"]["suggestion_id"]) == ("suggestion.created", "s2")
        async with socket(desk, "bob", query=f"last_event_id={first['id']}") as connection:
            assert (await told(connection))["data"]["suggestion_id"] == "s3"


async def test_a_socket_without_a_key_or_with_a_wrong_query_is_refused_with_the_reason() -> None:
    async with live_desk() as desk:
        for key, path, query, status in (
            (None, "/v1/streams", "", 403),
            ("nobody", "/v1/streams", "", 403),
            ("publisher", "/v1/streams", "", 403),
            ("bob", "/v1/streams", "agent=ann", 403),
            ("bob", "/v1/calls/hers/stream", "", 404),
            ("supervisor", "/v1/streams", "of=everything", 422),
        ):
            with pytest.raises(InvalidStatus) as refused:
                async with socket(desk, key, path, query):
                    pass
            assert refused.value.response.status_code == status, (key, path, query)


async def test_a_gateway_that_ends_closes_sockets_with_a_code_that_says_come_back() -> None:
    async with live_desk() as desk, socket(desk) as connection:
        await told(connection)
        desk.hub.drain()
        assert (await told(connection))["event"] == "bye"
        with pytest.raises(ConnectionClosed) as closed:
            await told(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


async def test_what_a_reader_says_is_not_listened_to() -> None:
    async with live_desk() as desk, socket(desk, query="call=call-1") as connection:
        await told(connection)
        await connection.send('{"call": "other"}')
        await connection.send(b"\x00" * 1_000)
        await desk.suggest(1, call_id="other")
        await desk.suggest(2)
        assert (await told(connection))["data"]["suggestion_id"] == "s2"


async def test_a_ticket_opens_one_stream_as_who_it_was_made_for() -> None:
    async with live_desk() as desk:
        for _ in range(2):
            made = await ticket(desk, "bob")
            async with desk.stream(None, ticket=made) as reader:
                await reader.event()
                await desk.suggest(1, agent="ann", call_id=f"hers-{made[-5:-2]}", tenant="acme")
                assert await reader.calls(1, wait_s=0.3) == []
            async with desk.stream(None, ticket=made) as again:
                assert again.response.status_code == 401
        async with socket(desk, None, query=f"ticket={await ticket(desk)}") as connection:
            assert (await told(connection))["event"] == "status"


async def test_a_ticket_opens_nothing_but_streams() -> None:
    async with live_desk() as desk, httpx.AsyncClient(base_url=desk.url) as client:
        for path in ("/v1/calls", "/v1/live", "/v1/calls/call-one", "/v1/audit"):
            assert (await client.get(path, params={"ticket": await ticket(desk)})).status_code == 401, path
        asked = await client.post("/v1/streams", params={"ticket": await ticket(desk)})
        assert asked.status_code == 401


async def test_a_wrong_header_is_not_made_good_by_a_ticket() -> None:
    async with live_desk() as desk, desk.stream("nobody", ticket=await ticket(desk)) as reader:
        assert reader.response.status_code == 401


ANN = Principal("k1", "acme", frozenset({"agent:ann"}), "Ann")


def test_a_ticket_is_worth_nothing_after_its_time_when_changed_or_elsewhere() -> None:
    now = 1_000.0
    tickets = Tickets("secret", lambda: now)
    made = tickets.make(ANN)
    assert Tickets("other", lambda: now).take(made) is None
    assert Tickets("secret", lambda: now + EXPIRES_IN_S).take(made) is None
    changed = made[:20] + ("A" if made[20] != "A" else "B") + made[21:]
    for text in (changed, made + "A", made.partition(".")[0], "." + made.partition(".")[2], "", "é", "."):
        assert tickets.take(text) is None, text
    assert Tickets("secret", lambda: now).take(made) == ANN, "another gateway of the installation takes it"
    assert tickets.take(made) == ANN
    assert tickets.take(made) is None, "once"


def test_a_gateway_without_a_secret_takes_its_own_tickets_alone() -> None:
    one, other = Tickets(), Tickets()
    made = one.make(ANN)
    assert other.take(made) is None
    assert one.take(made) == ANN
