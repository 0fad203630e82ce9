"""What a browser is sent: one page, and its parts under a path that changes with them, so that they may be kept."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
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
_MODULES: Final = b"{{modules}}"
_ENTRY: Final = "shell.js"
_IMPORT: Final = re.compile(rb'(?:\bfrom|^import) "(\.[^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pages:
    """The files, by name; ``version`` is of all of them.

    ``index`` is the page, and ``rooms`` the same for each folder: it names at once what that page needs. Without
    that a browser asks for a module only when it has read the one that imports it.
    """

    version: str
    index: bytes
    rooms: Mapping[str, bytes]
    parts: Mapping[str, bytes]

    def page(self, path: str) -> bytes:
        """What is sent for a path."""
        first = path.split("/")[1]
        return self.rooms.get("call" if first == "calls" else first, self.index)


@cache
def load_pages() -> Pages:
    """The files as they are installed."""
    found = dict(_walk(files("workers.dashboard") / "pages", ""))
    digest = sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + found[name] + b"\0")
    version = digest.hexdigest()[:12]
    assets = f"/assets/{version}"
    index = found.pop("index.html").replace(_PLACE, assets.encode())
    entries = {name.removesuffix("/page.js"): (_ENTRY, name) for name in found if name.endswith("/page.js")}
    rooms = {room: index.replace(_MODULES, _links(found, first, assets)) for room, first in entries.items()}
    return Pages(version, index.replace(_MODULES, _links(found, (_ENTRY,), assets)), rooms, found)


def _links(parts: Mapping[str, bytes], entries: Sequence[str], assets: str) -> bytes:
    """Asks for these modules and all that they import."""
    seen: dict[str, None] = {}
    waiting = list(reversed(entries))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen[name] = None
        found = (one.decode() for one in _IMPORT.findall(parts[name]))
        waiting += [posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in found]
    return "\n".join(f'<link rel="modulepreload" href="{assets}/{name}">' for name in seen).encode()


def _walk(folder: Traversable, before: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        name = before + one.name
        if one.is_dir():
            found += _walk(one, name + "/")
        elif name.rpartition(".")[2] in KINDS:
            found.append((name, one.read_bytes()))
    return found
