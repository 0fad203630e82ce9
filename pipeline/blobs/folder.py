"""Blobs as files below one folder, behind ``file://``: a disk of this machine, or a volume that all workers mount.

Names come from strangers' events, so the way to a file is walked folder by folder from a descriptor of the root, and
no step may be a symbolic link: what is checked is what is opened.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from pipeline.blobs.names import LARGEST_BLOB, checked, within_bounds
from pipeline.dependencies import answered
from pipeline.errors import Poison, Retryable

_DEPENDENCY: Final = "claims"
_HERE: Final = frozenset({"", "localhost"})
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # opening a FIFO must not wait for its writer
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_NO_PLAIN_FILE: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO})


class BlobFolder:
    """A ``BlobStore`` in files that only their owner can read; all workers need the same ``root``, and to be one user.

    Blocking work runs in threads. The root itself may be reached over symbolic links, nothing below it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def put(self, name: str, data: bytes) -> str:
        """Write the file; returns its URI when the bytes are on the disk. The same content again renews its age."""
        return await asyncio.to_thread(self._write, checked(name), within_bounds(data))

    async def get(self, uri: str) -> bytes:
        """Read the file that a URI names."""
        return await asyncio.to_thread(self._read, uri)

    async def remove(self, prefix: str) -> int:
        """Delete the file of this name, or all files below this folder, and say how many; there may be none."""
        return await asyncio.to_thread(self._remove, checked(prefix))

    async def expire(self, older_than_s: float) -> int:
        """Delete the files written longer ago than this, unfinished ones too, and the folders left empty."""
        return await asyncio.to_thread(self._expire, time.time() - older_than_s)

    async def check(self) -> None:
        """Write an empty file and remove it.

        Raises:
            Retryable: the folder cannot be written.
        """
        await asyncio.to_thread(self._check)

    def _write(self, name: str, data: bytes) -> str:
        *folders, leaf = name.split("/")
        with self._translated(), self._folder(folders, make=True) as folder:
            if _holds(leaf, data, folder):
                os.utime(leaf, dir_fd=folder, follow_symlinks=False)
            else:
                _replace(leaf, data, folder)
            _sync(folder)
        return (self._root / name).as_uri()

    def _read(self, uri: str) -> bytes:
        *folders, leaf = self._name(uri).split("/")
        with self._translated():
            try:
                with self._folder(folders) as folder:
                    return _content(leaf, folder)
            except FileNotFoundError as error:
                raise self._gone(uri) from error
            except OSError as error:
                if error.errno not in _NO_PLAIN_FILE or not self._root.is_dir():
                    raise
                raise Poison(f"{_shown(uri)} is no plain file: {error.strerror}") from error

    def _remove(self, prefix: str) -> int:
        *folders, last = prefix.split("/")
        with self._translated(), suppress(FileNotFoundError), self._folder(folders) as folder:
            if stat.S_ISDIR(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
                removed = _sweep(last, folder, before=inf)
                os.rmdir(last, dir_fd=folder)
                return removed
            os.unlink(last, dir_fd=folder)
            return 1
        return 0

    def _expire(self, before: float) -> int:
        with self._translated(), suppress(FileNotFoundError), self._folder(()) as root:
            # The first folders stay, so that only a root where nothing was ever written is empty: see _gone.
            return sum(_sweep(name, root, before=before) for name in _folders_in(root))
        return 0

    def _check(self) -> None:
        with self._translated(), self._folder((), make=True) as root:
            _replace(leaf := f".{uuid4().hex}.tmp", b"", root)
            os.unlink(leaf, dir_fd=root)

    def _name(self, uri: str) -> str:
        try:
            parts = urlsplit(uri)
            path = Path(unquote(parts.path, errors="strict"))
        except ValueError as error:
            raise Poison(f"{_shown(uri)} is no URI: {error}") from error
        if parts.scheme != "file" or parts.netloc not in _HERE or parts.query or parts.fragment:
            raise Poison(f"{_shown(uri)} cannot be redeemed: write file:///path with three slashes")
        if not path.is_relative_to(self._root):
            raise Poison(
                f"{_shown(uri)} lies outside CONVMINE_CLAIMS_ROOT",
                hint="all that write and read claimed values need the same CONVMINE_CLAIMS_ROOT",
            )
        return checked(path.relative_to(self._root).as_posix())

    @contextmanager
    def _folder(self, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The descriptor of a folder below the root."""
        if make:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in names:
                if make:
                    _make_folder(name, at)
                outer, at = at, os.open(name, _FOLDER, dir_fd=at)
                os.close(outer)
            yield at
        finally:
            os.close(at)

    def _gone(self, uri: str) -> Poison | Retryable:
        """Why a file is not there: its writer confirmed it before the event was published."""
        if self._root.is_dir() and any(self._root.iterdir()):
            return Poison(f"{_shown(uri)} is not there any more: claimed values are removed after their retention")
        return self._away("it is missing or empty, as a volume is that is not mounted")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
            answered(_DEPENDENCY)
        except OSError as error:
            raise self._away(error.strerror or str(error)) from error

    def _away(self, why: str) -> Retryable:
        return Retryable(
            f"the folder {self._root} of claimed values cannot be used: {why}",
            dependency=_DEPENDENCY,
            hint="set CONVMINE_CLAIMS_ROOT to a folder, with room, that every worker can write",
        )


def _shown(uri: str) -> str:
    return repr(uri[:300])


def _make_folder(name: str, at: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=at)
    except FileExistsError:
        return
    _sync(at)


def _sync(folder: int) -> None:
    """Make new names in a folder last; file systems that cannot do this refuse it, which PostgreSQL ignores, too."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EBADF}:
            raise


def _holds(leaf: str, data: bytes, folder: int) -> bool:
    try:
        return _content(leaf, folder) == data
    except (OSError, Poison):
        return False


def _content(leaf: str, folder: int) -> bytes:
    descriptor = os.open(leaf, _READ, dir_fd=folder)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.ENXIO, "it is a folder, a pipe or a device")
        if facts.st_size > LARGEST_BLOB:
            raise Poison(f"the claimed value has {facts.st_size} bytes: it may have {LARGEST_BLOB}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(facts.st_size)
    finally:
        os.close(descriptor)


def _replace(leaf: str, data: bytes, folder: int) -> None:
    """Write the file beside its place and move it there: nobody ever reads half of it."""
    unfinished = f".{uuid4().hex}.tmp"
    try:
        with os.fdopen(os.open(unfinished, _CREATE, 0o600, dir_fd=folder), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, leaf, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished, dir_fd=folder)
        raise


def _folders_in(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _sweep(top: str, at: int, *, before: float) -> int:
    """Delete what was written before in the folder ``top``, and folders in it that are empty; the number of files."""
    removed = 0
    for _, folders, files, here in os.fwalk(top, topdown=False, onerror=_unless_gone, dir_fd=at):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # several workers may sweep at once
                facts = os.stat(name, dir_fd=here, follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    _remove_empty(name, here)
                elif facts.st_mtime < before:
                    os.unlink(name, dir_fd=here)
                    removed += 1
    return removed


def _remove_empty(name: str, at: int) -> None:
    try:
        os.rmdir(name, dir_fd=at)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
