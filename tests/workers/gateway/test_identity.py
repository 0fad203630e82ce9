"""Tokens of an identity provider at the door: its own are taken, forged and foreign ones are not, whoever made them."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi import FastAPI
from gateway_app import KEYS, client_of, made_store

from pipeline.errors import Config
from pipeline.questions.answering import StoredAnswers
from pipeline.settings import OidcSettings
from workers.gateway.app import create_app
from workers.gateway.identity import IdentityProvider

RSA = rsa.generate_private_key(65_537, 2_048)
OTHER = rsa.generate_private_key(65_537, 2_048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def jwk(key: Any, kid: str | None, **more: str) -> dict[str, Any]:
    """The public half of a key, as a provider shows it."""
    algorithm = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    name = next((alg for type_, alg in algorithm.items() if isinstance(key, type_)), "EdDSA")
    made: dict[str, Any] = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**made, "use": "sig", **({"kid": kid} if kid else {}), **more}


class Provider:
    """A provider on a port of its own: its description, its keys, how often they were asked for; it can be away."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(RSA, "k1"), jwk(EC, "k2"), jwk(ED, "k3")]
        self.asked = 0
        self.away = False
        self.issuer = ""
        self.described_as: str | None = None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if provider.away:
                    self.send_error(503)
                    return
                if self.path.endswith("openid-configuration"):
                    said: Any = {
                        "issuer": provider.described_as or provider.issuer,
                        "jwks_uri": f"{provider.issuer}/keys",
                    }
                else:
                    provider.asked += 1
                    said = {"keys": provider.keys}
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, key: Any = RSA, alg: str = "RS256", kid: str | None = "k1", **changes: Any) -> str:
        """A token of Ann, an analyst of acme; ``changes`` of its claims, None leaves one out."""
        headers = {"kid": kid} if kid else {}
        return jwt.encode(self.claims(**changes), key, algorithm=alg, headers=headers)

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": self.issuer,
            "aud": "convmine",
            "sub": "ann-1",
            "exp": int((NOW + timedelta(minutes=5)).timestamp()),
            "tenant": "acme",
            "roles": ["analyst"],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}


@pytest.fixture
def provider() -> Iterator[Provider]:
    one = Provider()
    yield one
    one.server.shutdown()
    one.server.server_close()


class Clock:
    now = NOW


@pytest.fixture
async def door(provider: Provider) -> AsyncIterator[tuple[FastAPI, Clock]]:
    """A gateway that trusts the provider, and its clock."""
    clock = Clock()
    settings = OidcSettings(issuer=provider.issuer, audience="convmine", agent_claim="agent_id")
    identity = IdentityProvider(settings, lambda: clock.now)
    store = await made_store()
    yield create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, tokens=identity.principal), clock
    await identity.close()


async def asks(app: FastAPI, token: str, path: str = "/v1/calls") -> httpx.Response:
    async with client_of(app, token) as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(RSA, "RS256", "k1"), (RSA, "PS256", "k1"), (EC, "ES256", "k2"), (ED, "EdDSA", "k3")]
)
async def test_a_token_that_the_provider_signed_opens_what_its_roles_open(
    provider: Provider, door: tuple[FastAPI, Clock], key: Any, alg: str, kid: str
) -> None:
    said = await asks(door[0], provider.token(key, alg, kid))
    assert said.status_code == 200
    assert {row["call_id"] for row in said.json()["items"]} == {"call-one", "call-two", "call-bob"}


@pytest.mark.parametrize("aud", ["convmine", ["other", "convmine"]])
async def test_an_agent_of_the_provider_sees_own_calls(
    provider: Provider, door: tuple[FastAPI, Clock], aud: Any
) -> None:
    for roles, agent in (("agent:bob", None), (["agent"], "bob"), ("openid agent:bob profile", None)):
        said = await asks(door[0], provider.token(roles=roles, agent_id=agent, aud=aud))
        assert [row["call_id"] for row in said.json()["items"]] == ["call-bob"], roles


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": None},
        {"roles": []},
        {"roles": ["Analyst", "root", "agent", "admin:x", "agent:", 7, None]},
        {"roles": ["agent:bob", "agent:ann"]},
        {"roles": {"analyst": True}},
        {"roles": "agent", "agent_id": {"a": 1}},
        {"scope": "analyst", "roles": None},
    ],
)
async def test_what_is_no_known_role_opens_nothing(
    provider: Provider, door: tuple[FastAPI, Clock], changes: dict[str, Any]
) -> None:
    assert (await asks(door[0], provider.token(**changes))).status_code == 403


def unsigned(claims: dict[str, Any], header: dict[str, Any], secret: bytes | None = None) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part(header)}.{part(claims)}"
    signature = b"" if secret is None else hmac.digest(secret, body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def hostile(provider: Provider) -> dict[str, str]:
    """Tokens that must open nothing, by what is wrong with them."""
    claims = provider.claims()
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = provider.token()
    head, body, signature = good.split(".")
    stranger = jwk(OTHER, "k1")
    return {
        "no algorithm": unsigned(claims, {"alg": "none", "kid": "k1"}),
        "no algorithm, in capitals": unsigned(claims, {"alg": "NONE", "kid": "k1"}),
        "the public key as a secret": unsigned(claims, {"alg": "HS256", "kid": "k1"}, public),
        "no algorithm named": unsigned(claims, {"kid": "k1"}),
        "signed by somebody else": provider.token(OTHER),
        "its own key brought along": jwt.encode(claims, OTHER, "RS256", headers={"kid": "k1", "jwk": stranger}),
        "an address of keys brought along": jwt.encode(
            claims, OTHER, "RS256", headers={"kid": "k1", "jku": f"{provider.issuer}/evil", "x5u": "http://evil/"}
        ),
        "a name of a key that is a path": provider.token(OTHER, kid="../../dev/null"),
        "a name of a key that is a statement": provider.token(OTHER, kid="k1' UNION SELECT 'x"),
        "another's key of the same provider": provider.token(RSA, "RS256", "k2"),
        "no name of a key among several": provider.token(kid=None),
        "another audience": provider.token(aud="others"),
        "no audience": provider.token(aud=None),
        "another issuer": provider.token(iss="https://evil.example"),
        "no issuer": provider.token(iss=None),
        "expired": provider.token(exp=int((NOW - timedelta(seconds=31)).timestamp())),
        "without an end": provider.token(exp=None),
        "an end that is no time": provider.token(exp=10**30),
        "not valid yet": provider.token(nbf=int((NOW + timedelta(seconds=31)).timestamp())),
        "no subject": provider.token(sub=None),
        "a subject with a line break": provider.token(sub="ann\nadmin"),
        "no tenant": provider.token(tenant=None),
        "a tenant that is none": provider.token(tenant="acme:call"),
        "tenants": provider.token(tenant=["acme", "umbrella"]),
        "an extension that must be understood": jwt.encode(
            claims, RSA, "RS256", headers={"kid": "k1", "crit": ["exp2"], "exp2": 1}
        ),
        "huge": provider.token(filler="x" * 20_000),
        "cut": good[:-5],
        "another body": f"{head}.{unsigned({**claims, 'roles': ['admin']}, {}).split('.')[1]}.{signature}",
        "two parts": f"{head}.{body}",
        "five parts": f"{good}.x.y",
        "deep": base64.urlsafe_b64encode(b"[" * 9_000).decode() + "." + body + "." + signature,
        "nothing": "",
        "no token": "secret",
        "a key that is none": "cmk_000000000000_" + "A" * 43,
    }


async def test_hostile_tokens_open_nothing(provider: Provider, door: tuple[FastAPI, Clock]) -> None:
    assert (await asks(door[0], provider.token())).status_code == 200
    for what, token in hostile(provider).items():
        said = await asks(door[0], token)
        assert said.status_code == 401, what
        assert said.json()["type"].endswith(":no-key")


async def test_clocks_may_differ_by_the_leeway(provider: Provider, door: tuple[FastAPI, Clock]) -> None:
    for token in (
        provider.token(exp=int((NOW - timedelta(seconds=29)).timestamp())),
        provider.token(nbf=int(NOW.timestamp()) + 29),
    ):
        assert (await asks(door[0], token)).status_code == 200


async def test_a_new_key_of_the_provider_is_found_and_unknown_ones_are_asked_for_once_a_minute(
    provider: Provider, door: tuple[FastAPI, Clock]
) -> None:
    app, clock = door
    assert (await asks(app, provider.token())).status_code == 200
    assert provider.asked == 1
    provider.keys = [jwk(OTHER, "k9")]
    clock.now += timedelta(seconds=61)
    assert (await asks(app, provider.token(OTHER, kid="k9"))).status_code == 200
    assert (await asks(app, provider.token())).status_code == 401, "the key was taken back"
    for number in range(20):
        assert (await asks(app, provider.token(OTHER, kid=f"none-{number}"))).status_code == 401
    assert provider.asked == 2


async def test_while_the_provider_is_away_known_keys_go_on_and_without_any_the_answer_is_to_ask_again(
    provider: Provider, door: tuple[FastAPI, Clock]
) -> None:
    app, clock = door
    provider.away = True
    said = await asks(app, provider.token())
    assert (said.status_code, said.json()["type"].endswith(":away")) == (503, True)
    assert int(said.headers["retry-after"]) > 0
    assert (await asks(app, unsigned(provider.claims(), {"alg": "none"}))).status_code == 401, "known without asking"
    async with client_of(app, "cmk_000000000000_" + "A" * 43) as client:
        assert (await client.get("/v1/calls")).status_code == 401, "keys do not need it"
    provider.away = False
    clock.now += timedelta(seconds=6)
    assert (await asks(app, provider.token())).status_code == 200
    provider.away = True
    clock.now += timedelta(hours=2)
    fresh = provider.token(exp=int((clock.now + timedelta(minutes=1)).timestamp()))
    assert (await asks(app, fresh)).status_code == 200


async def test_a_provider_that_describes_another_issuer_or_has_no_fitting_key_is_not_believed(
    provider: Provider, door: tuple[FastAPI, Clock]
) -> None:
    app, clock = door
    provider.described_as = "https://evil.example"
    assert (await asks(app, provider.token())).status_code == 503
    provider.described_as = None
    secret = {"kty": "oct", "kid": "k1", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "alg": "HS256"}
    short = jwk(rsa.generate_private_key(65_537, 1_024), "k1")
    provider.keys = [secret, short, jwk(RSA, "k1", use="enc"), jwk(RSA, "k1", alg="RSA-OAEP"), {}, 7, {"kty": "RSA"}]
    clock.now += timedelta(seconds=61)
    assert (await asks(app, provider.token())).status_code == 503


async def test_one_key_without_a_name_serves_tokens_without_one(
    provider: Provider, door: tuple[FastAPI, Clock]
) -> None:
    provider.keys = [jwk(RSA, None)]
    assert (await asks(door[0], provider.token(kid=None))).status_code == 200
    assert (await asks(door[0], provider.token(kid="k1"))).status_code == 401


async def test_roles_may_lie_inside_another_claim_or_one_with_dots_in_its_name(provider: Provider) -> None:
    for name, claim in (
        ("realm_access.roles", {"realm_access": {"roles": ["analyst"]}}),
        ("https://acme.example/roles", {"https://acme.example/roles": ["analyst"]}),
    ):
        settings = OidcSettings(
            issuer=provider.issuer, audience="convmine", roles_claim=name, jwks_url=f"{provider.issuer}/keys"
        )
        identity = IdentityProvider(settings, lambda: NOW)
        principal = await identity.principal(provider.token(roles=None, **claim))
        assert principal is not None
        assert (principal.id, principal.scopes) == ("oidc:ann-1", frozenset({"analyst"}))
        await identity.close()


def test_an_issuer_without_an_audience_is_no_setting() -> None:
    with pytest.raises(Config, match="CONVMINE_OIDC_AUDIENCE"):
        IdentityProvider(OidcSettings(issuer="https://id.example"))
