"""Sign-ins that are under way at a provider: each known by a cookie of its own, and good for one time.

The cookie holds a random id, and when it ends, signed. State, nonce and the verifier of PKCE follow from the id by our
secret: nothing has to be kept of somebody who never comes back, and none of them tells another.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from workers.dashboard.cookies import read_cookie, write_cookie

COOKIE: Final = "convmine_sign_in"
LASTS_S: Final = 600
"""Seconds that somebody has at the provider."""
_MOST_USED: Final = 10_000
"""Sign-ins of which it is remembered that they are done; a code is good for one time at the provider, too."""
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What belongs to one sign-in."""

    id: str
    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """Of the verifier, by S256 (RFC 7636, 4.2)."""
        return text_of(sha256(self.verifier.encode()).digest())


class SignIns:
    """Begins sign-ins, and knows those that come back.

    Args:
        secret: what cookies are signed with; without one, one by chance, so that only this process knows them.
        path: where browsers send the cookie to.
        now: seconds since 1970.
    """

    def __init__(self, secret: str | None, path: str, now: Callable[[], float] = time.time) -> None:
        self._key = sha256(f"sign-in:{secret or secrets.token_hex(32)}".encode()).digest()
        self._path = path
        self._now = now
        self._used: dict[str, float] = {}

    def begin(self) -> UnderWay:
        """A new one."""
        return self._of(secrets.token_urlsafe(24))

    def cookie(self, one: UnderWay, *, secure: bool) -> str:
        """The header ``Set-Cookie`` of one."""
        expires = int(self._now()) + LASTS_S
        return self._set(f"{one.id}.{expires}.{self._derived('cookie', f'{one.id}.{expires}')}", LASTS_S, secure=secure)

    def over(self, *, secure: bool) -> str:
        """The header that takes the cookie away."""
        return self._set("", 0, secure=secure)

    def come_back(self, cookies: str, state: str) -> UnderWay | None:
        """The one that somebody comes back from, used up with this; None for one of another browser, old or used."""
        id_, expires, signature = _parts(cookies)
        now, one = self._now(), self._of(id_)
        is_ours = hmac.compare_digest(signature.encode(), self._derived("cookie", f"{id_}.{expires}").encode())
        is_same = hmac.compare_digest(state.encode(), one.state.encode())
        if not is_ours or not is_same or int(expires) <= now or id_ in self._used:
            return None
        self._used = {used: until for used, until in self._used.items() if until > now}
        if len(self._used) >= _MOST_USED:
            del self._used[next(iter(self._used))]
        self._used[id_] = float(expires)
        return one

    def _of(self, id_: str) -> UnderWay:
        return UnderWay(id_, *(self._derived(purpose, id_) for purpose in ("state", "nonce", "verifier")))

    def _derived(self, purpose: str, of: str) -> str:
        return text_of(hmac.digest(self._key, f"{purpose}:{of}".encode(), "sha256"))

    def _set(self, value: str, lasts_s: int, *, secure: bool) -> str:
        """Lax: the way back begins at another site, and a cookie that is Strict is not sent with it."""
        return write_cookie(COOKIE, value, lasts_s, secure=secure, same_site="Lax", path=self._path)


def text_of(value: bytes) -> str:
    """Bytes as an address may have them, without padding (RFC 7636, appendix A)."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _parts(cookies: str) -> tuple[str, str, str]:
    """Id, end and signature of the cookie; empty where there is none."""
    parts = (read_cookie(cookies, COOKIE) or "").split(".")
    return (parts[0], parts[1], parts[2]) if len(parts) == _PARTS else ("", "0", "")
