"""The way into a dashboard that only its own machine reaches, without a key: an address that opens it once."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from pipeline.access.principal import Principal
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import enter
from workers.gateway.pages import AnswersTo
from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

LASTS_S: Final = 900.0
"""Long enough to take the address from a console to a browser."""
_PATH: Final = "/sign-in/once"


class Entrance:
    """Lets in whoever comes first with its address, as one principal.

    Args:
        sessions: begins the session of who is let in.
        principal: who that is then.
        to: the page that is shown.
        now: in seconds.
    """

    def __init__(
        self, sessions: Sessions, principal: Principal, to: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions = sessions
        self._principal = principal
        self._to = to
        self._now = now
        self._word = secrets.token_urlsafe(24)
        self._until = now() + LASTS_S

    def address(self, url: str) -> str:
        """Its address, of a dashboard at ``url``."""
        return f"{url}{_PATH}?{urlencode({'word': self._word})}"

    def add_entrance(self, router: APIRouter, answers_to: AnswersTo) -> None:
        """The page of the address: a ``Room``."""
        del answers_to
        router.add_route(_PATH, self._enter, methods=["GET"], include_in_schema=False)

    async def _enter(self, request: Request) -> Response:
        if request.client is None or not ip_address(request.client.host).is_loopback:
            return problem_reply(problem(403, "this address opens on its own machine alone"))
        if not self._opens(request.query_params.get("word", "")):
            return problem_reply(problem(401, "this address has been used, or is too old", hint="start again"))
        return enter(self._sessions, self._principal, request, self._to)

    def _opens(self, word: str) -> bool:
        if not self._word or self._now() >= self._until or not hmac.compare_digest(word.encode(), self._word.encode()):
            return False
        self._word = ""
        return True
