"""Claim checks to local files: ``file://`` in allowed folders, ``http(s)://`` and ``s3://`` from allowed places."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.asr.download import Downloads, Source, WebRecording
from pipeline.asr.errors import NotThereYet
from pipeline.asr.hosts import AllowedHosts
from pipeline.asr.s3 import S3Recording, Signer, place_of
from pipeline.errors import Poison
from pipeline.ports import AudioStore, ClaimCheck
from pipeline.settings import AudioSettings

_HERE: Final = frozenset({"", "localhost"})


def build_store(settings: AudioSettings) -> AudioStore:
    """The store that the settings describe; nothing is allowed that they do not name.

    Raises:
        Config: buckets are named, and boto3 is not installed or the settings for S3 do not fit together.
    """
    return ClaimedRecordings(
        roots=settings.allowed_roots,
        servers=Servers(
            AllowedHosts(settings.allowed_hosts),
            settings.allowed_buckets,
            Signer(settings) if settings.allowed_buckets else None,
        ),
        downloads=Downloads(max_bytes=settings.max_bytes, timeout_s=settings.fetch_timeout_s),
        max_bytes=settings.max_bytes,
    )


@dataclass(frozen=True, slots=True)
class Servers:
    """Where recordings may be downloaded from; without buckets there is nobody to sign."""

    hosts: AllowedHosts
    buckets: tuple[str, ...] = ()
    signer: Signer | None = None

    def source(self, uri: str, parts: SplitResult) -> Source:
        """What to download.

        Raises:
            Poison: the scheme or the bucket is not allowed.
        """
        if parts.scheme in {"http", "https"}:
            return WebRecording(parts, self.hosts)
        if parts.scheme != "s3":
            raise Poison(f"the scheme of {uri!r} is not supported: use file://, https://, http:// or s3://")
        place = place_of(uri, self.buckets)
        assert self.signer is not None  # as a bucket was found in buckets
        return S3Recording(place, self.signer)


class ClaimedRecordings:
    """Checks where a claim points, brings the bytes here, and checks that they are the claimed ones."""

    def __init__(self, *, roots: Sequence[Path], servers: Servers, downloads: Downloads, max_bytes: int) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._servers = servers
        self._downloads = downloads
        self._max_bytes = max_bytes

    @asynccontextmanager
    async def fetch(self, claim: ClaimCheck) -> AsyncIterator[Path]:
        """The recording as a local file while the context is open; a downloaded one is removed afterwards.

        Raises:
            NotThereYet: the file or the address does not exist (yet).
            Retryable: the server is away or slow.
            Poison: the claim is not allowed, the file is empty or too large, or its sha256 differs.
            Config: S3 has no keys, or the server refuses them.
        """
        parts = _split(claim.uri)
        if parts.scheme == "file":
            path = await asyncio.to_thread(self._local, parts)
            await asyncio.to_thread(self._check, path, claim.sha256)
            yield path
        else:
            async with self._downloads.download(self._servers.source(claim.uri, parts)) as path:
                await asyncio.to_thread(self._check, path, claim.sha256)
                yield path

    def _local(self, parts: SplitResult) -> Path:
        uri = parts.geturl()
        if parts.netloc not in _HERE:
            raise Poison(f"{uri!r} names the host {parts.netloc!r}: write file:///path with three slashes")
        try:
            path = Path(unquote(parts.path)).resolve()
            inside = any(path.is_relative_to(root) for root in self._roots)
        except (ValueError, OSError, RuntimeError) as error:
            raise Poison(f"{uri!r} is no usable path: {error}") from error
        if not inside:
            raise Poison(
                f"{uri!r} is outside the folders of CONVMINE_AUDIO_ALLOWED_ROOTS",
                hint="set CONVMINE_AUDIO_ALLOWED_ROOTS to the folders, parted by commas, that recordings may come from",
            )
        return path

    def _check(self, path: Path, sha256: str | None) -> None:
        try:
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise Poison(f"{path} is no file")
            if facts.st_size == 0:
                raise Poison("the recording is empty: 0 bytes")
            if facts.st_size > self._max_bytes:
                raise Poison(
                    f"the recording has {facts.st_size} bytes, CONVMINE_AUDIO_MAX_BYTES allows {self._max_bytes}"
                )
            found = sha256 and sha256_of(path)
        except OSError as error:
            # Not yet copied there, or a share that is not mounted: the same to us, and both pass.
            raise NotThereYet(f"{path} cannot be read: {error.strerror or error}") from error
        if found != sha256:
            raise Poison(f"the recording's sha256 is {found}, the event says {sha256}")


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise Poison(f"{uri!r} is no URI: {error}") from error


def sha256_of(path: Path) -> str:
    """The hash of a file, as a claim check carries it; read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
