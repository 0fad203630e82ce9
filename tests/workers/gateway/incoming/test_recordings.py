"""Recordings that are uploaded are whole on the disk, named by their content, before Kafka hears of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from gateway_app import KEYS, client_of
from listeners import Gateway, gateway

from pipeline.questions.answering import StoredAnswers
from pipeline.testing import InMemoryStore
from schemas.audio import Encoding, RecordingAvailable
from schemas.wire import Role
from workers.gateway.app import create_app
from workers.gateway.bounds import Limits

PAGE = "/v1/calls/c1/recordings"
AUDIO = bytes(range(256)) * 8_000
"""2 MB: more than any other request may have."""


async def upload(on: Gateway, body: bytes | AsyncIterator[bytes], query: str = "") -> httpx.Response:
    return await on.post(PAGE + query, content=body, headers={"Content-Type": "audio/wav"})


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - a folder tells nobody of its files
        await asyncio.sleep(0.01)


def told(on: Gateway) -> list[RecordingAvailable]:
    return [one.payload for one in on.publisher.events(RecordingAvailable)]  # type: ignore[misc]


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_upload_is_stored_by_its_content_and_announced(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        query = "?roles=customer&roles=agent&agent=ann&language=en&consent=true&revision=2"
        answer = await upload(on, AUDIO, query)
        digest = hashlib.sha256(AUDIO).hexdigest()
        assert (answer.status_code, answer.json()) == (201, {"call_id": "c1", "sha256": digest, "bytes": len(AUDIO)})
        (event,) = told(on)
        assert (event.call_id, event.sha256, event.revision, event.raw) == ("c1", digest, 2, None)
        assert [one.role for one in event.channels] == [Role.CUSTOMER, Role.AGENT]
        assert (event.call.agent, event.call.language, event.call.consent) == ("ann", "en", True)
        path = tmp_path / "acme" / "c1" / digest
        assert event.dataref == path.as_uri()
        assert path.read_bytes() == AUDIO
        assert stored(tmp_path) == [path]


async def test_the_same_upload_twice_is_one_event(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        for _ in range(2):
            assert (await upload(on, AUDIO)).status_code == 201
        assert len({one.message.envelope.id for one in on.publisher.events()}) == 1
        assert len(stored(tmp_path)) == 1


async def test_a_recording_elsewhere_is_announced_with_what_is_said_of_it(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        said = {
            "uri": "s3://calls/c1.raw",
            "sha256": "0" * 64,
            "roles": ["agent"],
            "encoding": "PCMU",
            "rate": 8_000,
            "channels": 1,
            "scenario": "telecom",
        }
        answer = await on.post(PAGE, said)
        assert (answer.status_code, answer.json()) == (201, {"call_id": "c1", "sha256": "0" * 64})
        (event,) = told(on)
        assert event.dataref == "s3://calls/c1.raw"
        assert event.raw is not None
        assert (event.raw.encoding, event.raw.sample_rate_hz, event.call.scenario) == (Encoding.PCMU, 8_000, "telecom")


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        (b"", "", 422),
        (AUDIO, "?sha256=" + "0" * 64, 422),
        (AUDIO, "?revision=0", 422),
        (AUDIO, "?encoding=PCMU", 422),
        (AUDIO, "?roles=boss", 422),
        (AUDIO, "?split=markers&markers_ms=-1", 422),
        (AUDIO, "?tenant=umbrella", 422),
        (AUDIO * 2, "", 413),
    ],
)
async def test_an_upload_that_is_not_valid_leaves_nothing(tmp_path: Path, body: bytes, query: str, status: int) -> None:
    async with gateway(tmp_path, listens=False) as on:
        assert (await upload(on, body, query)).status_code == status
        assert on.publisher.records == []
        assert stored(tmp_path) == []


@pytest.mark.parametrize(
    "said",
    [{}, {"uri": "ftp://x/y"}, {"uri": "file:///a b"}, {"uri": "https://x/y", "tenant_id": "z"}, [], "x"],
)
async def test_a_place_that_is_none_is_refused(tmp_path: Path, said: object) -> None:
    async with gateway(tmp_path, listens=False) as on:
        assert (await on.post(PAGE, said)).status_code == 422
        assert on.publisher.records == []


async def test_what_breaks_off_is_not_announced_and_leaves_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        host, port = on.url.removeprefix("http://").split(":")
        _, line = await asyncio.open_connection(host, int(port))
        head = f"POST {PAGE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer publisher\r\nContent-Length: 2048000\r\n\r\n"
        line.write(head.encode() + AUDIO[:1_500_000])
        await line.drain()
        async with asyncio.timeout(10):
            await until(lambda: bool(stored(tmp_path)))
            line.transport.abort()
            await until(lambda: not stored(tmp_path))
        assert on.publisher.records == []


async def test_while_kafka_is_away_no_upload_is_taken(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on:
        on.publisher.away = True
        answer = await upload(on, AUDIO)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert stored(tmp_path) == []


async def test_a_disk_that_cannot_be_written_is_away_and_nothing_is_announced(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("no folder")
    async with gateway(tmp_path, listens=False) as on:
        assert (await upload(on, AUDIO)).status_code == 503
        assert on.publisher.records == []


async def test_an_upload_that_goes_on_is_not_given_up_and_one_that_stands_still_is(tmp_path: Path) -> None:
    async def slow(pause_s: float) -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(pause_s)
            yield b"x" * 1_000

    async with gateway(tmp_path, listens=False) as on:
        store = InMemoryStore()
        limits = Limits(timeout_s=0.5)
        app = create_app(lambda asker: StoredAnswers(store, asker), KEYS.get, incoming=on.incoming, limits=limits)
        async with client_of(app, "publisher") as client:
            headers = {"Content-Type": "audio/wav"}
            assert (await client.post(PAGE, content=slow(0.3), headers=headers)).status_code == 201
            assert (await client.post(PAGE, content=slow(1.5), headers=headers)).status_code == 504
        assert len(stored(tmp_path)) == 1


async def test_a_tenant_or_call_that_looks_like_a_path_stays_in_the_folder(tmp_path: Path) -> None:
    async with gateway(tmp_path / "uploads", listens=False) as on:
        assert (await on.post("/v1/calls/%2e%2e/recordings", content=AUDIO)).status_code in {201, 404, 405}
        assert all(path.is_relative_to(tmp_path / "uploads") for path in stored(tmp_path))
