"""Whoever asks too often is told to wait, by key and by address; whoever guesses keys sooner, and nobody for others."""

from __future__ import annotations

import httpx
import pytest
from dashboard_site import PEOPLE
from fastapi import FastAPI
from gateway_app import KEYS, client_of
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.errors import Config
from pipeline.questions.answering import StoredAnswers
from pipeline.settings import DashboardSettings
from pipeline.testing import InMemoryStore
from workers.dashboard.app import create_dashboard
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import Shell
from workers.gateway.app import create_app
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.gateway.rates import Buckets, Rates
from workers.in_process import InProcessBroker

PAGE = "/v1/fields"


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def rates(
    clock: Clock,
    *,
    per_key: int = 1_000,
    per_address: int = 1_000,
    failures: int = 1_000,
    proxies: tuple[str, ...] = (),
) -> Rates:
    return Rates(
        per_key=per_key,
        per_address=per_address,
        failures=failures,
        proxies=proxies,
        registry=CollectorRegistry(),
        now=clock,
    )


def served(limits: Rates) -> FastAPI:
    return create_app(lambda asker: StoredAnswers(InMemoryStore(), asker), KEYS.get, rates=limits)


async def asked(
    app: FastAPI, key: str | None, *, of: str = "192.0.2.7", page: str = PAGE, by: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    if by is not None:
        headers["X-Forwarded-For"] = by
    transport = httpx.ASGITransport(app, client=(of, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        return await client.get(page)


async def statuses(app: FastAPI, key: str | None, times: int, of: str = "192.0.2.7") -> list[int]:
    return [(await asked(app, key, of=of)).status_code for _ in range(times)]


@given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=60))
def test_no_more_pass_than_a_bucket_and_what_flows_in(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    bucket = Buckets(per_minute, clock)
    passed = 0
    for pause in pauses:
        clock.s += pause
        passed += not bucket.take("one")
    assert passed <= per_minute + sum(pauses) * per_minute / 60 + 1e-6


@given(st.integers(1, 600))
def test_who_waits_as_long_as_is_said_passes(per_minute: int) -> None:
    clock = Clock()
    bucket = Buckets(per_minute, clock)
    while not (wait_s := bucket.take("one")):
        pass
    clock.s += wait_s + 1e-6
    assert bucket.take("one") == 0


def test_memory_is_bounded_however_many_come() -> None:
    bucket = Buckets(1, most=100)
    for number in range(1_000):
        bucket.take(str(number))
    assert len(bucket._left) == 100  # noqa: SLF001 - nothing else shows it


async def test_a_key_that_asks_too_often_waits_and_others_do_not() -> None:
    clock = Clock()
    app = served(rates(clock, per_key=3))
    assert await statuses(app, "analyst", 4) == [200, 200, 200, 429]
    refused = await asked(app, "analyst")
    assert refused.headers["retry-after"] == "20"
    assert refused.json()["detail"] == "this key asks too often"
    assert await statuses(app, "supervisor", 1) == [200]
    clock.s += 20
    assert await statuses(app, "analyst", 2) == [200, 429]


async def test_an_address_that_asks_too_often_waits_whatever_it_shows_and_probes_do_not() -> None:
    app = served(rates(Clock(), per_address=3))
    assert await statuses(app, "analyst", 3) == [200] * 3
    for key in ("analyst", "supervisor", "nobody", None):
        assert (await asked(app, key)).status_code == 429
    assert (await asked(app, None, page="/openapi.json")).status_code == 429
    assert {(await asked(app, None, page=page)).status_code for page in ("/healthz", "/readyz")} == {200}
    assert await statuses(app, "analyst", 1, of="192.0.2.8") == [200]


async def test_who_guesses_keys_learns_nothing_any_more_even_from_a_right_one() -> None:
    clock = Clock()
    app = served(rates(clock, failures=5))
    assert await statuses(app, "guess", 6) == [401] * 5 + [429]
    right = await asked(app, "supervisor")
    wrong = await asked(app, "guess")
    assert right.status_code == wrong.status_code == 429
    assert right.json() == wrong.json()
    clock.s += 60
    assert await statuses(app, "supervisor", 1) == [200]


async def test_a_key_that_was_good_from_there_before_is_not_locked_out_by_who_guesses() -> None:
    app = served(rates(Clock(), failures=2))
    assert await statuses(app, "analyst", 1) == [200]
    assert await statuses(app, "guess", 3) == [401, 401, 429]
    assert await statuses(app, "analyst", 3) == [200] * 3
    assert await statuses(app, "supervisor", 1) == [429]


async def test_what_is_refused_is_counted_by_why_and_by_nobodys_name() -> None:
    registry = CollectorRegistry()
    limits = Rates(per_key=1, per_address=9, failures=1, registry=registry)
    app = served(limits)
    await statuses(app, "analyst", 2)
    await statuses(app, "guess", 2)
    said = generate_latest(registry).decode()
    assert 'convmine_gateway_limited_total{by="key"} 1.0' in said
    assert 'convmine_gateway_limited_total{by="failures"} 1.0' in said
    assert "analyst" not in said
    assert "192.0.2" not in said


async def test_an_address_is_believed_of_our_own_proxies_alone() -> None:
    app = served(rates(Clock(), per_address=1, proxies=("10.0.0.0/8",)))
    said = [
        await asked(app, "analyst", of="10.0.0.1", by="198.51.100.1"),
        await asked(app, "analyst", of="10.0.0.2", by="6.6.6.6, 198.51.100.1, 10.3.3.3"),  # what a stranger wrote first
        await asked(app, "analyst", of="10.0.0.1", by="198.51.100.2"),
        await asked(app, "analyst", of="203.0.113.9", by="198.51.100.3"),  # no proxy of ours: its own address counts
        await asked(app, "analyst", of="203.0.113.9", by="198.51.100.4"),
    ]
    assert [one.status_code for one in said] == [200, 429, 200, 200, 429]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_network_of_ipv6_is_one_address(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a case
    limits = rates(Clock())
    assert (limits.address(one, "") == limits.address(other, "")) is same


def test_a_proxy_that_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(Config, match="CONVMINE_GATEWAY_PROXIES"):
        rates(Clock(), proxies=("ingress.local",))


async def test_signing_in_wrongly_counts_and_then_nobody_signs_in_from_there() -> None:
    broker = InProcessBroker()
    app = create_dashboard(
        lambda asker: StoredAnswers(InMemoryStore(), asker),
        Shell(Sessions(DashboardSettings()), PEOPLE.get),
        streams=Streams(Hub(900), broker),
        rates=rates(Clock(), failures=3),
    )
    async with client_of(app, None) as client:
        tried = [(await client.post("/session", json={"key": "guess"})).status_code for _ in range(4)]
        right = await client.post("/session", json={"key": "ann"})
        page = await client.get("/sign-in")
    assert tried == [401, 401, 401, 429]
    assert (right.status_code, "set-cookie" in right.headers) == (429, False)
    assert page.status_code == 200
