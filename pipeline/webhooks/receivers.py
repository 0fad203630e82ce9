"""Who gets which events: a file of receivers, checked as a whole, and read again when it changes."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import structlog
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from pipeline.errors import Config
from pipeline.stages import TOPICS, WEBHOOKS, stage_named
from schemas.wire import Lane

SETTING: Final = "CONVMINE_WEBHOOKS_FILE"
_WRITTEN_AS: Final = "whsec_"
CHECK_S: Final = 2.0
"""Seconds between two looks at the file, so that a busy stage does not ask the disk at every event."""
_SECRET_BYTES: Final = range(24, 65)
"""Standard Webhooks 1.0.0: at least 24 bytes, at most 512 bits."""

log: Final = structlog.get_logger()


def _sendable() -> frozenset[str]:
    stage = stage_named("webhook", Lane.BATCH)
    assert stage is not None
    read = set(stage.reads) - {WEBHOOKS}
    return frozenset(event for topic in TOPICS if topic.name in read for event in topic.events)


SENDABLE: Final = _sendable()
"""The names of the events that a receiver can ask for."""


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        named = None
    if not named or parts.scheme not in {"http", "https"} or any(mark in url for mark in " \t\r\n"):
        raise ValueError("is no http(s) address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("holds a user name or a fragment, which are not sent: take them out")
    return url


def _event(name: str) -> str:
    if name not in SENDABLE:
        raise ValueError(f"{name!r} is no event that is sent; there are {', '.join(sorted(SENDABLE))}")
    return name


def _secret(secret: SecretStr) -> SecretStr:
    try:
        key = key_of(secret)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.get_secret_value().startswith(_WRITTEN_AS) or len(key) not in _SECRET_BYTES:
        raise ValueError("is no secret: whsec_ and the base64 of 24 to 64 random bytes")
    return secret


def key_of(secret: SecretStr) -> bytes:
    """The bytes that are signed with."""
    return b64decode(secret.get_secret_value().removeprefix(_WRITTEN_AS), validate=True)


def _listed(said: object) -> object:
    return [said] if isinstance(said, str) else said


class Receiver(BaseModel):
    """One address that gets events of one tenant. While a secret is replaced, both are signed with, the newer first."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    url: Annotated[str, AfterValidator(_address)]
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    events: Annotated[frozenset[Annotated[str, AfterValidator(_event)]], Field(min_length=1)]
    secret: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_secret)], ...],
        BeforeValidator(_listed),
        Field(min_length=1, max_length=4),
    ]

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    webhooks: tuple[Receiver, ...] = ()


def read_receivers(path: Path, *, allow_private: bool) -> tuple[Receiver, ...]:
    """The receivers of a file.

    Raises:
        Config: it cannot be read, or something in it is not allowed; what it says of secrets is not repeated.
    """
    try:
        found = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {}).webhooks
    except OSError as error:
        raise Config(SETTING, f"{path} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Config(SETTING, f"{path} is no YAML" + (f", line {mark.line + 1}" if mark else "")) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Config(SETTING, f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
    names = [receiver.name for receiver in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Config(SETTING, f"{path}: there are two receivers named {twice}")
    if not allow_private and (clear := next((one.name for one in found if one.parts.scheme != "https"), None)):
        raise Config(
            SETTING, f"{path}: the address of {clear} has no https, which only private networks may do without"
        )
    return found


class Followed:
    """The receivers as the file has them now; a file that is not valid any more changes nothing, and that is said.

    Args:
        path: the file; None for no receivers.
        allow_private: whether addresses without https are allowed, which are only sent to in private networks.
        now: seconds that only grow.

    Raises:
        Config: the file is not valid when this is made.
    """

    def __init__(self, path: Path | None, *, allow_private: bool, now: Callable[[], float]) -> None:
        self._path = path
        self._allow_private = allow_private
        self._now = now
        self._looked_at = now()
        self._stamp = self._stamped()
        self._receivers = () if path is None else read_receivers(path, allow_private=allow_private)

    def changed(self) -> Sequence[Receiver] | None:
        """The receivers, where the file was written since this was asked before; else None."""
        if self._path is None or self._now() - self._looked_at < CHECK_S:
            return None
        self._looked_at = self._now()
        if (stamp := self._stamped()) == self._stamp:
            return None
        self._stamp = stamp
        try:
            self._receivers = read_receivers(self._path, allow_private=self._allow_private)
        except Config as error:
            log.error("webhooks.file_refused", reason=error.message)  # noqa: TRY400 - a trace tells nobody more
            return None
        return self._receivers

    @property
    def receivers(self) -> Sequence[Receiver]:
        """Those that were read last."""
        return self._receivers

    def _stamped(self) -> tuple[int, int, int] | None:
        """What tells whether the file was written or replaced."""
        try:
            stat = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
