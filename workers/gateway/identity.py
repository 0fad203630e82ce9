"""The identity provider: where its keys are, asked when they are needed, and kept while it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
import structlog

from pipeline.access.oidc import (
    NoToken,
    SigningKey,
    UnknownKey,
    key_of,
    principal_of_token,
    signed_claims,
    signing_keys,
)
from pipeline.access.principal import Principal
from pipeline.errors import Config, Retryable
from pipeline.settings import OidcSettings

_DISCOVERY: Final = "/.well-known/openid-configuration"
_TIMEOUT_S: Final = 5.0
_WHOLE_S: Final = 10.0
"""Seconds for a whole answer: one that comes byte by byte would otherwise never end."""
_AGAIN_S: Final = 60.0
"""Seconds between two times that keys are asked for because a token names one that is not known: anybody can send such
a token."""
_AWAY_S: Final = 5.0
"""The same while none are known at all, as nobody with a token gets in then."""
_RENEW_S: Final = 3_600.0
"""Seconds after which they are asked for anyway: a key that the provider has taken back must not be good for ever."""
_LARGEST: Final = 1_000_000
"""Bytes of an answer."""

log: Final = structlog.get_logger()


class IdentityProvider:
    """Whose a token of the provider is.

    Args:
        settings: with an issuer and an audience.
        now: the present time.
        transport: what carries requests, where that is not the network.

    Raises:
        Config: there is no audience.
    """

    def __init__(
        self,
        settings: OidcSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not settings.issuer or not settings.audience:
            raise Config("CONVMINE_OIDC_AUDIENCE", "expected the audience of the tokens, as there is an issuer")
        self._settings = settings
        self._now = now
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, transport=transport, follow_redirects=False)
        self._keys: tuple[SigningKey, ...] = ()
        self._asked_at: datetime | None = None
        self._read_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def principal(self, token: str) -> Principal | None:
        """Whose token this is; None where it is nobody's.

        Raises:
            Retryable: no key is known, and the provider does not answer.
        """
        try:
            return principal_of_token(token, await self._key(token), self._settings, self._now())
        except NoToken as error:
            log.info("a token is refused", reason=str(error)[:200])
            return None

    async def claims(self, token: str, audience: str) -> Mapping[str, Any] | None:
        """What a token for somebody else than us says, whether it holds now or not; None where it proves nothing.

        Raises:
            Retryable: no key is known, and the provider does not answer.
        """
        try:
            return signed_claims(token, await self._key(token), self._settings.issuer, audience)
        except NoToken as error:
            log.info("a token is refused", reason=str(error)[:200])
            return None

    async def described(self) -> Mapping[str, Any]:
        """Its own description (OpenID Connect Discovery 1.0).

        Raises:
            Retryable: it does not answer, or not with its description.
        """
        try:
            return await self._describe()
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"[:200]
            raise Retryable(reason, dependency="identity provider", retry_after_s=_AWAY_S) from error

    async def exchange(self, url: str, form: Mapping[str, str], secret: str | None) -> Mapping[str, Any]:
        """What it gives for a code (RFC 6749, 4.1.3); a secret goes as HTTP has it (2.3.1).

        Raises:
            Retryable: it does not answer, or with what is no answer.
            NoToken: it refuses.
        """
        auth = httpx.BasicAuth(quote(form["client_id"], safe=""), quote(secret, safe="")) if secret else None
        try:
            return await self._ask_for(self._http.build_request("POST", url, data=dict(form)), auth)
        except httpx.HTTPStatusError as error:
            if error.response.is_client_error:
                raise NoToken(f"the code is refused with {error.response.status_code}") from error
            raise Retryable(f"it answers {error.response.status_code}", dependency="identity provider") from error
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            raise Retryable(f"{type(error).__name__}: {error}"[:200], dependency="identity provider") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _key(self, token: str) -> SigningKey:
        if self._read_at is None or self._older(self._read_at, _RENEW_S):
            key_of_nobody(token)
            await self._ask(self._read_at, _AWAY_S if self._read_at is None else _AGAIN_S)
        try:
            return key_of(token, self._keys)
        except UnknownKey:
            await self._ask(self._read_at, _AGAIN_S)
            return key_of(token, self._keys)

    async def _ask(self, seen: datetime | None, apart_s: float) -> None:
        """Read the keys, unless somebody has since ``seen``, or tried a short while ago.

        Raises:
            Retryable: there are none, and the provider does not answer.
        """
        async with self._asking:
            recently = self._asked_at is not None and not self._older(self._asked_at, apart_s)
            if self._read_at == seen and not recently:
                self._asked_at = self._now()
                try:
                    self._keys, self._read_at = await self._read(), self._now()
                except (httpx.HTTPError, ValueError, TimeoutError) as error:
                    log.warning("the identity provider gives no keys", reason=f"{type(error).__name__}: {error}"[:200])
            if self._read_at is None:
                raise Retryable("no keys are known", dependency="identity provider", retry_after_s=_AWAY_S)

    async def _read(self) -> tuple[SigningKey, ...]:
        issuer, url = self._settings.issuer or "", self._settings.jwks_url
        if url is None:
            url = str((await self._describe()).get("jwks_uri"))
            if issuer.startswith("https:") and not url.startswith("https:"):
                raise ValueError("its keys are not where nobody can change them on the way")
        keys = signing_keys(await self._get(url))
        if not keys:
            raise ValueError("there is no key that signs")
        return keys

    async def _describe(self) -> dict[str, Any]:
        issuer = self._settings.issuer or ""
        described = await self._get(issuer.rstrip("/") + _DISCOVERY)
        if described.get("issuer") != issuer:  # OpenID Connect Discovery 1.0, 4.3
            raise ValueError("its description is of another issuer")
        return described

    async def _get(self, url: str) -> dict[str, Any]:
        return await self._ask_for(self._http.build_request("GET", url))

    async def _ask_for(self, request: httpx.Request, auth: httpx.BasicAuth | None = None) -> dict[str, Any]:
        """The JSON of an answer, of which no more is read than it may have."""
        body = bytearray()
        async with asyncio.timeout(_WHOLE_S):
            response = await self._http.send(request, auth=auth or httpx.USE_CLIENT_DEFAULT, stream=True)
            try:
                response.raise_for_status()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise ValueError("it answers with too much")
            finally:
                await response.aclose()
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("it answers with something else")  # noqa: TRY004 - it is the value that is wrong
        return found

    def _older(self, than: datetime, seconds: float) -> bool:
        return (self._now() - than).total_seconds() >= seconds


def key_of_nobody(token: str) -> None:
    """Look at a token before anything is asked for it.

    Raises:
        NoToken: no provider's key could have signed it.
    """
    try:
        key_of(token, ())
    except UnknownKey:
        return
