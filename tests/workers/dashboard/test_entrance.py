"""The address that opens a dashboard without a key."""

from __future__ import annotations

import httpx
import pytest
from gateway_app import made_store

from pipeline.access.principal import Principal
from pipeline.questions.answering import StoredAnswers
from pipeline.settings import DashboardSettings
from workers.dashboard.app import create_dashboard
from workers.dashboard.entrance import LASTS_S, Entrance
from workers.dashboard.sessions import COOKIE, Sessions
from workers.dashboard.shell import Shell
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.in_process import InProcessBroker

DEMO = Principal("demo", "acme", frozenset({"supervisor"}), "demo")
URL = "http://127.0.0.1:8090"


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def browser(entrance: Entrance, sessions: Sessions, client: str = "127.0.0.1") -> httpx.AsyncClient:
    """A browser at this address, before a dashboard with this entrance."""
    store = await made_store()
    app = create_dashboard(
        lambda asker: StoredAnswers(store, asker),
        Shell(sessions, lambda _: None),
        streams=Streams(Hub(900), InProcessBroker()),
        rooms=(entrance.add_entrance,),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(client, 5)), base_url=URL)


async def test_the_address_lets_in_once_and_the_session_that_it_began_goes_on() -> None:
    sessions, clock = Sessions(DashboardSettings()), Clock()
    entrance = Entrance(sessions, DEMO, "/desk", clock)
    address = entrance.address(URL)
    async with await browser(entrance, sessions) as one:
        assert (await one.get("/v1/me")).status_code == 401
        let_in = await one.get(address)
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/desk")
        assert "HttpOnly; SameSite=Strict" in let_in.headers["set-cookie"]
        me = (await one.get("/v1/me")).json()
        assert (me["name"], me["roles"], me["tenant"]) == ("demo", ["supervisor"], "acme")
    async with await browser(entrance, sessions) as other:
        again = await other.get(address)
        assert (again.status_code, COOKIE in again.headers.get("set-cookie", "")) == (401, False)
        assert (await other.get("/v1/me")).status_code == 401
    assert (await _status(Entrance(sessions, DEMO, "/desk", clock), sessions, address)) == 401


async def test_the_address_opens_nothing_when_its_time_is_over() -> None:
    sessions, clock = Sessions(DashboardSettings()), Clock()
    entrance = Entrance(sessions, DEMO, "/desk", clock)
    clock.now = LASTS_S
    assert await _status(entrance, sessions, entrance.address(URL)) == 401


@pytest.mark.parametrize(("client", "status"), [("192.168.1.7", 403), ("::1", 303), ("127.0.0.2", 303)])
async def test_the_address_opens_for_its_own_machine_alone(client: str, status: int) -> None:
    sessions = Sessions(DashboardSettings())
    entrance = Entrance(sessions, DEMO, "/desk")
    async with await browser(entrance, sessions, client) as one:
        assert (await one.get(entrance.address(URL))).status_code == status


@pytest.mark.parametrize("query", ["", "?word=", "?word=ä", "?word=x", "?ticket=x"])
async def test_a_wrong_word_opens_nothing_and_leaves_the_right_one_as_it_was(query: str) -> None:
    sessions = Sessions(DashboardSettings())
    entrance = Entrance(sessions, DEMO, "/desk")
    assert await _status(entrance, sessions, f"{URL}/sign-in/once{query}") == 401
    assert await _status(entrance, sessions, entrance.address(URL)) == 303


async def _status(entrance: Entrance, sessions: Sessions, address: str) -> int:
    async with await browser(entrance, sessions) as one:
        return (await one.get(address)).status_code
