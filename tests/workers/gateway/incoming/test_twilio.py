"""Twilio's Media Streams come in as calls; who is not Twilio, or does not send what it sends, is told why not."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from listeners import Gateway, gateway
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from schemas.audio import AudioChunk, Encoding
from schemas.call import CallEnded, CallStarted
from schemas.wire import Role
from workers.gateway.incoming import twilio as adapter
from workers.gateway.incoming.incoming import Twilio
from workers.gateway.incoming.twilio import PATH, signature

CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(tracks: tuple[str, ...] = ("inbound", "outbound"), **custom: str) -> dict[str, Any]:
    """The start of a stream, as Twilio's documentation shows it."""
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": list(tracks),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"key": "publisher", **custom},
        },
        "streamSid": "MZ1",
    }


def media(track: str, number: int, byte: int, at_ms: int | None = None) -> dict[str, Any]:
    """20 ms of one track, that are nothing but this byte."""
    told = {
        "track": track,
        "chunk": str(number + 1),
        "timestamp": str(number * 20 if at_ms is None else at_ms),
        "payload": base64.b64encode(bytes([byte]) * 160).decode(),
    }
    return {"event": "media", "sequenceNumber": str(number + 2), "media": told, "streamSid": "MZ1"}


STOP = {"event": "stop", "sequenceNumber": "5", "stop": {"accountSid": "AC1", "callSid": "CA1"}, "streamSid": "MZ1"}


async def stream(on: Gateway, *frames: Any, **headers: str) -> tuple[int, str]:
    """Send frames; with which code and reason the connection ends, and that nothing else was said on it."""
    async with connect(on.url.replace("http", "ws") + PATH, additional_headers=headers, proxy=None) as socket:
        try:
            for frame in frames:
                await socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
        except ConnectionClosed:
            pass
        return await closed(socket)


async def closed(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(15):
        with pytest.raises(ConnectionClosed) as found:
            await socket.recv()
    assert found.value.rcvd is not None
    return found.value.rcvd.code, found.value.rcvd.reason


def chunks(on: Gateway) -> list[AudioChunk]:
    return [one.payload for one in on.publisher.events(AudioChunk)]  # type: ignore[misc]


async def test_a_stream_becomes_a_call_with_both_sides_and_its_facts(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        sound = [media(track, n, n + side) for n in range(50) for track, side in (("inbound", 1), ("outbound", 101))]
        facts: dict[str, Any] = {
            "agent": "ann",
            "scenario": "telecom",
            "language": "en",
            "customer_id": "c-9",
            "consent": "true",
        }
        mark = {"event": "mark", "mark": {"name": "x"}, "streamSid": "MZ1"}
        digit = {"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "7"}, "streamSid": "MZ1"}
        code, _ = await stream(on, CONNECTED, start(**facts, theirs="x"), *sound, mark, digit, STOP)
        assert code == 1000
        first, *_, last = on.publisher.events()
        assert isinstance(first.payload, CallStarted)
        assert first.message.envelope.partitionkey == "acme:CA1"
        told = first.payload.call
        assert (told.agent, told.scenario, told.language, told.customer_id, told.consent) == (
            *("ann", "telecom", "en", "c-9"),
            True,
        )
        assert isinstance(last.payload, CallEnded)
        assert last.payload.duration_ms == 1_000
        assert [one.offset_ms for one in chunks(on)] == [0, 200, 400, 600, 800]
        chunk = chunks(on)[0]
        assert (chunk.raw.encoding, chunk.raw.sample_rate_hz) == (Encoding.PCMU, 8_000)
        assert [one.role for one in chunk.channels] == [Role.CUSTOMER, Role.AGENT]
        assert on.publisher.audio()[::2] == b"".join(bytes([n + 1]) * 160 for n in range(50))
        assert on.publisher.audio()[1::2] == b"".join(bytes([n + 101]) * 160 for n in range(50))


async def test_media_is_put_in_its_place_by_its_time_and_what_is_missing_is_silent(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        numbers = [0, 1, 3, 2, *range(5, 20)]
        await stream(on, CONNECTED, start(("inbound",)), *(media("inbound", n, n + 1) for n in numbers), STOP)
        audio = on.publisher.audio()
        assert audio == b"".join((b"\xff" if n == 4 else bytes([n + 1])) * 160 for n in range(20))


async def test_a_pause_of_the_stream_is_a_gap(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        sound = [media("inbound", n, 1, at_ms=n * 20 + (3_000 if n >= 10 else 0)) for n in range(20)]
        await stream(on, CONNECTED, start(("inbound",)), *sound, STOP)
        assert [one.offset_ms for one in chunks(on)] == [0, 3_200]


async def test_a_clock_that_runs_backwards_breaks_no_order(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        times = [*range(10_000, 10_400, 20), *range(10_380, 9_600, -20), *range(10_400, 10_800, 20)]
        await stream(on, CONNECTED, start(("inbound",)), *(media("inbound", 0, 1, at_ms=at) for at in times), STOP)
        found = chunks(on)
        assert [one.offset_ms for one in found] == sorted({one.offset_ms for one in found})
        assert [one.sequence for one in found] == list(range(len(found)))
        sent = [one.message.envelope.time for one in on.publisher.events()]
        assert sent == sorted(sent)


async def test_roles_and_the_id_of_the_call_may_be_said(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        said = start(inbound_role="agent", outbound_role="customer", call_id="crm-7")
        await stream(on, CONNECTED, said, media("inbound", 0, 1), STOP)
        (begun,) = on.publisher.events(CallStarted, "crm-7")
        assert [one.role for one in begun.payload.channels] == [Role.AGENT, Role.CUSTOMER]  # type: ignore[attr-defined]


async def test_a_lost_connection_leaves_the_call_open_and_a_stop_ends_it(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        async with connect(on.url.replace("http", "ws") + PATH, proxy=None) as socket:
            for frame in (CONNECTED, start(("inbound",)), *(media("inbound", n, 1) for n in range(10))):
                await socket.send(json.dumps(frame))
            await asyncio.sleep(0.3)
            socket.transport.abort()
        assert on.publisher.events(CallEnded) == []
        again = start(("inbound",))
        again["start"]["streamSid"] = "MZ2"
        assert (await stream(on, CONNECTED, again, *(media("inbound", n, 2) for n in range(10)), STOP))[0] == 1000
        assert [one.sequence for one in chunks(on)] == list(range(len(chunks(on))))
        assert [on.publisher.audio().count(byte) for byte in (b"\x01", b"\x02")] == [1_600, 1_600]
        assert len(on.publisher.events(CallEnded)) == 1
        assert (await stream(on, CONNECTED, again))[0] == 4409


@pytest.mark.parametrize("key", ["", "nobody", "analyst", "bob"])
async def test_a_wrong_key_is_refused_before_anything_is_taken(tmp_path: Path, key: str) -> None:
    async with gateway(tmp_path) as on:
        code, reason = await stream(on, CONNECTED, start(key=key), media("inbound", 0, 1))
        assert code == 4401
        assert "publish" in reason
        assert on.publisher.records == []


async def test_a_signature_of_twilio_is_a_key_to_its_tenant(tmp_path: Path) -> None:
    trusted = Twilio("secret", "umbrella", "wss://convmine.example/v1/adapters/twilio")
    async with gateway(tmp_path, twilio=trusted) as on:
        unsigned = start()
        unsigned["start"]["customParameters"].pop("key")
        good = signature("secret", "wss://convmine.example/v1/adapters/twilio")
        assert (await stream(on, CONNECTED, unsigned, STOP, **{"X-Twilio-Signature": good}))[0] == 1000
        assert on.publisher.records[0].key == b"umbrella:CA1"
        before = len(on.publisher.records)
        bad = signature("guessed", "wss://convmine.example/v1/adapters/twilio")
        assert (await stream(on, CONNECTED, start(), STOP, **{"X-Twilio-Signature": bad}))[0] == 4401
        assert (await stream(on, CONNECTED, unsigned, STOP))[0] == 4401
        assert len(on.publisher.records) == before


async def test_who_says_nothing_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "START_S", 0.2)
    async with gateway(tmp_path) as on:
        assert await stream(on, CONNECTED) == (4401, "no start has come")


def test_the_signature_is_the_one_of_twilios_documentation() -> None:
    # RFC 2104's HMAC with SHA-1 of the address, in Base64: computed with openssl dgst -sha1 -hmac 12345 -binary.
    assert signature("12345", "wss://example.com/stream") == "KG4JbhDlv15BMlxSTOWKt9btbgg="


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["no json"], 1007),
        ([b"\x00\x01"], 1007),
        (["[1]"], 1007),
        (['{"event": 1}'], 1007),
        (["[" * 60_000], 1007),
        ([CONNECTED, media("inbound", 0, 1)], 4400),
        ([CONNECTED, {"event": "start"}], 4400),
        ([CONNECTED, {**start(), "start": {**start()["start"], "mediaFormat": {"encoding": "audio/opus"}}}], 4400),
        ([CONNECTED, start(language="???")], 4400),
        ([CONNECTED, start(call_id="a/b")], 4400),
        ([CONNECTED, start(("inbound",)), media("outbound", 0, 1)], 1007),
        ([CONNECTED, start(), {"event": "media", "media": None}], 1007),
        ([CONNECTED, start(), {"event": "media", "media": {"track": "inbound", "timestamp": "x"}}], 1007),
        ([CONNECTED, start(), {**media("inbound", 0, 1), "media": {"track": [], "payload": ""}}], 1007),
        ([CONNECTED, start(consent="false"), media("inbound", 0, 1)], 4409),
    ],
)
async def test_what_twilio_does_not_send_is_refused(tmp_path: Path, frames: list[Any], code: int) -> None:
    async with gateway(tmp_path) as on:
        assert (await stream(on, *frames))[0] == code
        assert on.publisher.audio() == b""
