"""The headers that a receiver checks an event by.

Source: Standard Webhooks 1.0.0 (standardwebhooks.com): HMAC-SHA256 over id, time of sending and body, joined by full
stops; the scheme is ``v1``; with several secrets there are several signatures, parted by spaces.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from pipeline.ids import stable_id

_SAFE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


def webhook_id(ce_id: str) -> str:
    """The id that an event is sent with: its own, or where that might hold a full stop or worse, one made of it."""
    return ce_id if _SAFE.fullmatch(ce_id) else stable_id("webhook", ce_id)


def signed(id_: str, at_s: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers; ``at_s`` is the time of sending, in seconds since 1970."""
    content = f"{id_}.{at_s}.".encode() + body
    signatures = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
