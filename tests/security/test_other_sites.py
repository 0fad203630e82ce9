"""A site in the browser of somebody who is signed in can neither act with the session nor run anything in a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dashboard_site import PEOPLE
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from worlds import asked, world

from pipeline.settings import DashboardSettings
from workers.dashboard.files import POLICY, SECURITY, load_pages
from workers.dashboard.sessions import Sessions

OURS = "http://gateway"
SITES = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": OURS}, True),
    ({}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": OURS}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "http://gateway.evil.example"}, False),
    ({"Origin": "http://gateway@evil.example"}, False),
]
"""What a browser says of where a request comes from, and whether it may act with the cookie."""


async def test_with_the_cookie_nothing_is_changed_from_another_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = DashboardSettings.model_validate({"secret": "the same for all"})
    monkeypatch.setattr("worlds.DashboardSettings", lambda: secret)
    sent = {"Cookie": Sessions(secret).cookie(PEOPLE["supervisor"], secure=False).partition(";")[0]}
    async with world(tmp_path, with_acme=False) as one:
        assert (await asked(one.dashboard, None, "GET", "/v1/live", headers=sent)).status_code == 200
        for says, may in SITES:
            answer = await asked(one.dashboard, None, "POST", "/v1/tickets", headers={**sent, **says}, json={})
            assert answer.status_code == (201 if may else 401), says
        for origin, may in (("http://testserver", True), ("https://evil.example", False), ("", False)):
            assert _opens(TestClient(one.dashboard), {**sent, "Origin": origin}) is may, origin


def _opens(client: TestClient, headers: dict[str, str]) -> bool:
    """Whether a socket with the cookie is accepted: no browser keeps another site from opening one."""
    try:
        with client.websocket_connect("/v1/streams", headers=headers):
            return True
    except WebSocketDisconnect as error:
        return error.code not in {4401, 1008}


async def test_every_answer_forbids_scripts_of_others_and_no_page_has_one_of_its_own(tmp_path: Path) -> None:
    async with world(tmp_path, with_acme=False) as one:
        for path in ("/", "/sign-in", "/floor", "/calls/c1"):
            answer = await asked(one.dashboard, None, "GET", path)
            assert {name: answer.headers.get(name) for name in SECURITY} == dict(SECURITY), path
    policy = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    for page in (load_pages().index, *load_pages().rooms.values()):
        assert not re.findall(rb"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", page)
