"""A principal as a text that only we can write (HMAC-SHA256, RFC 2104): whose it is, for what, and until when."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from pipeline.access.principal import Principal


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a text said: whose it is, its own name, and when it expires, in seconds since 1970."""

    principal: Principal
    nonce: str
    expires: float


class Seal:
    """Writes such texts and reads them; one that was written for another purpose is none.

    Args:
        purpose: what its texts are for.
        secret: what they are signed with; without one, one by chance, so that only this process reads them.
        now: seconds since 1970.
    """

    def __init__(self, purpose: str, secret: str | None = None, now: Callable[[], float] = time.time) -> None:
        self._key = sha256(f"{purpose}:{secret or secrets.token_hex(32)}".encode()).digest()
        self._now = now

    def write(self, principal: Principal, lasts_s: float) -> str:
        """A text of theirs that lasts so many seconds."""
        expires_at = principal.expires_at.timestamp() if principal.expires_at else None
        says = {
            "id": principal.id,
            "tenant": principal.tenant_id,
            "scopes": sorted(principal.scopes),
            "name": principal.name,
            "until": expires_at,
            "expires": self._now() + lasts_s,
            "nonce": secrets.token_hex(12),
        }
        body = urlsafe_b64encode(json.dumps(says).encode())
        return (body + b"." + self._signature(body)).decode()

    def read(self, text: str) -> Sealed | None:
        """What it says; None where we did not write it, or it has expired."""
        body, _, signature = text.encode(errors="replace").partition(b".")
        if not hmac.compare_digest(self._signature(body), signature):
            return None
        try:
            says = json.loads(urlsafe_b64decode(body))
        except (NotBase64, ValueError):  # signed by us, it is what we wrote
            return None
        if says["expires"] <= self._now():
            return None
        until = says["until"]
        expires_at = None if until is None else datetime.fromtimestamp(until, UTC)
        principal = Principal(says["id"], says["tenant"], frozenset(says["scopes"]), says["name"], expires_at)
        return Sealed(principal, says["nonce"], says["expires"])

    def _signature(self, body: bytes) -> bytes:
        return urlsafe_b64encode(hmac.digest(self._key, body, "sha256"))
