"""Requests that come too often are refused with 429: in front of the door by address, behind it by key."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.access.principal import Principal
from workers.gateway.door import NO_KEY
from workers.gateway.problems import problem
from workers.gateway.rates import Rates, Refused
from workers.gateway.replies import problem_reply

PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Asked by what keeps us running, often through one address for all."""
_TOO_OFTEN: Final = 1013
"""Close code of a socket: try again later."""
_NO_KEY: Final = 401
_SAFE: Final = frozenset({"GET", "HEAD"})
_SAID: Final = {
    "key": "this key asks too often",
    "address": "too many requests come from this address",
    "failures": "too many requests without a valid key come from this address",
}


class AddressPace:
    """ASGI, in front of the door: counts what comes from an address, and what of it shows no valid key.

    That is known by the answer, so that signing in counts, too, and sockets whose first frames say who it is.
    """

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        address = _address(self._rates, scope)
        scope.setdefault("state", {})["address"] = address
        if refused := self._rates.came(address):
            await _refuse(refused, scope, receive, send)
            return
        instead: Refused | None = None

        async def noted(message: Message) -> None:
            nonlocal instead
            if message["type"] == "http.response.start" and message["status"] == _NO_KEY:
                instead = self._rates.failed(address)
            elif message["type"] == "websocket.close" and message.get("code") == NO_KEY:
                self._rates.failed(address)
            if instead is None:
                await send(message)

        await self._app(scope, receive, noted)
        if instead is not None:
            await _refuse(instead, scope, receive, send)


class KeyPace:
    """ASGI, behind the door: counts by key; where it is open, nobody signs in whose address has failed too often."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope) if "address" in scope.get("state", {}) else None
        if refused:
            await _refuse(refused, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> Refused | None:
        address, principal = scope["state"]["address"], scope["state"].get("principal")
        if isinstance(principal, Principal):
            return self._rates.good(address, principal.id)
        shows_something = scope["type"] == "websocket" or scope["method"] not in _SAFE
        return self._rates.guessing(address) if shows_something else None


def _address(rates: Rates, scope: Scope) -> str:
    client = scope.get("client")
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return rates.address(client[0] if client else "", forwarded.decode("latin-1"))


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    said = problem(429, _SAID[refused.why], hint=f"ask again in {refused.wait_s} s")
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await problem_reply(said, wait_s=refused.wait_s)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _TOO_OFTEN, "reason": said.detail})
