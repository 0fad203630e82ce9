"""What one tenant has is nothing to another, on every route of the gateway and of the dashboard.

Each route has a case here; one without is found, so that a new route comes with its own. A case is asked in two worlds
(``worlds``): somebody of another tenant, with all scopes, must be told the same in both, to the letter. As a proof that
the case shows something at all, the tenant itself is told different things wherever ``shows`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from worlds import CARD, CONTENT, PEOPLE_OF, WORDS_OF_ACME, World, asked, plain, world

from pipeline.stages import FEEDBACK
from workers.dashboard.shell import is_open as is_open_page
from workers.gateway.door import OPEN
from workers.records import Record, read_event

TENANT = PEOPLE_OF["stranger"].tenant_id


@dataclass(frozen=True)
class Case:
    """One request; ``shows`` whether it shows the tenant something of its own, ``open_`` whether to everybody."""

    query: str = ""
    body: Any = None
    shows: bool = False
    says: dict[str, str] = field(default_factory=dict)
    """What stands in the path, where that is not the usual."""

    counts_all: bool = False
    """It counts what waits for each stage, of all tenants together, and names nothing."""

    def about(self, letter: str) -> Case:
        """The same about this dead letter, where it is about one."""
        body = {"names": [letter]} if self.body == LETTERS else self.body
        return replace(self, body=body, says={"name": letter, **self.says})


PLACES = {"call": "call-one", "call_id": "call-one", "agent": "ann", "scenario": "telecom", "rows": "calls"}
PLACES |= {"suggestion": "s-acme", "name": "LETTER", "card": "quiet", "prompt": "extract", "version": "1"}
"""What stands in paths: names of things of acme."""
LETTERS = {"names": ["LETTER"]}
SHOWN = Case(shows=True)
LIVE = Case("?from=start", shows=True, says={"call": "call-live"})
SQL = {"statement": "select call_id from calls order by 1"}
PLACE = {"scenario": "telecom", "language": "en"}
DRAFT = {**CARD, "content": {**CONTENT, "title": "Theirs"}}

CASES: dict[str, Case] = {
    # questions
    "POST /v1/questions": Case(body={"kind": "search", "text": "price"}, shows=True),
    "GET /v1/search": Case("?text=price", shows=True),
    "GET /v1/intents": SHOWN,
    "GET /v1/utterances": SHOWN,
    "GET /v1/suggestions": SHOWN,
    "GET /v1/calls": SHOWN,
    "GET /v1/aggregate": Case("?by=agent", shows=True),
    "GET /v1/compare": Case("?a=agent%3Dann&b=agent%3Dbob", shows=True),
    "GET /v1/trend": Case("?period=day"),
    "GET /v1/similar/{call:path}": SHOWN,
    "GET /v1/coach/{agent:path}": SHOWN,
    "GET /v1/flow/{scenario:path}": Case(),
    "GET /v1/calls/{call:path}/transcript": SHOWN,
    "GET /v1/calls/{call:path}": SHOWN,
    "POST /v1/ask": Case(body={"text": "price"}),
    "POST /v1/sql": Case(body=SQL, shows=True),
    "GET /v1/export/{rows}": SHOWN,
    "GET /v1/audit": SHOWN,
    "GET /v1/fields": Case(),
    # streams
    "GET /v1/streams": LIVE,
    "GET /v1/calls/{call:path}/stream": LIVE,
    "WS /v1/streams": LIVE,
    "WS /v1/calls/{call:path}/stream": LIVE,
    "POST /v1/tickets": Case(body={}),
    "POST /v1/suggestions/{suggestion}/feedback": Case(body={"kind": "accepted", "call_id": "call-live"}, shows=True),
    "GET /v1/live": SHOWN,
    # calls that come in
    "POST /v1/calls": Case(body={"call_id": "call-one", "agent": "ann"}),
    "POST /v1/calls/{call_id}/update": Case(body={"agent": "ann"}),
    "POST /v1/calls/{call_id}/hold": Case(body={"at_ms": 1_000}),
    "POST /v1/calls/{call_id}/resume": Case(body={"at_ms": 2_000}),
    "POST /v1/calls/{call_id}/end": Case(body={"duration_ms": 3_000}),
    "POST /v1/calls/{call_id}/outcome": Case(body={"name": "x", "result": "won", "observed_by": "crm"}),
    "POST /v1/calls/{call_id}/messages": Case(body={"role": "agent", "text": "x"}, says={"call_id": "call-two"}),
    "POST /v1/calls/{call_id}/recordings": Case(body={"uri": "s3://x/y"}),
    "WS /v1/calls/{call_id}/audio": Case("?roles=agent&rate=8000&encoding=L16", says={"call_id": "call-two"}),
    # the dashboard's own
    "GET /v1/me": Case(),
    "GET /v1/floor": Case(),
    "GET /v1/floor/stream": Case(),
    "POST /v1/floor/calls/{call:path}/seen": Case(body={"alert": "a"}),
    "GET /v1/titles/{scenario}": Case(),
    "GET /v1/flow/{scenario:path}/drawing": Case(),
    "GET /v1/calls/{call:path}/audio": Case(),
    "HEAD /v1/calls/{call:path}/audio": Case(),
    "GET /calls/{call:path}": Case(),
    "GET /v1/operations/stages": Case(counts_all=True),
    "GET /v1/operations/cost": SHOWN,
    "GET /v1/operations/knowledge/{scenario}": Case(),
    "GET /v1/operations/dead-letters": SHOWN,
    "GET /v1/operations/dead-letters/{name}": SHOWN,
    "POST /v1/operations/dead-letters/replay": Case(body=LETTERS, shows=True),
    "GET /v1/workbench/scenarios": Case(),
    "GET /v1/workbench/cards": Case("?scenario=telecom&language=en", shows=True),
    "PUT /v1/workbench/cards/{card}/draft": Case(body=DRAFT, shows=True),
    "DELETE /v1/workbench/cards/{card}/draft": Case("?scenario=telecom&language=en&seen=0"),
    "POST /v1/workbench/cards/{card}/approve": Case(body=CARD),
    "POST /v1/workbench/cards/{card}/withdraw": Case(body=CARD),
    "POST /v1/workbench/cards/{card}/try": Case(body={**PLACE, "content": CONTENT}, shows=True),
    "GET /v1/workbench/words": Case("?scenario=telecom&language=en"),
    "POST /v1/workbench/words/difference": Case(body=PLACE),
    "POST /v1/workbench/words/try": Case(body=PLACE),
    "PUT /v1/workbench/words": Case(body=CARD),
    "GET /v1/workbench/prompts": Case("?scenario=telecom&language=en"),
    "POST /v1/workbench/prompts/{prompt}/promote": Case(body={**CARD, "version": 1}),
    "POST /v1/workbench/prompts/{prompt}/rollback": Case(body=CARD),
    "POST /v1/workbench/prompts/{prompt}/render": Case(body={**PLACE, "text": "x", "call": "call-one"}),
    "GET /v1/workbench/backtest": Case(),
    "POST /v1/workbench/backtest": Case(body={**PLACE, "text": "x", "against": 1}),
    "POST /v1/workbench/prompts/try": Case(body={**PLACE, "text": "x", "against": 1}),
    "GET /v1/workbench/history": Case("?scenario=telecom&language=en"),
}
"""A route of both is the same code in both, and asked at both."""


def routes(app: FastAPI) -> Iterator[str]:
    """Every route that is not open to everybody."""
    for route in app.routes:
        if isinstance(route, APIWebSocketRoute) and route.path not in OPEN:
            yield f"WS {route.path}"
        elif isinstance(route, Route) and (not _is_open(route.path) or route.path.startswith("/calls/")):
            methods = set(route.methods or ())
            if not isinstance(route, APIRoute):
                methods -= {"HEAD"}
            yield from (f"{method} {route.path}" for method in sorted(methods))


def _is_open(path: str) -> bool:
    return path in OPEN or is_open_page(path)


async def test_every_route_has_a_case(tmp_path: Path) -> None:
    async with world(tmp_path, with_acme=False) as one:
        found = {*routes(one.gateway), *routes(one.dashboard)}
    assert found == set(CASES)


async def test_nobody_is_told_what_another_tenant_has(tmp_path: Path) -> None:
    async with world(tmp_path / "with", with_acme=True) as full, world(tmp_path / "without", with_acme=False) as empty:
        letters = (await asked(full.dashboard, "owner", "GET", "/v1/operations/dead-letters")).json()["items"]
        differ = set[str]()
        for name, usual in CASES.items():
            case = usual.about(letters[0]["name"])
            for app in ("gateway", "dashboard"):
                if name not in set(routes(getattr(full, app))):
                    continue
                theirs, none = [await _said(one, app, "stranger", name, case) for one in (full, empty)]
                assert theirs == none or case.counts_all, (app, name)
                assert theirs[0] not in {500, 502, 503, 504}, (app, name, theirs)
                shown = theirs[1].replace(_path(name, case), "").replace(str(case.body), "")
                said = (*PLACES.values(), *case.says.values(), str(case.body))
                told = [word for word in WORDS_OF_ACME if word in shown and not any(word in one for one in said)]
                assert not told, (app, name)
                own, nothing = [await _said(one, app, "owner", name, case) for one in (full, empty)]
                if own != nothing:
                    differ.add(name)
        assert {name for name, case in CASES.items() if case.shows} <= differ
        tenants = {one.message.envelope.tenantid for one in full.published.events()}
        assert tenants == {"acme", TENANT}


async def test_what_somebody_writes_is_of_their_own_tenant(tmp_path: Path) -> None:
    async with world(tmp_path, with_acme=True) as one:
        for name, case in CASES.items():
            if not name.startswith(("GET", "HEAD")):
                for app in ("gateway", "dashboard"):
                    if name in set(routes(getattr(one, app))):
                        await _said(one, app, "stranger", name, case)
        written = {event.message.envelope.tenantid for event in one.published.events()}
        assert written == {TENANT}
        assert _tenants_in(one) <= {TENANT}


def _tenants_in(one: World) -> set[str]:
    """Of whom feedback was written."""
    read = [
        read_event(Record(FEEDBACK, 0, at, new.key, new.value, new.headers))
        for at, new in enumerate(one.broker.records(FEEDBACK))
    ]
    return {event.message.envelope.tenantid for event in read if event}


def _path(name: str, case: Case) -> str:
    says = {**PLACES, **case.says}
    return re.sub(r"{(\w+)(:path)?}", lambda found: says[found[1]], name.partition(" ")[2])


async def _said(one: World, app_name: str, who: str, name: str, case: Case) -> tuple[int, str]:
    app, method, path = getattr(one, app_name), name.partition(" ")[0], _path(name, case) + case.query
    if method == "WS":
        return _frames(app, who, path)
    return await one.answer(app, who, method, path, **({} if case.body is None else {"json": case.body}))


def _frames(app: FastAPI, who: str, path: str) -> tuple[int, str]:
    """What a socket says until it is closed, or for its first word where it waits for ours."""
    said: list[str] = []
    try:
        with TestClient(app).websocket_connect(path, headers={"Authorization": f"Bearer {who}"}) as socket:
            while len(said) < (1 if path.endswith("L16") else 50):
                said += [socket.receive_text()]
    except WebSocketDisconnect as error:
        return error.code, plain("\n".join(said))
    return 101, plain("\n".join(said))
