"""Sessions: who signed in with a key is known by a cookie, so that no page ever holds the key.

The cookie is sealed, HttpOnly and SameSite=Strict. What changes something counts only where the browser says that it
comes from our own page (Sec-Fetch-Site, or Origin where a browser sends no such header), which other sites cannot say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from pipeline.access.principal import Principal
from pipeline.settings import DashboardSettings
from workers.dashboard.cookies import read_cookie, write_cookie
from workers.gateway.sealed import Seal

COOKIE: Final = "convmine_session"
_SAFE: Final = frozenset({"GET", "HEAD"})


def _always(_principal: Principal) -> bool:
    return True


class Sessions:
    """Begins sessions, and says whose one is.

    Args:
        settings: how long they last, what they are signed with, and at which address.
        holds: whether the key that proved who this is still does.
        now: seconds since 1970.
    """

    def __init__(
        self,
        settings: DashboardSettings,
        holds: Callable[[Principal], bool] = _always,
        now: Callable[[], float] = time.time,
    ) -> None:
        secret = settings.secret
        self._seal = Seal("session", secret.get_secret_value() if secret else None, now)
        self._lasts_s = settings.session_hours * 3_600
        self._url = settings.url
        self._holds = holds
        self._now = now

    def cookie(self, principal: Principal, *, secure: bool) -> str:
        """The header ``Set-Cookie`` of a new session."""
        lasts_s = self._lasts_s
        if principal.expires_at is not None:
            lasts_s = min(lasts_s, principal.expires_at.timestamp() - self._now())
        value = self._seal.write(principal, lasts_s)
        return write_cookie(COOKIE, value, round(lasts_s), secure=secure, same_site="Strict")

    def ended(self, *, secure: bool) -> str:
        """The header that takes the cookie away."""
        return write_cookie(COOKIE, "", 0, secure=secure, same_site="Strict")

    def principal(self, scope: Scope) -> Principal | None:
        """Whose session a request belongs to; None where it has none, or may come from another site."""
        headers = _headers(scope)
        text = read_cookie(headers.get("cookie", ""), COOKIE)
        if text is None or not self._is_ours(scope, headers):
            return None
        sealed = self._seal.read(text)
        return sealed.principal if sealed and self._holds(sealed.principal) else None

    def is_secure(self, scope: Scope) -> bool:
        """Whether browsers reach us by https."""
        return urlsplit(self._url).scheme == "https" if self._url else scope.get("scheme") == "https"

    def _is_ours(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """Whether this is our own page's doing; reading is for whoever has the cookie, as it brings no other site."""
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return True
        if (site := headers.get("sec-fetch-site")) is not None and scope["type"] == "http":
            return site == "same-origin"
        origin = urlsplit(headers.get("origin", ""))
        ours = urlsplit(self._url).netloc if self._url else headers.get("host", "")
        return bool(origin.netloc) and origin.netloc == ours


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
