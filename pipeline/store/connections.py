"""The two ways to reach Qdrant, by folder and by URL, and the one place where its errors become ours."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from weakref import WeakSet

from pipeline.certificates import trusting
from pipeline.dependencies import answered
from pipeline.errors import Config, ConvmineError, Poison, Retryable

if TYPE_CHECKING:
    import httpx
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.http.exceptions import UnexpectedResponse
    from qdrant_client.local.local_collection import LocalCollection

T = TypeVar("T")
Call = Callable[["AsyncQdrantClient"], Coroutine[Any, Any, T]]

NOT_FOUND: Final = 404
CONFLICT: Final = 409
_DEPENDENCY: Final = "qdrant"
_LATER: Final = frozenset({408, 425, 429})
_REFUSED: Final = frozenset({401, 403})
_KEPT_OPEN: Final = 16
"""Idle connections to a server: of a client on the server's own machine Qdrant's would open one a request, which takes
as long as the request.
"""
_KEPT_OPEN_S: Final = 2.0
"""Seconds that an idle one is kept: less than the 5 s after which servers begin to close them, so that no request meets
one that is being closed.
"""


class Conflict(Poison):
    """What should be created is there already."""


class Gone(Poison):
    """The collection that was asked is not there, or no more."""


class Connection(Protocol):
    """Runs calls of the Qdrant client; ``has_indexes`` says whether payload indexes and storage settings do anything.

    Raises:
        Retryable: Qdrant is away, busy or slow.
        Poison: Qdrant refuses this call for good.
        Config: the address or the key is wrong.
    """

    @property
    def has_indexes(self) -> bool: ...

    async def run(self, call: Call[T]) -> T: ...

    async def close(self) -> None: ...


class Server:
    """A Qdrant server by URL."""

    has_indexes: Final = True

    def __init__(
        self, url: str, *, api_key: str | None = None, ca_file: Path | None = None, timeout_s: float = 30.0
    ) -> None:
        self._url = url
        self._ca_file = ca_file
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._client: AsyncQdrantClient | None = None

    async def run(self, call: Call[T]) -> T:
        """Once more where the server closed the connection that was kept open: to ask twice changes nothing."""
        from qdrant_client.http.exceptions import ResponseHandlingException

        with _translated(f"Qdrant at {self._url}"):
            try:
                return await call(self._connected())
            except ResponseHandlingException as error:
                if not _was_closed(error.source):
                    raise
                return await call(self._connected())

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> AsyncQdrantClient:
        if self._client is None:
            import httpx
            from qdrant_client import AsyncQdrantClient
            from urllib3.exceptions import LocationParseError

            try:
                self._client = AsyncQdrantClient(
                    url=self._url,
                    api_key=self._api_key,
                    timeout=max(1, round(self._timeout_s)),
                    verify=True if self._ca_file is None else trusting(self._ca_file, "CONVMINE_STORE_CA_FILE"),
                    limits=httpx.Limits(
                        max_connections=None, max_keepalive_connections=_KEPT_OPEN, keepalive_expiry=_KEPT_OPEN_S
                    ),
                    check_compatibility=False,  # it warns from a thread; prepare() finds out what counts
                )
            except (ValueError, LocationParseError) as error:
                raise Config("CONVMINE_STORE_URL", f"{self._url!r} is no URL such as http://localhost:6333") from error
        return self._client


class Folder:
    """Local mode: a folder that one process at a time has open.

    The client's local mode computes and writes inside its coroutines, so each call runs to its end in one thread of its
    own: the event loop stays free, and calls never overlap.

    It commits each point by itself. A kill takes none that was written; a power failure may take the last ones, but
    leaves the folder whole.
    """

    has_indexes: Final = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qdrant-local")
        self._runner = asyncio.Runner()  # a loop for each call takes longer than most calls
        self._client: AsyncQdrantClient | None = None
        self._eased: WeakSet[LocalCollection] = WeakSet()

    async def run(self, call: Call[T]) -> T:
        with _translated(f"the store in {self._path}"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, call)

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _run(self, call: Call[T]) -> T:
        from pipeline.store.local_mode import ease

        client = self._opened()
        ease(client, self._eased)
        return self._runner.run(call(client))

    def _close(self) -> None:
        if self._client is not None:
            self._runner.run(self._client.close())
            self._client = None
        self._runner.close()

    def _opened(self) -> AsyncQdrantClient:
        if self._client is None:
            from qdrant_client import AsyncQdrantClient

            from pipeline.store.local_mode import hasten, uncollected

            hasten()
            warnings.filterwarnings("ignore", message="Local mode is not recommended")  # the store says so itself
            try:
                with uncollected():
                    self._client = AsyncQdrantClient(path=str(self._path))
            except RuntimeError as error:
                if "already accessed" not in str(error):
                    raise
                raise Retryable(
                    f"the store in {self._path} is in use by another process",
                    dependency=_DEPENDENCY,
                    hint="wait until it is done, or run a Qdrant server and set QDRANT_URL",
                ) from None
            except OSError as error:
                raise Config("CONVMINE_STORE_PATH", f"cannot open {self._path}: {error.strerror}") from error
        return self._client


def _was_closed(source: Exception | httpx.HTTPError) -> bool:
    import httpx

    return isinstance(source, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Turn what the client raises into our errors."""
    from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
        answered(_DEPENDENCY)
    except ConvmineError:
        raise
    except ResourceExhaustedResponse as error:
        after = float(error.retry_after_s)
        raise Retryable(f"{where} is busy", dependency=_DEPENDENCY, retry_after_s=after) from error
    except UnexpectedResponse as error:
        raise _from_status(where, error) from error
    except ResponseHandlingException as error:
        raise _from_transport(where, error.source) from error
    except (sqlite3.Error, OSError) as error:
        raise Retryable(f"{where} cannot be read or written: {error}", dependency=_DEPENDENCY) from error
    except ValueError as error:  # what local mode raises where a server answers 4xx
        raise _local_kind(str(error))(f"{where} refuses this: {error}") from error


def _local_kind(said: str) -> type[Poison]:
    if said.endswith("already exists"):
        return Conflict
    return Gone if re.fullmatch(r"Collection \S+ not found", said) else Poison


def _from_status(where: str, error: UnexpectedResponse) -> ConvmineError:
    status = error.status_code or 0
    said = error.content.decode(errors="replace")[:300]
    if status in _REFUSED:
        return Config("CONVMINE_STORE_API_KEY", f"{where} refuses the key")
    if status == CONFLICT:
        return Conflict(f"{where} has this already: {said}")
    if status == NOT_FOUND and "Collection `" in said:
        return Gone(f"{where} does not have this collection: {said}")
    if status in _LATER or status >= 500:  # noqa: PLR2004 - HTTP's class of server errors
        return Retryable(f"{where} answers {status}: {said}", dependency=_DEPENDENCY)
    return Poison(f"{where} refuses this with {status}: {said}")


def _from_transport(where: str, source: Exception | httpx.HTTPError) -> ConvmineError:
    import httpx

    if isinstance(source, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Config("CONVMINE_STORE_URL", f"{where}: no URL such as http://localhost:6333")
    what = str(source) or type(source).__name__
    if "CERTIFICATE_VERIFY_FAILED" in what:  # httpx keeps the words of the error, and not always the error
        return Config("CONVMINE_STORE_CA_FILE", f"{where}: its certificate is refused: {what}")
    return Retryable(
        f"{where} does not answer: {what}",
        dependency=_DEPENDENCY,
        hint="start it, or set QDRANT_URL to where it runs",
    )
