"""API keys: ``cmk_<id>_<secret>``, of which only a hash is kept.

The prefix lets scanners of repositories and logs find a key that was leaked. The id is public: it finds the one hash to
compare with, and names the key where it is listed, logged and revoked. The secret has 256 random bits, which nobody can
guess, so SHA-256 protects it at rest; a slow hash is for passwords that people choose. Compare NIST SP 800-63B, 5.1.2.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator

from pipeline.access.principal import Principal, Scope

_WRITTEN: Final = re.compile(r"cmk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class ApiKey(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    name: Annotated[str, Field(max_length=200)] = ""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_agent_at_most(self) -> Self:
        if sum(scope.startswith("agent:") for scope in self.scopes) > 1:
            raise ValueError("a key is of one agent at most")
        return self

    def valid_at(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keyring(BaseModel):
    """All keys of an installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[ApiKey, ...] = ()

    @model_validator(mode="after")
    def _each_id_once(self) -> Self:
        if len({key.id for key in self.keys}) < len(self.keys):
            raise ValueError("two keys have one id")
        return self

    def named(self, id_: str) -> ApiKey | None:
        """The key with this id."""
        return next((key for key in self.keys if key.id == id_), None)

    def principal(self, text: str, now: datetime) -> Principal | None:
        """Whose key this is; None where it is none, is revoked or has expired."""
        written = _WRITTEN.fullmatch(text)
        key = self.named(written[1]) if written else None
        if key is None or not hmac.compare_digest(_hash(text), key.sha256) or not key.valid_at(now):
            return None
        return Principal(key.id, key.tenant, frozenset(key.scopes), key.name, key.expires_at)

    def with_key(self, key: ApiKey) -> Keyring:
        """With one more."""
        return Keyring(keys=(*self.keys, key))

    def revoked(self, id_: str, now: datetime) -> Keyring:
        """With this key revoked, which stays listed."""
        return Keyring(
            keys=tuple(key.model_copy(update={"revoked_at": now}) if key.id == id_ else key for key in self.keys)
        )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: its text, to be shown once, and what is kept of it."""

    text: SecretStr
    kept: ApiKey


def new_key(
    scopes: Iterable[str], *, tenant: str, now: datetime, expires_at: datetime | None = None, name: str = ""
) -> NewKey:
    """A fresh random key.

    Raises:
        pydantic.ValidationError: a scope or the tenant is none.
    """
    id_ = secrets.token_hex(6)
    text = f"cmk_{id_}_{secrets.token_urlsafe(32)}"
    kept = ApiKey(
        id=id_,
        sha256=_hash(text),
        tenant=tenant,
        scopes=tuple(dict.fromkeys(scopes)),
        name=name,
        created_at=now,
        expires_at=expires_at,
    )
    return NewKey(SecretStr(text), kept)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
