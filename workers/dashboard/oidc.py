"""Signing in at an identity provider: OpenID Connect's code flow (Core 1.0, 3.1) with PKCE (RFC 7636).

Who comes back has an id token for us, of this sign-in; what they may do is said by the access token, where it is one
that the gateway takes, and else by the id token. The session's own cookie stays SameSite=Strict: it is set with the way
back, and the page that is shown then asks by itself who is signed in.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from pipeline.access.oidc import TOKEN_ID, NoToken, holds_until, principal_of_claims
from pipeline.access.principal import READERS, Principal
from pipeline.errors import Config, Retryable
from pipeline.settings import DashboardSettings, OidcSettings
from workers.dashboard.under_way import SignIns, UnderWay
from workers.gateway.identity import IdentityProvider

START: Final = "/sign-in/oidc"
CALLBACK: Final = "/sign-in/oidc/callback"
_KEPT_S: Final = 300.0
"""Seconds for which the provider's description is not asked for again."""
_LONGEST: Final = 4_096
"""Characters of a code or a state."""
_LONGEST_NAME: Final = 100

log: Final = structlog.get_logger()


class NotSignedIn(Exception):
    """Why somebody is not signed in, as the page knows it: ``denied``, ``stale``, ``away``, ``refused``, ``nobody``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class _Places:
    authorization: str
    token: str


class OidcSignIn:
    """The way in through the provider.

    Args:
        provider: knows its keys and answers.
        trusted: whose tokens they are and what their claims mean.
        ours: our name there, and our own address.
        now: seconds since 1970.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        trusted: OidcSettings,
        ours: DashboardSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._trusted = trusted
        self._client_id = ours.oidc_client_id or ""
        self._secret = ours.oidc_client_secret.get_secret_value() if ours.oidc_client_secret else None
        self._url = ours.url
        self._lasts = timedelta(hours=ours.session_hours)
        self._sign_ins = SignIns(ours.secret.get_secret_value() if ours.secret else None, START, now)
        self._now = now
        self._places: tuple[float, _Places] | None = None
        self._asking = asyncio.Lock()

    @classmethod
    def of(cls, provider: IdentityProvider | None, trusted: OidcSettings, ours: DashboardSettings) -> Self | None:
        """The way in as the settings say; None where they name none.

        Raises:
            Config: there is a client id, and no issuer.
        """
        if ours.oidc_client_id is None:
            return None
        if provider is None:
            raise Config("CONVMINE_DASHBOARD_OIDC_CLIENT_ID", "expected together with CONVMINE_OIDC_ISSUER")
        return cls(provider, trusted, ours)

    @property
    def title(self) -> str:
        """The provider, as people know it: its host."""
        return urlsplit(self._trusted.issuer or "").netloc

    async def start(self, request: Request, *, secure: bool) -> Response:
        """Go to the provider.

        Raises:
            NotSignedIn: it is away.
        """
        places = await self._where()
        begun = self._sign_ins.begin()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": self._back(request),
                "scope": "openid profile email",
                "state": begun.state,
                "nonce": begun.nonce,
                "code_challenge": begun.challenge,
                "code_challenge_method": "S256",
            }
        )
        joint = "&" if urlsplit(places.authorization).query else "?"
        headers = {"Set-Cookie": self._sign_ins.cookie(begun, secure=secure), "Cache-Control": "no-store"}
        return RedirectResponse(f"{places.authorization}{joint}{query}", 303, headers)

    async def finish(self, request: Request) -> Principal:
        """Who came back from the provider; each sign-in is good for one time.

        Raises:
            NotSignedIn: nobody did, or nobody who may.
        """
        asked = request.query_params
        begun = self._sign_ins.come_back(request.headers.get("cookie", ""), asked.get("state", "")[:_LONGEST])
        if begun is None:
            raise NotSignedIn("stale")
        if "error" in asked:
            log.info("the identity provider signs nobody in", reason=asked["error"][:100])
            raise NotSignedIn("denied" if asked["error"] in {"access_denied", "login_required"} else "refused")
        code = asked.get("code", "")
        if not 0 < len(code) <= _LONGEST or asked.get("iss", self._trusted.issuer) != self._trusted.issuer:  # RFC 9207
            raise NotSignedIn("refused")
        try:
            return await self._principal(request, begun, code)
        except Retryable as error:
            log.warning("the identity provider does not answer", reason=error.message[:200])
            raise NotSignedIn("away") from error
        except NoToken as error:
            log.info("a sign-in is refused", reason=str(error)[:200])
            raise NotSignedIn("refused") from error

    def over(self, *, secure: bool) -> str:
        """The header that takes the cookie of a sign-in away."""
        return self._sign_ins.over(secure=secure)

    async def _principal(self, request: Request, begun: UnderWay, code: str) -> Principal:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back(request),
            "client_id": self._client_id,
            "code_verifier": begun.verifier,
        }
        given = await self._provider.exchange((await self._where()).token, form, self._secret)
        claims = await self._id_claims(given.get("id_token"), begun.nonce)
        principal = await self._of_access(given.get("access_token"), claims)
        if principal is None:
            principal = principal_of_claims(claims, self._trusted, self._moment())
        if not principal.roles & READERS:
            raise NotSignedIn("nobody")
        # A token is good for minutes; who is signed in stays so for as long as a session lasts.
        return replace(principal, name=_name(claims), expires_at=self._moment() + self._lasts)

    async def _id_claims(self, token: object, nonce: str) -> Mapping[str, Any]:
        """What the id token says, once it is known to be for us and of this sign-in (Core 1.0, 3.1.3.7)."""
        claims = await self._provider.claims(token, self._client_id) if isinstance(token, str) else None
        if claims is None:
            raise NoToken("there is no id token for us")
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise NoToken("the id token is of another sign-in")
        if claims.get("azp", self._client_id) != self._client_id:
            raise NoToken("the id token was made for another client")
        holds_until(claims, self._trusted, self._moment())
        return claims

    async def _of_access(self, token: object, claims: Mapping[str, Any]) -> Principal | None:
        """Whose the access token is, where it is one of those that the gateway takes, and of the same person."""
        if not isinstance(token, str) or token.count(".") != 2:  # noqa: PLR2004 - the parts of a signed token
            return None
        principal = await self._provider.principal(token)
        return principal if principal is not None and principal.id == f"{TOKEN_ID}{claims.get('sub')}" else None

    async def _where(self) -> _Places:
        """Where the provider signs people in.

        Raises:
            NotSignedIn: it does not say.
        """
        async with self._asking:
            if self._places is None or self._now() - self._places[0] > _KEPT_S:
                try:
                    described = await self._provider.described()
                except Retryable as error:
                    log.warning("the identity provider does not describe itself", reason=error.message[:200])
                    raise NotSignedIn("away") from error
                self._places = self._now(), self._checked(described)
            return self._places[1]

    def _checked(self, described: Mapping[str, Any]) -> _Places:
        places = _Places(str(described.get("authorization_endpoint")), str(described.get("token_endpoint")))
        allowed = {"https"} if str(self._trusted.issuer).startswith("https:") else {"http", "https"}
        for url in (places.authorization, places.token):
            if urlsplit(url).scheme not in allowed or not urlsplit(url).netloc:
                log.warning("the identity provider names no safe place to sign in", place=url[:200])
                raise NotSignedIn("away")
        return places

    def _back(self, request: Request) -> str:
        base = self._url or f"{request.url.scheme}://{request.url.netloc}"
        return base + CALLBACK

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _name(claims: Mapping[str, Any]) -> str:
    found = (claims.get(name) for name in ("name", "preferred_username", "email"))
    said = next((one for one in found if isinstance(one, str) and one.strip()), "")
    return "".join(char for char in said if char.isprintable())[:_LONGEST_NAME]
