"""The floor over HTTP: who gets it, what comes on its stream, and readers that are slow, come back or must go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from dashboard_site import Site, dashboard_site
from live_floor import T0, advice, alert, begun, ended, held, sent, spoken

from pipeline.settings import DashboardSettings
from schemas.suggestion import FeedbackKind
from workers.dashboard.floor import looks
from workers.dashboard.floor.board import Board
from workers.dashboard.floor.room import floor_of
from workers.gateway.outgoing.events import Frame
from workers.gateway.outgoing.hub import Hub


@asynccontextmanager
async def floor_site(quiet_s: float = 15.0) -> AsyncIterator[Site]:
    async with dashboard_site(
        settings=DashboardSettings(quiet_s=quiet_s), live_rooms=[lambda streams: floor_of(streams, quiet_s)]
    ) as site:
        yield site


def client(site: Site, key: str | None = "supervisor") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(base_url=site.url, headers=headers, timeout=10)


class Reader:
    """Events of one stream, one after the other."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def event(self, *names: str) -> tuple[str, str, dict[str, Any]]:
        """The next event of these names: name, id, data."""
        name = id_ = ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                kind, _, value = line.partition(": ")
                if kind == "event":
                    name, id_ = value, ""
                elif kind == "id":
                    id_ = value
                elif kind == "data" and (not names or name in names):
                    return name, id_, json.loads(value)
        raise AssertionError("the stream ended")


@asynccontextmanager
async def looking(site: Site, key: str = "supervisor") -> AsyncIterator[Reader]:
    async with client(site, key) as http, http.stream("GET", "/v1/floor/stream") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response)


async def until_heard(site: Site, calls: int, key: str = "supervisor") -> dict[str, Any]:
    async with client(site, key) as http:
        for _ in range(100):
            found: dict[str, Any] = (await http.get("/v1/floor")).json()
            if found["totals"]["calls"] == calls:
                return found
            await asyncio.sleep(0.05)
    raise AssertionError(f"there are {found['totals']['calls']} calls")


async def test_only_supervisors_and_admins_get_it() -> None:
    async with floor_site() as site:
        asked = (("GET", "/v1/floor"), ("GET", "/v1/floor/stream"), ("POST", "/v1/floor/calls/c1/seen"))
        for key, status in (("ann", 403), ("analyst", 403), ("publisher", 403), (None, 401)):
            async with client(site, key) as http:
                for method, path in asked:
                    said = await http.request(method, path, json={"alert": "a1"} if method == "POST" else None)
                    assert said.status_code == status, (key, path)
        for key in ("supervisor", "admin"):
            async with client(site, key) as http:
                assert (await http.get("/v1/floor")).status_code == 200


async def test_a_stream_has_the_whole_floor_first_and_then_what_changes() -> None:
    async with floor_site() as site:
        await site.tell(begun("c1"), begun("c2"))
        await until_heard(site, 2)
        async with looking(site) as reader:
            assert (await reader.event())[0] == "status"
            _, id_, whole = await reader.event("snapshot")
            assert {line["call_id"] for line in whole["calls"]} == {"c1", "c2"}
            assert (whole["quiet_s"], id_) == (15, str(whole["sequence"]))
            await site.tell(held("c1"), ended("c2"))
            _, _, changes = await reader.event("changes")
            if not changes["gone"]:
                changes["gone"] = (await reader.event("changes"))[2]["gone"]
            assert [line["call_id"] for line in changes["calls"]] == ["c1"]
            assert changes["calls"][0]["held_since"]
            assert changes["gone"] == ["c2"]
            assert changes["sequence"] == whole["sequence"] + 1
        async with looking(site) as back:
            _, _, again = await back.event("snapshot")
            assert {line["call_id"] for line in again["calls"]} == {"c1"}, "who comes back gets it as it is now"


async def test_a_call_falls_silent_on_the_stream_though_nothing_is_published() -> None:
    async with floor_site(quiet_s=0.6) as site:
        await site.tell(begun("c1"), spoken("c1"))
        async with looking(site) as reader:
            _, _, told = await reader.event("snapshot", "changes")
            while not any("silent_since" in line for line in told["calls"]):
                _, _, told = await reader.event("changes")
            assert told["totals"]["silent"] == 1


async def test_other_tenants_never_see_a_call_or_an_alert() -> None:
    async with floor_site() as site, looking(site, "stranger") as stranger:
        await site.tell(begun("c1"), alert("a1"))
        await site.tell(begun("c-umbrella"), tenant="umbrella")
        await until_heard(site, 1)
        _, _, whole = await stranger.event("snapshot")
        seen = {line["call_id"] for line in whole["calls"]}
        while "c-umbrella" not in seen:
            seen |= {line["call_id"] for line in (await stranger.event("changes"))[2]["calls"]}
        assert seen == {"c-umbrella"}
        async with client(site, "stranger") as http:
            assert (await http.post("/v1/floor/calls/c1/seen", json={"alert": "a1"})).status_code == 404
        assert (await until_heard(site, 1, "stranger"))["totals"]["alerts"] == 0


async def test_an_alert_that_one_supervisor_has_seen_is_seen_for_all() -> None:
    async with floor_site() as site, looking(site) as first, looking(site, "admin") as second:
        await site.tell(begun("calls/1"), alert("a1", "calls/1"))
        await until_heard(site, 1)
        async with client(site) as http:
            said = await http.post("/v1/floor/calls/calls%2F1/seen", json={"alert": "a1"})
            assert (said.status_code, said.json()["unseen"], said.json()["alert"]["seen_by"]) == (
                200,
                0,
                "k-supervisor",
            )
            assert (await http.post("/v1/floor/calls/calls/1/seen", json={"alert": "zz"})).status_code == 404
            assert (await http.post("/v1/floor/calls/calls/1/seen", json={})).status_code == 422
        for reader in (first, second):
            lines = (await reader.event("snapshot", "changes"))[2]["calls"]
            while not lines or lines[0]["unseen"]:
                lines = (await reader.event("changes"))[2]["calls"]
            assert lines[0]["alert"]["seen_by"] == "k-supervisor"


async def test_a_suggestion_that_the_agent_answers_here_does_not_stand_any_more() -> None:
    async with floor_site() as site:
        await site.tell(begun("c1"))
        made = advice("s1").model_copy(update={"expires_at": advice("s1").expires_at.replace(year=2999)})
        await site.tell(made)
        for _ in range(100):
            if (await until_heard(site, 1))["calls"][0]["suggestion"]:
                break
            await asyncio.sleep(0.05)
        async with client(site) as http:
            told = {"call_id": "c1", "kind": FeedbackKind.DISMISSED}
            assert (await http.post("/v1/suggestions/s1/feedback", json=told)).status_code == 201
        assert (await until_heard(site, 1))["calls"][0]["suggestion"] is False


async def test_a_reader_that_reads_nothing_holds_up_nobody() -> None:
    async with floor_site() as site, client(site) as http, looking(site) as quick:
        slow = await http.send(http.build_request("GET", "/v1/floor/stream"), stream=True)
        seen: set[str] = set()
        for number in range(3):
            await site.tell(*(begun(f"c{number}-{one}") for one in range(200)))
            while len(seen) < (number + 1) * 200:
                seen |= {line["call_id"] for line in (await quick.event("snapshot", "changes"))[2]["calls"]}
        await slow.aclose()


async def test_a_page_that_knows_too_little_is_told_all_and_nothing_is_written_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub(900)
    board = Board(15.0, T0.timestamp)
    some = looks.Looks(board, hub)
    assert names(some.since("acme", None)) == ["snapshot"]
    for number in range(3):
        hub.hear(sent(begun(f"c{number}")))
        some.gather("acme")
    assert names(some.since("acme", 0)) == ["changes"] * 3
    assert names(some.since("acme", 2)) == ["changes"]
    assert some.since("acme", 3) == []
    assert some.since("acme", 0)[0][1] is some.since("acme", 0)[0][1]
    assert some.since("acme", None)[0][1] is some.since("acme", None)[0][1]
    monkeypatch.setattr(looks, "_MOST_KEPT", 300)
    hub.hear(sent(begun("c3")))
    some.gather("acme")
    assert names(some.since("acme", 0)) == ["snapshot"], "the first changes are kept no more"
    assert some.since("acme", 0)[0][0] == 4


def names(frames: list[tuple[int, Frame]]) -> list[str]:
    return [frame.name for _, frame in frames]


async def test_readers_are_told_to_come_back_when_the_dashboard_ends() -> None:
    async with floor_site() as site, looking(site) as reader:
        await reader.event("snapshot")
        site.hub.drain()
        assert (await reader.event("bye"))[2]["reason"] == "restart"
