"""Signing in at an identity provider: who comes back is who was sent, once, whatever a provider does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsers import browser_page, picture
from dashboard_site import dashboard_site
from oidc_provider import CLIENT, MOST_SENT, OTHER, StandInProvider, stand_in
from pydantic import SecretStr

from pipeline.errors import Config
from pipeline.settings import DashboardSettings, OidcSettings
from workers.dashboard.oidc import OidcSignIn
from workers.dashboard.under_way import LASTS_S, SignIns
from workers.gateway.identity import IdentityProvider


@asynccontextmanager
async def signing_in(provider: StandInProvider, **ours: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without scripts, at a dashboard that trusts the provider."""
    trusted = OidcSettings(issuer=provider.issuer, audience="convmine")
    settings = DashboardSettings(oidc_client_id=CLIENT, **ours)
    identity = IdentityProvider(trusted)
    async with dashboard_site(settings=settings, provider=OidcSignIn(identity, trusted, settings)) as site:
        async with httpx.AsyncClient(base_url=site.url, timeout=15) as client:
            yield client
        await identity.close()


async def sent_back(client: httpx.AsyncClient) -> str:
    """The address that the provider sends the browser back to."""
    started = await client.get("/sign-in/oidc")
    assert started.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        return str((await elsewhere.get(started.headers["location"])).headers["location"])


async def failed(client: httpx.AsyncClient, address: str) -> str:
    """Why nobody is signed in after that."""
    said = await client.get(address)
    assert said.status_code == 303
    assert (await client.get("/v1/me")).status_code == 401
    assert "convmine_session=" not in str(said.headers.get_list("set-cookie"))
    location = urlsplit(said.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/sign-in"), "nowhere but to our own page"
    return parse_qs(location.query)["failed"][0]


async def test_who_signs_in_there_is_signed_in_here_with_the_roles_of_the_token() -> None:
    with stand_in() as provider:
        async with signing_in(provider, oidc_client_secret=SecretStr("s:e/c")) as client:
            ways = (await client.get("/sign-in/ways")).json()
            assert ways == {"ways": [{"path": "/sign-in/oidc", "title": urlsplit(provider.issuer).netloc}]}
            started = await client.get("/sign-in/oidc")
            cookie = started.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Path=/sign-in/oidc" in cookie
            asked = parse_qs(urlsplit(started.headers["location"]).query)
            assert (asked["prompt"], asked["code_challenge_method"]) == (["login"], ["S256"])
            back = await client.get(await sent_back(client))
            assert (back.status_code, back.headers["location"]) == (303, "/")
            session = next(one for one in back.headers.get_list("set-cookie") if one.startswith("convmine_session="))
            assert "SameSite=Strict" in session
            assert "Max-Age=43200" in session, "a session, and not the five minutes of a token"
            assert "convmine_sign_in" not in client.cookies
            me = (await client.get("/v1/me")).json()
            assert (me["name"], me["tenant"], me["roles"]) == ("Sue Lee", "acme", ["supervisor"])
            assert provider.authorizations == [("Basic Y29udm1pbmUtZGVzazpzJTNBZSUyRmM=", None)]
            assert len(provider.asked[0]["code_verifier"]) >= 43


async def test_where_the_access_token_is_for_others_the_id_token_says_who_it_is() -> None:
    with stand_in() as provider:
        for access in (None, {"aud": "others"}, {"sub": "somebody-else", "roles": ["admin"]}):
            provider.access = access
            provider.identity = {"tenant": "acme", "roles": ["agent:ann"]}
            async with signing_in(provider) as client:
                await client.get(await sent_back(client))
                me = (await client.get("/v1/me")).json()
                assert (me["roles"], me["agent"]) == (["agent"], "ann"), access


HOSTILE: dict[str, dict[str, Any]] = {
    "another sign-in's nonce": {"identity": {"nonce": "another"}},
    "no nonce": {"identity": {"nonce": None}},
    "an id token for another client": {"identity": {"aud": "others"}},
    "an id token made for another client": {"identity": {"aud": [CLIENT, "others"], "azp": "others"}},
    "of another issuer": {"identity": {"iss": "https://evil.example"}},
    "an id token that is over": {"identity": {"exp": 1}},
    "signed by somebody else": {"key": OTHER},
    "no tenant": {"access": None},
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_tokens_that_are_not_of_this_sign_in_let_nobody_in(what: str) -> None:
    with stand_in() as provider:
        for name, value in HOSTILE[what].items():
            setattr(provider, name, value)
        async with signing_in(provider) as client:
            assert await failed(client, await sent_back(client)) == "refused"


async def test_an_address_that_was_used_or_begun_in_another_browser_or_made_up_lets_nobody_in() -> None:
    with stand_in() as provider:
        async with signing_in(provider) as client, httpx.AsyncClient(base_url=client.base_url) as other:
            address = await sent_back(client)
            assert await failed(other, address) == "stale", "begun in another browser"
            cookie = client.cookies["convmine_sign_in"]
            path = urlsplit(address).path
            assert await failed(client, f"{path}?code=x&state=made-up") == "stale"
            assert (await client.get(address)).headers["location"] == "/"
            await client.delete("/session", headers={"Sec-Fetch-Site": "same-origin"})
            client.cookies.set("convmine_sign_in", cookie)
            assert await failed(client, address) == "stale", "used before"
            for broken in ("", "a.b", "a.9999999999.b", f"{cookie[:-3]}AAA", "x" * 5_000, 'a"\\'):
                other.cookies.clear()
                headers = {"Cookie": f"convmine_sign_in={broken}"}
                said = await other.get(address, headers=headers)
                assert said.headers["location"] == "/sign-in?failed=stale", broken
            assert len(provider.asked) == 1, "nothing of that was asked of the provider"
            client.cookies.clear()
            address = await sent_back(client)
            assert await failed(client, address + "&iss=https%3A%2F%2Fevil.example") == "refused"


async def test_a_sign_in_that_took_too_long_is_stale() -> None:
    now = [1_000.0]
    sign_ins = SignIns("secret", "/", lambda: now[0])
    begun = sign_ins.begin()
    cookie = sign_ins.cookie(begun, secure=True).partition(";")[0]
    assert "Secure" in sign_ins.cookie(begun, secure=True)
    assert SignIns("secret", "/", lambda: now[0]).come_back(cookie, begun.state) == begun, "another dashboard's"
    assert SignIns("other", "/", lambda: now[0]).come_back(cookie, begun.state) is None
    now[0] += LASTS_S
    assert sign_ins.come_back(cookie, begun.state) is None


async def test_nowhere_is_gone_but_where_the_provider_says_and_home() -> None:
    with stand_in() as provider:
        async with signing_in(provider) as client:
            for parameter in ("next", "to", "redirect_uri", "return", "url"):
                address = await client.get(f"/sign-in/oidc?{parameter}=https://evil.example")
                assert "evil" not in address.headers["location"]
            back = await client.get(await sent_back(client) + "&next=https://evil.example&to=//evil.example")
            assert back.headers["location"] == "/"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example/x", "", "file:///etc/passwd"])
async def test_a_provider_that_names_no_safe_place_is_not_followed(url: str) -> None:
    with stand_in() as provider:
        provider.described = {"authorization_endpoint": url}
        async with signing_in(provider) as client:
            assert (await client.get("/sign-in/oidc")).headers["location"] == "/sign-in?failed=away"


async def test_who_says_no_there_or_has_no_role_here_is_told_so() -> None:
    with stand_in() as provider:
        async with signing_in(provider) as client:
            provider.access = {"roles": ["publish", "cook"]}
            assert await failed(client, await sent_back(client)) == "nobody"
            provider.error = "access_denied"
            assert await failed(client, await sent_back(client)) == "denied"
            provider.error = "server_error"
            assert await failed(client, await sent_back(client)) == "refused"


async def test_a_provider_that_is_away_or_answers_without_end_is_given_up() -> None:
    with stand_in() as provider:
        async with signing_in(provider) as client:
            provider.away = {"openid-configuration"}
            assert (await client.get("/sign-in/oidc")).headers["location"] == "/sign-in?failed=away"
            provider.away = set()
            provider.huge = {"openid-configuration"}
            assert (await client.get("/sign-in/oidc")).headers["location"] == "/sign-in?failed=away"
            provider.huge = {"token"}
            assert await failed(client, await sent_back(client)) == "away"
            assert provider.sent < MOST_SENT, "no more was read than an answer may have"
            provider.huge, provider.away = set(), {"token"}
            assert await failed(client, await sent_back(client)) == "away"
            provider.away = set()
            assert (await client.get(await sent_back(client))).headers["location"] == "/"


async def test_without_a_provider_there_is_no_such_way() -> None:
    async with dashboard_site() as site, httpx.AsyncClient(base_url=site.url) as client:
        assert (await client.get("/sign-in/ways")).json() == {"ways": []}
        for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
            assert (await client.get(path)).status_code == 404
    assert OidcSignIn.of(None, OidcSettings(), DashboardSettings()) is None
    with pytest.raises(Config, match="CONVMINE_OIDC_ISSUER"):
        OidcSignIn.of(None, OidcSettings(), DashboardSettings(oidc_client_id="x"))


async def test_in_a_browser_the_way_through_another_site_ends_at_a_page_of_ours(tmp_path: Path) -> None:
    """The dashboard at ``localhost``, the provider at ``127.0.0.1``: for a browser these are two sites."""
    with stand_in() as provider:
        async with signing_in(provider) as client, browser_page(viewport={"width": 1280, "height": 720}) as page:
            port = client.base_url.port
            await page.goto(f"http://localhost:{port}/sign-in")
            way = page.get_by_role("button", name=f"Sign in with {urlsplit(provider.issuer).netloc}")
            await way.wait_for()
            await picture(page, "sign-in-ways", tmp_path)
            provider.error = "access_denied"
            await way.click()
            await page.wait_for_url("**/sign-in?failed=denied")
            await page.get_by_text("You were not signed in there.").wait_for()
            provider.error = None
            await way.click()
            await page.wait_for_selector("#header nav")
            assert urlsplit(page.url).netloc == f"localhost:{port}"
            assert await page.text_content(".menu summary") == "Sue Lee"
            kept = {one["name"]: one for one in await page.context.cookies()}
            assert kept["convmine_session"]["sameSite"] == "Strict"
            assert "convmine_sign_in" not in kept
            await page.reload()
            await page.wait_for_selector("#header nav")
