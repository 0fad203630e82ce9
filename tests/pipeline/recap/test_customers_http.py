from __future__ import annotations

import json
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest
from http_peer import Answer, dripping, hanging, peer, saying
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Config, Poison, Retryable
from pipeline.recap.customers_http import MAX_BYTES, HttpCustomers, customers_of, lines_of
from pipeline.settings import CustomersSettings

OK = b"HTTP/1.1 200 OK\r\n"


async def asked(answer: Answer, customer: str = "c-1", **settings: Any) -> tuple[Sequence[tuple[str, str]], Any]:
    """What a CRM that answers so says, and how it was asked."""
    async with peer(answer) as crm:
        url = f"{crm.origin}/{{tenant}}/people/{{customer}}?of={{customer}}"
        customers = HttpCustomers(CustomersSettings(url=url, **settings))
        try:
            return await customers.of("acme", customer), crm.asked[0]
        finally:
            await customers.close()


async def test_the_customer_is_asked_for_with_the_key() -> None:
    _, request = await asked(saying(200, body=b"{}"), key="s3cret")
    assert (request.method, request.path) == ("GET", "/acme/people/c-1?of=c-1")
    assert request.headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("customer", ["../admin", "a/b?x=1#y", "..", "é\r\nHost: x", "{tenant}"])
async def test_an_id_stays_one_piece_of_the_address(customer: str) -> None:
    _, request = await asked(saying(200, body=b"{}"), customer)
    assert request.path.startswith("/acme/people/")
    assert request.path.count("/") == 3
    assert request.headers["host"].startswith("127.0.0.1")


async def test_facts_are_told_in_their_order_and_own_fields_of_an_object_too() -> None:
    facts = {"facts": [{"name": "Tier", "value": "gold"}, {"name": "Calls", "value": 3}, {"name": "x", "value": None}]}
    lines, _ = await asked(saying(200, body=json.dumps(facts).encode()))
    assert lines == [("Tier", "gold"), ("Calls", "3")]
    plain = {"tier": "gold", "since": 2019, "vip": True, "orders": [1, 2], "address": {"city": "x"}, "none": None}
    lines, _ = await asked(saying(200, body=json.dumps(plain).encode()))
    assert lines == [("tier", "gold"), ("since", "2019"), ("vip", "yes")]


async def test_a_customer_who_is_not_known_has_no_lines() -> None:
    assert (await asked(saying(404)))[0] == ()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_crm_that_is_away_is_retryable(status: int) -> None:
    with pytest.raises(Retryable):
        await asked(saying(status))


@pytest.mark.parametrize("status", [302, 401, 403])
async def test_a_crm_that_refuses_or_redirects_is_not(status: int) -> None:
    with pytest.raises(Poison):
        await asked(saying(status, Location="http://127.0.0.1:1/"))


@pytest.mark.parametrize(
    "answer",
    [hanging, dripping(OK + b"Content-Length: 9000\r\n\r\n", b"x", 0.01), dripping(b"", b"H", 0.01)],
    ids=["nothing", "a body without end", "headers without end"],
)
async def test_a_crm_that_is_slow_is_given_up_in_time(answer: Answer) -> None:
    began = monotonic()
    with pytest.raises(Retryable):
        await asked(answer, timeout_s=0.2)
    assert monotonic() - began < 2


async def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    with pytest.raises(Poison, match=str(MAX_BYTES)):
        await asked(dripping(OK + b"\r\n", b"x" * 10_000, 0))


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_whatever_comes_gives_lines_or_is_refused(body: bytes) -> None:
    try:
        lines = lines_of(body)
    except Poison:
        return
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in lines)


def test_a_deep_answer_is_refused() -> None:
    with pytest.raises(Poison):
        lines_of(b"[" * 60_000)


def test_without_an_address_nobody_is_asked_and_one_without_a_customer_is_refused() -> None:
    assert customers_of(CustomersSettings()) is None
    with pytest.raises(Config, match="CONVMINE_CUSTOMERS_URL"):
        customers_of(CustomersSettings(url="https://crm.example/all"))
