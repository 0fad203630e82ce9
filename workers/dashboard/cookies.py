"""Cookies as headers: one of ours read from what a browser sent, and one set that no script can read."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Literal


def read_cookie(header: str, name: str) -> str | None:
    """What the header ``Cookie`` holds under this name; None where it holds nothing, or cannot be read."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


def write_cookie(  # noqa: PLR0913 - a part each
    name: str, value: str, lasts_s: int, *, secure: bool, same_site: Literal["Strict", "Lax"], path: str = "/"
) -> str:
    """The header ``Set-Cookie``; one that lasts no time is taken away."""
    parts = (f"{name}={value}", f"Path={path}", f"Max-Age={max(0, lasts_s)}", "HttpOnly", f"SameSite={same_site}")
    return "; ".join((*parts, "Secure") if secure else parts)
