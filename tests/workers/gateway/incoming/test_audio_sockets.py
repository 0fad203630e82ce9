"""Audio by WebSocket: what is sent arrives whole and in its place, and who sends what cannot be taken is told why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from listeners import Gateway, gateway, said, until
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from schemas.audio import AudioChunk
from schemas.call import CallEnded, CallHeld, CallResumed
from schemas.wire import Role
from workers.gateway.incoming import outbox, sockets

STEREO = "/v1/calls/c1/audio?encoding=L16&rate=8000&channels=2&roles=agent,customer"
SECOND = 8_000 * 4


def sound(seconds: float, seed: int = 1) -> bytes:
    """Stereo L16 at 8 kHz that is nowhere the same."""
    size = round(seconds * 8_000) * 2
    return np.random.default_rng(seed).integers(-9_000, 9_000, size).astype("<i2").tobytes()


async def send(socket: ClientConnection, audio: bytes, frame: int = 640) -> None:
    """Send audio in frames of so many bytes."""
    for start in range(0, len(audio), frame):
        await socket.send(audio[start : start + frame])


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """With which code and reason it is closed."""
    async with asyncio.timeout(10):
        async for _ in _heard(socket):
            pass
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def _heard(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


def chunks(on: Gateway) -> list[AudioChunk]:
    return [one.payload for one in on.publisher.events(AudioChunk)]  # type: ignore[misc]


@contextmanager
def patient(monkeypatch: pytest.MonkeyPatch, seconds: float, most_bytes: int) -> Iterator[None]:
    monkeypatch.setattr(sockets, "PATIENCE_S", seconds)
    monkeypatch.setattr(outbox, "MOST_BYTES", most_bytes)
    yield


async def test_frames_become_chunks_of_200_ms_that_kafka_has_when_they_are_acknowledged(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO) as socket:
        hello = await said(socket)
        assert (hello["type"], hello["offset_ms"], hello["chunk_ms"]) == ("hello", 0, 200)
        audio = sound(1.1)
        await send(socket, audio)
        while (await until(socket, "ack"))["offset_ms"] < 1_000:
            pass
        await socket.send(json.dumps({"type": "end", "reason": "hung up"}))
        assert (await until(socket, "ended"))["duration_ms"] == 1_100
        assert on.publisher.audio() == audio
        assert [(one.sequence, one.offset_ms) for one in chunks(on)] == [(n, 200 * n) for n in range(6)]
        assert [channel.role for channel in chunks(on)[0].channels] == [Role.AGENT, Role.CUSTOMER]
        (ended,) = on.publisher.events(CallEnded)
        assert (ended.payload.duration_ms, ended.payload.reason) == (1_100, "hung up")  # type: ignore[attr-defined]
        times = [one.message.envelope.time for one in on.publisher.events()]
        assert times == sorted(times)


async def test_two_sockets_of_one_track_each_become_one_stream_of_both(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        path = "/v1/calls/c1/audio?encoding=PCMU&rate=8000&track="
        async with on.socket(path + "agent") as agent, on.socket(path + "customer") as customer:
            await asyncio.gather(said(agent), said(customer))
            for number in range(1, 51):
                await agent.send(bytes([number]) * 160)
                await customer.send(bytes([number + 100]) * 160)
            while (await until(agent, "ack"))["offset_ms"] < 1_000:
                pass
        audio = on.publisher.audio()
        assert audio[::2] == b"".join(bytes([number]) * 160 for number in range(1, 51))
        assert audio[1::2] == b"".join(bytes([number + 100]) * 160 for number in range(1, 51))


async def test_a_track_that_stands_still_does_not_stop_the_other(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        path = "/v1/calls/c1/audio?encoding=PCMU&rate=8000&track="
        async with on.socket(path + "agent") as agent, on.socket(path + "customer") as customer:
            await asyncio.gather(said(agent), said(customer))
            await customer.send(b"\x01" * 160)
            await agent.send(b"\x02" * 3_200)
            assert (await until(agent, "ack"))["offset_ms"] == 400
            assert on.publisher.audio()[1::2] == b"\x01" * 160 + b"\xff" * 3_040
            await customer.send(b"\x01" * 3_040)  # too late for its chunks, and said so
            await agent.send(b"\x02" * 1_600)
            await customer.send(b"\x01" * 1_600)
            while (await until(customer, "ack"))["offset_ms"] < 600:
                pass
            assert on.incoming.sessions.of("acme", "c1").joiner.late_frames == 3_040  # type: ignore[union-attr]


async def test_a_sender_that_comes_back_goes_on_where_kafka_has_it_to(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        audio = sound(2)
        async with on.socket(STEREO) as socket:
            await said(socket)
            await send(socket, audio[: SECOND // 2])
            while (confirmed := (await until(socket, "ack"))["offset_ms"]) < 400:
                pass
            socket.transport.abort()
        async with on.socket(f"{STEREO}&offset_ms={confirmed}") as socket:
            begins = (await said(socket))["offset_ms"]
            assert begins >= confirmed
            assert on.publisher.events(CallEnded) == []
            await send(socket, audio[begins * 32 :])
            await socket.send('{"type": "end"}')
            assert (await until(socket, "ended"))["duration_ms"] == 2_000
        assert on.publisher.audio() == audio
        numbers = [one.sequence for one in chunks(on)]
        assert numbers == list(range(len(numbers)))


async def test_without_an_offset_the_time_that_has_passed_is_a_gap(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        for _ in range(2):
            async with on.socket(STEREO) as socket:
                await said(socket)
                await send(socket, sound(0.2))
                await until(socket, "ack")
            await asyncio.sleep(0.5)
        first, second = chunks(on)
        assert second.offset_ms >= 500
        assert (first.sequence, second.sequence) == (0, 1)


async def test_a_call_that_began_at_another_gateway_goes_on_with_higher_numbers(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(f"{STEREO}&offset_ms=60000") as socket:
        assert (await said(socket))["offset_ms"] == 60_000
        await send(socket, sound(0.2))
        await until(socket, "ack")
        (chunk,) = chunks(on)
        assert chunk.offset_ms == 60_000
        assert chunk.sequence > 60_000 // 200


async def test_holds_stand_between_the_audio_before_and_after_them(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO) as socket:
        await said(socket)
        await send(socket, sound(0.3))
        await socket.send('{"type": "hold"}')
        assert (await until(socket, "held"))["at_ms"] == 300
        await socket.send('{"type": "resume", "at_ms": 5000}')
        assert (await until(socket, "resumed"))["at_ms"] == 5_000
        await send(socket, sound(0.2))
        await until(socket, "ack")
        kinds = [type(one.payload) for one in on.publisher.events()]
        assert kinds == [AudioChunk, AudioChunk, CallHeld, CallResumed, AudioChunk]
        assert chunks(on)[-1].offset_ms == 5_000


async def test_the_second_socket_of_the_same_audio_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO) as first, on.socket(STEREO) as second:
        await said(second)
        assert await closed(first) == (4409, "another connection sends this audio now")
        await send(second, sound(0.2))
        assert (await until(second, "ack"))["sequence"] == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("encoding=OPUS", "encoding"),
        ("rate=11025", "rate"),
        ("channels=3&roles=agent,customer", "do not fit"),
        ("roles=agent,boss", "roles"),
        ("track=supervisor", "not one of the roles"),
        ("offset_ms=-1", "offset_ms"),
        ("offset_ms=99999999999999", "offset_ms"),
        ("bitrate=9", "bitrate"),
    ],
)
async def test_audio_of_another_kind_is_refused_with_a_reason(tmp_path: Path, query: str, words: str) -> None:
    async with gateway(tmp_path) as on, on.socket(f"/v1/calls/c1/audio?{query}") as socket:
        code, reason = await closed(socket)
        assert code == 4400
        assert words in reason


async def test_a_second_form_of_audio_in_one_call_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO) as first:
        await said(first)
        async with on.socket("/v1/calls/c1/audio?encoding=PCMU&rate=8000&track=agent") as second:
            code, reason = await closed(second)
            assert (code, reason[:18]) == (4400, "the call began as ")
        await send(first, sound(0.2))
        await until(first, "ack")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00" * 7, 1007),
        ("no json", 4400),
        ('{"type": "shout"}', 4400),
        ('{"type": "hold", "at_ms": -1}', 4400),
        ('{"type": "update", "call": {"tenant_id": "x"}}', 4400),
        ("x" * 20_000, 4400),
        (b"\x00" * (sockets.MAX_FRAME_BYTES + 1), 1009),
        (b"\x00" * 50_000_000, 1009),
    ],
)
async def test_a_frame_that_cannot_be_taken_closes_its_socket_alone(
    tmp_path: Path, frame: bytes | str, code: int
) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO.replace("c1", "c2")) as other, on.socket(STEREO) as socket:
        await said(socket)
        with suppress(ConnectionClosed):  # it is closed while 50 MB are still on their way
            await socket.send(frame)
        assert (await closed(socket))[0] == code
        await send(other, sound(0.2))
        await until(other, "ack")
        assert on.publisher.audio("c1") == b""


async def test_after_the_end_of_a_call_no_frame_is_taken(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on, on.socket(STEREO) as socket:
        await said(socket)
        assert (await on.post("/v1/calls/c1/end")).status_code == 200
        assert await closed(socket) == (4409, "the call has ended")
        async with on.socket(STEREO) as again:
            assert (await closed(again))[0] == 4409
        async with on.socket(STEREO, key="stranger") as theirs:
            assert (await said(theirs))["type"] == "hello"


@pytest.mark.parametrize("key", [None, "nobody", "analyst", "bob"])
async def test_who_may_not_publish_opens_no_socket(tmp_path: Path, key: str | None) -> None:
    async with gateway(tmp_path) as on:
        with pytest.raises(InvalidStatus) as found:
            async with on.socket(STEREO, key=key):
                pass
        assert found.value.response.status_code == 403


async def test_without_consent_no_audio_is_taken(tmp_path: Path) -> None:
    async with gateway(tmp_path) as on:
        await on.post("/v1/calls", {"call_id": "c1", "consent": False})
        async with on.socket(STEREO) as socket:
            assert (await closed(socket))[0] == 4409


async def test_while_kafka_is_slow_the_sender_waits_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patient(monkeypatch, 20, most_bytes=SECOND):
        async with gateway(tmp_path) as on, on.socket(STEREO) as socket:
            await said(socket)
            on.publisher.going.clear()
            audio = sound(400)  # 13 MB: more than all buffers between us
            sending = asyncio.create_task(send(socket, audio, 6_400))
            await asyncio.sleep(1.5)
            assert not sending.done()
            assert on.incoming.sessions.waiting_bytes < SECOND + 20_000
            on.publisher.going.set()
            await sending
            while (await until(socket, "ack"))["offset_ms"] < 400_000:
                pass
            assert on.publisher.audio() == audio


async def test_while_kafka_stays_away_the_socket_is_closed_and_what_it_has_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patient(monkeypatch, 0.3, most_bytes=12_800):
        async with gateway(tmp_path) as on, on.socket(STEREO) as socket:
            await said(socket)
            on.publisher.away = True
            audio = sound(0.4)
            await send(socket, audio)
            code, reason = await closed(socket)
            assert (code, reason) == (1013, "Kafka does not confirm what is written")
            on.publisher.away = False
            async with on.socket(f"{STEREO}&offset_ms=400") as again:
                assert (await said(again))["offset_ms"] == 400
                await until(again, "ack")
            assert on.publisher.audio() == audio
