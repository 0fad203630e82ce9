"""The response caches by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pipeline.ports import KeptAnswer, Meter, ResponseCache
from pipeline.settings import Settings


def open_cache(settings: Settings, meter: Meter | None = None, of: str = "") -> ResponseCache:
    """The cache that the settings name; it touches nothing before its first use, and only its ``remove`` raises.

    Args:
        settings: the group LLM, and where the store is.
        meter: told how often an answer was there, and ``of`` what it is asked for: ``answers``, ``speech``.
        of: see ``meter``.

    Raises:
        Config: a cache on a server is set, but no server.
    """
    kept = CACHES[settings.llm.cache](settings)
    if isinstance(kept, NoCache):
        return kept
    from pipeline.llm.cache_tolerant import TolerantCache

    return TolerantCache(kept, meter=meter, of=of)


class NoCache:
    """A ``ResponseCache`` that keeps nothing."""

    async def get(self, key: str) -> KeptAnswer | None:
        del key
        return None

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        del key, subject
        return answer

    async def remove(self, subject: str) -> int:
        del subject
        return 0

    async def expire(self, older_than_s: float) -> int:
        del older_than_s
        return 0

    async def close(self) -> None:
        """Nothing is held open."""


def _sqlite(settings: Settings) -> ResponseCache:
    from pipeline.llm.cache_sqlite import SqliteResponseCache

    return SqliteResponseCache(settings.llm.cache_path, days=settings.llm.cache_days)


def _qdrant(settings: Settings) -> ResponseCache:
    from pipeline.llm.cache_qdrant import QdrantResponseCache
    from pipeline.store.bare_collection import server_for

    server = server_for("CONVMINE_LLM_CACHE", settings.store)
    return QdrantResponseCache(server, prefix=settings.store.prefix, days=settings.llm.cache_days)


def _off(settings: Settings) -> ResponseCache:
    del settings
    return NoCache()


CACHES: Final[Mapping[str, Callable[[Settings], ResponseCache]]] = {"sqlite": _sqlite, "qdrant": _qdrant, "off": _off}
