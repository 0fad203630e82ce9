"""Web pages of named hosts: over HTTPS, bounded in size and time, and never by way of another address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urldefrag, urlsplit

from pipeline.asr.download import Downloads, Refusal, WebRecording
from pipeline.asr.hosts import AllowedHosts
from pipeline.errors import ConvmineError, Poison
from pipeline.knowledge.adding import Added, Offered
from pipeline.knowledge.page import MOST_BYTES

OPTION: Final = "--allow-host"
_TIMEOUT_S: Final = 30.0
_REDIRECTS: Final = range(300, 400)


class WebPages:
    """Fetches pages of these hosts alone, on public addresses; ``host:port`` allows that port on any address.

    ``http://`` is for hosts that are allowed with their port, as those of one's own network.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._named = frozenset(host.lower() for host in hosts)
        self._hosts = AllowedHosts(hosts, listed_in=OPTION)
        self._downloads = Downloads(max_bytes=MOST_BYTES, timeout_s=_TIMEOUT_S, limit="a page")

    async def fetch(self, url: str) -> Offered | Added:
        """The page, named by its address; or why it cannot be had."""
        source = urldefrag(url).url
        try:
            parts = urlsplit(source)
            if parts.scheme == "http" and f"{parts.hostname}:{parts.port or 80}" not in self._named:
                raise Poison("it is not https://", hint=f"in one's own network: {OPTION} HOST:PORT")
            async with self._downloads.download(_WebPage(parts, self._hosts)) as path:
                return Offered(source, await asyncio.to_thread(path.read_bytes))
        except ConvmineError as error:
            return Added(source, "failed", reason=error.in_one_line)
        except ValueError as error:
            return Added(source, "failed", reason=f"it is no address: {error}")


class _WebPage(WebRecording):
    """The same as a recording, but for what is said of it; absent and busy is as final as a person waits for it."""

    __slots__ = ()

    @property
    def dependency(self) -> str:
        return f"web server {self.uri.hostname}"

    def error(self, refusal: Refusal) -> ConvmineError:
        if refusal.status in _REDIRECTS:
            return Poison(f"{self.shown} leads to another address, which is not followed: list that one")
        return Poison(f"{self.shown} answered {refusal.status}")
