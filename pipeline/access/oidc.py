"""Bearer tokens of an identity provider (OpenID Connect Core 1.0; JWT best practices, RFC 8725) as principals.

What a token says is believed once a key of the provider has signed it: never by an algorithm that the token alone
chooses, never with a key that it brings along or points to (``jwk``, ``jku``, ``x5u`` are not looked at), never with a
shared secret. What a claim says that is not known gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.access.principal import Principal
from pipeline.settings import OidcSettings

LONGEST: Final = 16_384
"""Characters of a token; servers take no more of a header."""
TOKEN_ID: Final = "oidc:"  # noqa: S105 - no secret
"""What the id of a principal begins with that a token proved; those of keys are twelve hexadecimal digits."""
_ALGORITHMS: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "PS256", "RS384", "PS384", "RS512", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""What each kind of key signs with: by type, and by curve where it has one. Secrets (``oct``) are none of them."""
_SHORTEST_RSA: Final = 2_048
"""Bits (RFC 7518, 3.3)."""
_TENANT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}")
_SCOPE: Final = re.compile(r"publish|supervisor|analyst|admin|agent:\S[^\x00-\x1f\x7f]{0,199}")
_AGENT: Final = "agent"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of the provider, and the algorithms that it may sign with."""

    id: str | None
    algorithms: tuple[str, ...]
    key: Any


class NoToken(ValueError):
    """It is no token that proves anything; the message says why, for the log and never for who sent it."""


class UnknownKey(NoToken):
    """The key that a token names is none of those that are known: the provider may have new ones."""


def signing_keys(found: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """The keys of a JSON Web Key Set (RFC 7517) that sign and that are understood; the others are passed over."""
    keys = found.get("keys")
    listed = keys if isinstance(keys, list) else []
    return tuple(one for raw in listed if isinstance(raw, dict) and (one := _signing_key(raw)) is not None)


def key_of(token: str, keys: Sequence[SigningKey]) -> SigningKey:
    """The key that a token names; where it names none, the only one that there is.

    Raises:
        NoToken: it is no signed token of an algorithm that such a key has.
        UnknownKey: no key has that name.
    """
    import jwt

    if len(token) > LONGEST:
        raise NoToken("longer than a token is")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise NoToken(str(error)) from error
    if "crit" in header:
        raise NoToken("it demands extensions that are not understood")
    named, algorithm = header.get("kid"), header.get("alg")
    if not any(algorithm in some for some in _ALGORITHMS.values()):
        raise NoToken("its algorithm is none that is trusted")
    fitting = [one for one in keys if (one.id == named if named is not None else len(keys) == 1)]
    if not fitting:
        raise UnknownKey("no key has the name that it gives")
    able = [one for one in fitting if algorithm in one.algorithms]
    if not able:
        raise NoToken("the key does not sign with that algorithm")
    return able[0]


def principal_of_token(token: str, key: SigningKey, settings: OidcSettings, now: datetime) -> Principal:
    """Whose token this is.

    Raises:
        NoToken: the signature is not this key's, it is of another issuer or for somebody else, it has expired or is
            not valid yet, or it has no subject or tenant.
    """
    return principal_of_claims(signed_claims(token, key, settings.issuer, settings.audience), settings, now)


def signed_claims(token: str, key: SigningKey, issuer: str | None, audience: str | None) -> Mapping[str, Any]:
    """What a token says; whether it holds now is not looked at.

    Raises:
        NoToken: the signature is not this key's, or it is of another issuer or for somebody else.
    """
    import jwt

    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=list(key.algorithms),
            # Times are looked at with the claims, against the one that is given.
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
            audience=audience,
            issuer=issuer,
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise NoToken(f"{type(error).__name__}: {error}") from error
    return claims


def principal_of_claims(claims: Mapping[str, Any], settings: OidcSettings, now: datetime) -> Principal:
    """Whose claims these are, once it is known who signed them.

    Raises:
        NoToken: they hold at another time, or have no subject or tenant.
    """
    until = holds_until(claims, settings, now)
    subject, tenant = claims.get("sub"), _claim(claims, settings.tenant_claim)
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise NoToken("sub is none")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise NoToken(f"{settings.tenant_claim} is no tenant")
    return Principal(TOKEN_ID + subject, tenant, frozenset(_scopes(claims, settings)), expires_at=until)


def holds_until(claims: Mapping[str, Any], settings: OidcSettings, now: datetime) -> datetime:
    """Until when claims hold.

    Raises:
        NoToken: they hold at another time than now.
    """
    expires, begins = _time(claims.get("exp")), _time(claims.get("nbf", 0))
    at, leeway = now.timestamp(), settings.leeway_s
    if at >= expires + leeway or at < begins - leeway:
        raise NoToken("it holds at another time")
    return datetime.fromtimestamp(expires + leeway, UTC)


def _scopes(claims: Mapping[str, Any], settings: OidcSettings) -> Iterable[str]:
    """The scopes that are known; of more than one agent, none, as it is not known which."""
    roles = _claim(claims, settings.roles_claim)
    listed = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
    names = {one for one in listed if isinstance(one, str)}
    agent = _claim(claims, settings.agent_claim) if settings.agent_claim and _AGENT in names else None
    if isinstance(agent, str):
        names.add(f"{_AGENT}:{agent}")
    known = {one for one in names if _SCOPE.fullmatch(one)}
    agents = {one for one in known if one.startswith(f"{_AGENT}:")}
    return known - agents if len(agents) > 1 else known


def _claim(claims: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A claim, or one inside another; names with dots in them, as those that are addresses, go first."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _time(value: object) -> float:
    """Seconds since 1970, within what dates can be.

    Raises:
        NoToken: it is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**37:
        return value
    raise NoToken("exp or nbf is no time")


def _signing_key(raw: Mapping[str, Any]) -> SigningKey | None:
    import jwt

    if raw.get("use", "sig") != "sig":
        return None
    able = _ALGORITHMS.get((str(raw.get("kty")), raw.get("crv") if raw.get("kty") != "RSA" else None))
    algorithms = tuple(one for one in able or () if raw.get("alg") in {None, one})
    if not algorithms:
        return None
    try:
        key = jwt.PyJWK(dict(raw), algorithm=algorithms[0]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if getattr(key, "key_size", _SHORTEST_RSA) < _SHORTEST_RSA and raw["kty"] == "RSA":
        return None
    named = raw.get("kid")
    return SigningKey(named if isinstance(named, str) else None, algorithms, key)
