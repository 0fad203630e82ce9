from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from certificates import certificate
from http_peer import Answer, Asked, dripping, hanging, peer, saying
from mined_calls import TENANT, inbound, insight, suggestion

from pipeline.errors import Poison, Retryable
from pipeline.handling import Inbound, Outbound, Position
from pipeline.settings import WebhooksSettings
from pipeline.stages import WEBHOOKS
from pipeline.testing import InMemoryMeter
from pipeline.webhooks.circuit import FIRST_S, LONGEST_S, Circuit
from pipeline.webhooks.stage import Webhooks, build
from schemas.call import CallStarted
from schemas.webhook import WebhookPending

OLD, NEW = b"o" * 24, b"n" * 32
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\n"


class Clock:
    """Both clocks of the stage, moved by hand."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> float:
        return self.passed_s

    def time(self) -> datetime:
        return AT + timedelta(seconds=self.passed_s)


def secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def entry(name: str, url: str, *, tenant: str = TENANT, events: str = "suggestion.created, call.insight") -> str:
    return f'  - {{name: {name}, url: "{url}", tenant: {tenant}, events: [{events}], secret: {secret(NEW)}}}\n'


@asynccontextmanager
async def sending(
    folder: Path, *entries: str, clock: Clock | None = None, meter: InMemoryMeter | None = None, **settings: Any
) -> AsyncIterator[Webhooks]:
    """The stage with these receivers, which may be on this machine."""
    file = folder / "webhooks.yaml"
    file.write_text("webhooks:\n" + "".join(entries))
    chosen = WebhooksSettings.model_validate({"allow_private": True, "timeout_s": 2.0, **settings, "file": file})
    times = clock or Clock()
    stage = build(chosen, meter, now=times.now, clock=times.time)
    try:
        yield stage
    finally:
        await stage.close()


def created(call_id: str = "c1", *, tenant: str = TENANT) -> Inbound:
    return inbound(suggestion(call_id), tenant=tenant)


def queued(outputs: Sequence[Outbound]) -> list[Inbound]:
    """What waits, as the stage is handed it again."""
    return [Inbound(output.message, Position(output.topic, 0, offset)) for offset, output in enumerate(outputs)]


def waiting_for(outputs: Sequence[Outbound]) -> list[str]:
    found = [output.message.payload for output in outputs]
    return [one.receiver for one in found if isinstance(one, WebhookPending)]


def is_signed(request: Asked, key: bytes) -> bool:
    """As the standard says to verify: of the bytes that came, with the id and the time that came."""
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in request.headers["webhook-signature"].split(" ")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def breaking_off(writer: asyncio.StreamWriter, number: int) -> None:
    del number
    writer.write(b"HTTP/1.1 2")


async def test_an_event_is_posted_as_a_cloudevent_and_signed(tmp_path: Path) -> None:
    event, clock = created(), Clock()
    clock.passed_s = 90.0
    async with (
        peer(saying(204)) as crm,
        sending(tmp_path, entry("crm", f"{crm.origin}/hook?k=1"), clock=clock) as stage,
    ):
        assert await stage(event) == []
    (request,) = crm.asked
    assert (request.method, request.path) == ("POST", "/hook?k=1")
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["webhook-id"] == event.message.envelope.id
    assert request.headers["webhook-timestamp"] == str(int((AT + timedelta(seconds=90)).timestamp()))
    assert is_signed(request, NEW)
    assert not is_signed(request, OLD)
    sent = json.loads(request.body)
    assert (sent["specversion"], sent["id"], sent["type"]) == (
        "1.0",
        event.message.envelope.id,
        "io.convmine.suggestion.created.v1",
    )
    assert (sent["subject"], sent["tenantid"], sent["datacontenttype"]) == ("c1", TENANT, "application/json")
    assert sent["data"]["text"] == "Offer ten percent for a year."


async def test_while_a_secret_is_replaced_both_sign(tmp_path: Path) -> None:
    async with peer(saying(200)) as crm:
        both = entry("crm", crm.origin).replace(secret(NEW), f"[{secret(NEW)}, {secret(OLD)}]")
        async with sending(tmp_path, both) as stage:
            await stage(created())
    assert is_signed(crm.asked[0], NEW)
    assert is_signed(crm.asked[0], OLD)


async def test_a_receiver_gets_the_events_of_its_tenant_that_it_asked_for(tmp_path: Path) -> None:
    async with peer(saying(200)) as crm, sending(tmp_path, entry("crm", crm.origin, events="call.insight")) as stage:
        assert await stage(created()) == ()
        assert await stage(inbound(insight("c1"), tenant="other")) == ()
        assert await stage(inbound(CallStarted(call_id="c1"))) == ()
        assert crm.asked == []
        assert await stage(inbound(insight("c1"))) == []
    assert [json.loads(one.body)["data"]["call_id"] for one in crm.asked] == ["c1"]


async def test_without_a_file_nothing_is_sent() -> None:
    stage = build(WebhooksSettings())
    assert await stage(created()) == ()
    await stage.close()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (saying(503), "503"),
        (saying(429), "429"),
        (saying(408), "408"),
        (hanging, "did not answer"),
        (dripping(b"", b"H", 0.01), "did not answer"),
        (dripping(OK, b"X-Header: " + b"x" * 1_000 + b"\r\n", 0), "could not be reached"),
        (breaking_off, "could not be reached"),
    ],
    ids=["503", "429", "408", "hangs", "drips", "headers without end", "breaks off"],
)
async def test_what_one_does_not_take_waits_for_it_alone(tmp_path: Path, bad: Answer, reason: str) -> None:
    clock, meter = Clock(), InMemoryMeter()
    async with (
        peer(saying(200)) as good,
        peer(bad) as other,
        sending(
            tmp_path, entry("bad", other.origin), entry("good", good.origin), clock=clock, meter=meter, timeout_s=1.0
        ) as stage,
    ):
        outputs = await stage(created())
        assert waiting_for(outputs) == ["bad"]
        assert [(one.topic, one.message.envelope.partitionkey) for one in outputs] == [(WEBHOOKS, f"{TENANT}:bad")]
        assert len(good.asked) == 1
        clock.passed_s += LONGEST_S
        with pytest.raises(Retryable, match=reason) as caught:
            await stage(queued(outputs)[0])
    assert caught.value.alone
    assert len(good.asked) == 1
    assert len(other.asked) == 2
    assert other.asked[0].headers["webhook-id"] == other.asked[1].headers["webhook-id"]
    assert other.asked[0].headers["webhook-timestamp"] != other.asked[1].headers["webhook-timestamp"]
    assert is_signed(other.asked[1], NEW)
    assert meter.counted("convmine_webhook_requests", receiver="good", outcome="delivered") == 1
    assert meter.counted("convmine_webhook_requests", receiver="bad", outcome="later") == 2
    assert len(meter.observed("convmine_webhook_request_seconds", receiver="bad")) == 2


async def test_a_long_answer_is_cut_off_and_the_event_is_delivered(tmp_path: Path) -> None:
    endless = dripping(OK + b"Content-Length: 999999999\r\n\r\n", b"x" * 50_000, 0)
    slow = dripping(OK + b"Content-Length: 999\r\n\r\n", b"x", 0.1)
    async with (
        peer(endless) as one,
        peer(slow) as other,
        sending(tmp_path, entry("endless", one.origin), entry("slow", other.origin), timeout_s=10.0) as stage,
    ):
        began = monotonic()
        assert await stage(created()) == []
    assert monotonic() - began < 8


async def test_what_waits_is_delivered_when_the_receiver_is_back(tmp_path: Path) -> None:
    clock = Clock()
    async with peer(saying(500, 200)) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        (waits,) = queued(await stage(created()))
        clock.passed_s += FIRST_S
        assert await stage(waits) == ()
        assert [json.loads(one.body)["id"] for one in crm.asked] == [created().message.envelope.id] * 2
        assert await stage(created("c2")) == []


async def test_while_a_receiver_is_left_alone_its_events_join_the_queue_without_a_request(tmp_path: Path) -> None:
    clock = Clock()
    async with peer(saying(500)) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        outputs = [*await stage(created("c1")), *await stage(created("c2")), *await stage(created("c3"))]
        assert waiting_for(outputs) == ["crm"] * 3
        assert len(crm.asked) == 1
        with pytest.raises(Retryable) as caught:
            await stage(queued(outputs)[0])
        assert len(crm.asked) == 1
    assert 0 < (caught.value.retry_after_s or 0) <= FIRST_S


async def test_the_same_event_waits_under_the_same_id(tmp_path: Path) -> None:
    async with sending(tmp_path, entry("crm", f"http://127.0.0.1:{free_port()}")) as stage:
        ids = {(await stage(created()))[0].message.envelope.id for _ in range(2)}
        assert len(ids) == 1
        assert {(await stage(created("c2")))[0].message.envelope.id} != ids


async def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    clock = Clock()
    busy = saying(429, Retry_After="120")
    async with peer(busy) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        (waits,) = queued(await stage(created()))
        clock.passed_s += 100.0
        with pytest.raises(Retryable) as caught:
            await stage(waits)
        assert len(crm.asked) == 1
        assert caught.value.retry_after_s == pytest.approx(20.0)


async def test_after_so_long_it_is_a_dead_letter_that_names_the_receiver(tmp_path: Path) -> None:
    clock, meter = Clock(), InMemoryMeter()
    async with (
        peer(saying(500)) as crm,
        sending(tmp_path, entry("crm", crm.origin), clock=clock, meter=meter, give_up_s=100) as stage,
    ):
        (first,) = queued(await stage(created("c1")))
        clock.passed_s += 99.5
        (second,) = queued(await stage(created("c2")))
        clock.passed_s += 0.5
        with pytest.raises(Poison, match="receiver crm has failed for 100 s"):
            await stage(second)  # it has waited for little, and its receiver is known to be away
        assert len(crm.asked) == 2
        clock.passed_s += LONGEST_S
        with pytest.raises(Poison, match=r"receiver crm answered 500, and 130 s have passed"):
            await stage(first)
        assert meter.counted("convmine_webhook_requests", receiver="crm", outcome="given_up") == 2


async def test_a_replayed_dead_letter_is_sent_though_it_is_old(tmp_path: Path) -> None:
    clock = Clock()
    async with peer(saying(500, 200)) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        (waits,) = queued(await stage(created()))
        clock.passed_s += 86_400.0
        assert await stage(waits) == ()
        assert len(crm.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
async def test_a_refusal_is_a_dead_letter_at_once_and_others_get_theirs(tmp_path: Path, status: int) -> None:
    async with (
        peer(saying(status)) as bad,
        peer(saying(200)) as good,
        sending(tmp_path, entry("bad", bad.origin), entry("good", good.origin)) as stage,
    ):
        (waits,) = queued(await stage(created()))
        assert len(good.asked) == 1
        with pytest.raises(Poison, match=f"receiver bad answered {status}"):
            await stage(waits)
        assert waiting_for(await stage(created("c2"))) == ["bad"]
        assert len(bad.asked) == 3  # it answers, so that it is not left alone


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async with peer(saying(200)) as inside:
        redirect = saying(307, Location=f"{inside.origin}/admin")
        async with peer(redirect) as crm, sending(tmp_path, entry("crm", crm.origin)) as stage:
            (waits,) = queued(await stage(created()))
            with pytest.raises(Poison, match="redirects are not followed"):
                await stage(waits)
        assert inside.asked == []


async def test_who_answers_410_gets_no_more_until_the_file_changes(tmp_path: Path) -> None:
    clock = Clock()
    async with peer(saying(410, 200)) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        (waits,) = queued(await stage(created("c1")))
        with pytest.raises(Poison, match="410"):
            await stage(waits)
        assert await stage(created("c2")) == ()
        assert len(crm.asked) == 1
        (tmp_path / "webhooks.yaml").write_text("webhooks:\n" + entry("crm", crm.origin) + "# wanted again\n")
        clock.passed_s += 10.0
        assert await stage(created("c3")) == []
        assert len(crm.asked) == 2


async def test_what_waits_for_a_receiver_that_was_taken_out_is_let_go(tmp_path: Path) -> None:
    clock = Clock()
    async with peer(saying(500)) as crm, sending(tmp_path, entry("crm", crm.origin), clock=clock) as stage:
        (waits,) = queued(await stage(created()))
        (tmp_path / "webhooks.yaml").write_text("webhooks: []\n")
        clock.passed_s += 10.0
        assert await stage(waits) == ()
        assert len(crm.asked) == 1


async def test_what_is_under_way_when_an_entry_changes_goes_to_the_new_address(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        peer(hanging) as old,
        peer(saying(200)) as new,
        sending(tmp_path, entry("crm", old.origin), clock=clock) as stage,
    ):
        first = asyncio.create_task(stage(created("c1")))
        while not old.asked:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        (tmp_path / "webhooks.yaml").write_text("webhooks:\n" + entry("crm", new.origin))
        clock.passed_s += 10.0
        assert await stage(created("c2")) == []
        (waits,) = queued(await first)
        assert await stage(waits) == ()
    assert [json.loads(one.body)["subject"] for one in new.asked] == ["c2", "c1"]


async def test_what_waits_is_not_sent_to_a_receiver_of_another_tenant(tmp_path: Path) -> None:
    async with peer(saying(500, 200)) as crm, sending(tmp_path, entry("crm", crm.origin)) as stage:
        (waits,) = await stage(created())
        assert isinstance(waits.message.payload, WebhookPending)
        assert await stage(inbound(waits.message.payload, tenant="other")) == ()
        assert len(crm.asked) == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"]
)
async def test_addresses_of_private_networks_are_refused(tmp_path: Path, host: str) -> None:
    receiver = entry("crm", f"https://{host}:8443/")
    async with sending(tmp_path, receiver, allow_private=False) as stage:
        (waits,) = queued(await stage(created()))
        with pytest.raises(Poison, match="private address"):
            await stage(waits)


async def test_without_https_nothing_goes_to_a_public_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))]

    async with sending(tmp_path, entry("crm", "http://crm.example/")) as stage:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        (waits,) = queued(await stage(created()))
        with pytest.raises(Poison, match="public address"):
            await stage(waits)


async def test_a_name_with_one_private_address_among_public_ones_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]

    async with sending(tmp_path, entry("crm", "https://crm.example/"), allow_private=False) as stage:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
        (waits,) = queued(await stage(created()))
        with pytest.raises(Poison, match="private address"):
            await stage(waits)


async def test_the_certificate_must_be_of_the_name_though_a_checked_address_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with peer(saying(200), context) as crm:
        named = entry("named", f"https://localhost:{crm.port}/")
        other = entry("other", f"https://127.0.0.1:{crm.port}/")
        async with sending(tmp_path, named, other) as stage:
            assert waiting_for(await stage(created())) == ["other"]
    assert [request.headers["host"] for request in crm.asked] == [f"localhost:{crm.port}"]


async def test_a_name_that_is_not_found_waits(tmp_path: Path) -> None:
    async with sending(tmp_path, entry("crm", "https://no-such-host.invalid/")) as stage:
        assert waiting_for(await stage(created())) == ["crm"]


async def test_one_that_hangs_costs_others_no_more_than_its_time(tmp_path: Path) -> None:
    async def all_sent(stage: Webhooks, count: int) -> list[Sequence[Outbound]]:
        return await asyncio.gather(*(stage(created(f"c{number}")) for number in range(count)))

    async with (
        peer(hanging) as bad,
        peer(saying(200)) as good,
        sending(tmp_path, entry("bad", bad.origin), entry("good", good.origin), timeout_s=1.0) as stage,
    ):
        began = monotonic()
        outputs = [output for _ in range(4) for each in await all_sent(stage, 8) for output in each]
    assert monotonic() - began < 8
    assert waiting_for(outputs) == ["bad"] * 32
    assert len(good.asked) == 32
    assert len(bad.asked) == 8  # those that were under way; then it was left alone


def test_pauses_grow_with_failures_and_end_with_an_answer() -> None:
    at = [0.0]
    circuit = Circuit(lambda: at[0], jitter=lambda: 1.0)
    pauses = []
    for _ in range(8):
        circuit.failed()
        pauses.append(circuit.pause_s)
        at[0] += circuit.pause_s
    assert pauses == [1, 2, 4, 8, 16, LONGEST_S, LONGEST_S, LONGEST_S]
    assert circuit.failing_s == at[0]
    circuit.answered()
    assert (circuit.pause_s, circuit.failing_s) == (0, 0)


def test_failures_that_were_under_way_together_count_once() -> None:
    circuit = Circuit(lambda: 0.0, jitter=lambda: 1.0)
    for _ in range(16):
        circuit.failed()
    assert circuit.pause_s == FIRST_S
