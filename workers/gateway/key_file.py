"""The file of API keys: written whole or not at all, read again when it changes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import structlog
from pydantic import ValidationError

from pipeline.access.keys import Keyring
from pipeline.access.principal import Principal
from pipeline.errors import Config

_SETTING: Final = "CONVMINE_GATEWAY_KEYS"
_State = tuple[int, int, int, int]

log = structlog.get_logger()


class KeyFile:
    """Whose a key is, as the file has it now; while it cannot be read, as it had it last.

    Args:
        path: the file; a link may lead to it, as in a mounted secret of Kubernetes.
        now: the present time.

    Raises:
        Config: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now
        self._seen = _state(path)
        self._keyring = read_keys(path)

    def principal(self, text: str) -> Principal | None:
        """Whose key this is; None where it is none, is revoked or has expired."""
        self._look_again()
        return self._keyring.principal(text, self._now())

    def holds(self, principal: Principal) -> bool:
        """Whether the key that proved who this is has not been revoked meanwhile, and has not expired."""
        self._look_again()
        key = self._keyring.named(principal.id)
        return key is not None and key.valid_at(self._now())

    def _look_again(self) -> None:
        state = _state(self._path)
        if state == self._seen:
            return
        self._seen = state  # before it is read: what is written meanwhile is seen as another change
        try:
            self._keyring = read_keys(self._path)
            log.info("keys read", path=str(self._path), keys=len(self._keyring.keys))
        except Config as error:
            log.warning("keys cannot be read, the last ones stay", path=str(self._path), reason=error.expected)


def read_keys(path: Path) -> Keyring:
    """All keys of a file.

    Raises:
        Config: there is no such file, it cannot be read, or it holds something else.
    """
    try:
        return Keyring.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise Config(_SETTING, f"there is no file {path}", hint="convmine keys new --scope analyst makes it") from None
    except OSError as error:
        raise Config(_SETTING, f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Config(_SETTING, f"{path} is no file of keys: {where and where + ': '}{first['msg']}") from None


def change_keys(path: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    """Write the keys as they are to be, readable by their owner alone; one change at a time.

    Raises:
        Config: the file holds something else, or cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.parent):
            changed = change(read_keys(path) if path.exists() else Keyring())
            _replace(path, changed.model_dump_json(indent=1, exclude_none=True).encode() + b"\n")
    except OSError as error:
        raise Config(_SETTING, f"cannot write {path}: {error.strerror}") from error
    return changed


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among those who change files of this folder so."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _state(path: Path) -> _State | None:
    """What differs once the file was written, replaced or made readable; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
