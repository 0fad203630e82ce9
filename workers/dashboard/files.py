"""What a browser is sent: one page, and its parts under a path that changes with them, so that they may be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Only what is served here runs, and it talks to nobody else."""
SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_PLACE: Final = b"{{assets}}"


@dataclass(frozen=True, slots=True)
class Pages:
    """The files, by name; ``version`` is of all of them."""

    version: str
    index: bytes
    parts: Mapping[str, bytes]


def load_pages() -> Pages:
    """The files as they are installed."""
    found = dict(_walk(files("workers.dashboard") / "pages", ""))
    digest = sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + found[name] + b"\0")
    version = digest.hexdigest()[:12]
    index = found.pop("index.html").replace(_PLACE, f"/assets/{version}".encode())
    return Pages(version, index, found)


def _walk(folder: Traversable, before: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        name = before + one.name
        if one.is_dir():
            found += _walk(one, name + "/")
        elif name.rpartition(".")[2] in KINDS:
            found.append((name, one.read_bytes()))
    return found
