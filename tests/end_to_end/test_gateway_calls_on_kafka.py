"""Calls come in at a gateway process, by WebSocket and as Twilio sends them, and are heard by a worker: real Kafka."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from kafka_node import free_port
from processes import CONVMINE, convmine, convmine_json, edge_of, environment_of, running, wait_until
from websockets.asyncio.client import connect

from pipeline import samples
from pipeline.asr.decode import Audio, Limits, decode
from pipeline.asr.pcm import pcm16
from pipeline.settings import KafkaSettings
from pipeline.stages import AUDIO

CALL = samples.folder() / "calls" / "call-02-family-plan.ogg"
SPEED = 4
WORDS = "calls.transcripts.live"


@dataclass(frozen=True)
class Installation:
    """A gateway and a worker of the live lane's speech recognition, on one Kafka."""

    env: dict[str, str]
    logs: Path
    url: str
    key: str

    def events(self, topic: str, call_id: str) -> list[dict[str, Any]]:
        lines = convmine("topics", "tail", topic, "--from-start", "--no-follow", "--json", env=self.env).stdout
        return [event for event in map(json.loads, lines.splitlines()) if event["key"] == f"acme:{call_id}"]

    def words(self, call_id: str, role: str) -> str:
        """What was heard of one side."""
        found = [event["value"] for event in self.events(WORDS, call_id)]
        return " ".join(one["segment"]["text"] for one in found if "segment" in one and one["segment"]["role"] == role)

    def has_ended(self, call_id: str) -> bool:
        said = edge_of(self.env).tail(WORDS, from_start=True, follow=False)
        mine = [dict(record.headers) for record in said if record.key == f"acme:{call_id}".encode()]
        return any(b"call.ended" in headers["ce_type"] for headers in mine)


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("gateway-calls")
    port = free_port()
    env = environment_of(
        KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"{folder.name}."),
        folder,
        {
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_ASR_ENGINE": "pocketsphinx",
            "CONVMINE_GATEWAY_PORT": str(port),
            "CONVMINE_GATEWAY_UPLOADS": str(folder / "uploads"),
        },
    )
    convmine("topics", "apply", env=env)
    key = convmine_json("keys", "new", "--tenant", "acme", "--scope", "publish", env=env)["key"]
    with ExitStack() as stack:
        stack.enter_context(running([*CONVMINE, "gateway"], env, folder / "gateway.log"))
        stack.enter_context(running([*CONVMINE, "worker", "asr", "--lane", "live"], env, folder / "asr.log"))
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), seconds=90, logs=folder)
        yield Installation(env, folder, url, key)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def heard(rate_hz: int, seconds: float = 25.0) -> Audio:
    """The sample call; the customer is on its first channel, the agent on its second."""
    audio = decode(CALL, sample_rate_hz=rate_hz, limits=Limits(600))
    return Audio(audio.samples[:, : round(rate_hz * seconds)], rate_hz)


async def paced(frames: list[Any], frame_ms: int) -> AsyncIterator[Any]:
    """Frames at ``SPEED`` times their pace."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, frame in enumerate(frames):
        await asyncio.sleep(max(0.0, began + number * frame_ms / 1_000 / SPEED - loop.time()))
        yield frame


@pytest.mark.timeout(400)
def test_audio_by_socket_is_heard(on: Installation) -> None:
    asyncio.run(_by_socket(on))
    wait_until(lambda: on.has_ended("socket-1"), seconds=180, logs=on.logs)
    assert "family" in on.words("socket-1", "customer") + on.words("socket-1", "agent")
    assert on.words("socket-1", "customer")
    assert on.words("socket-1", "agent")
    started = on.events(AUDIO, "socket-1")[0]
    assert (started["headers"]["ce_type"], started["value"]["call"]["agent"]) == ("io.convmine.call.started.v1", "ann")


async def _by_socket(on: Installation) -> None:
    headers = {"Authorization": f"Bearer {on.key}"}
    facts = {"call_id": "socket-1", "agent": "ann", "language": "en", "scenario": "telecom"}
    async with httpx.AsyncClient(base_url=on.url, headers=headers, timeout=30) as client:
        assert (await client.post("/v1/calls", json=facts)).status_code == 201
    audio = heard(16_000)
    raw = pcm16(audio.samples.T.ravel())
    frames = [raw[at : at + 16 * 20 * 4] for at in range(0, len(raw), 16 * 20 * 4)]
    url = on.url.replace("http", "ws") + "/v1/calls/socket-1/audio?rate=16000&roles=customer,agent"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        async for frame in paced(frames, 20):
            await socket.send(frame)
        await socket.send('{"type": "end"}')
        said = [json.loads(text) async for text in socket]
    assert said[-1] == {"type": "ended", "duration_ms": audio.duration_ms}


@pytest.mark.timeout(400)
def test_a_call_of_twilio_is_heard(on: Installation) -> None:
    asyncio.run(_by_twilio(on))
    wait_until(lambda: on.has_ended("CA7"), seconds=180, logs=on.logs)
    assert on.words("CA7", "customer")
    assert on.words("CA7", "agent")


async def _by_twilio(on: Installation) -> None:
    audio = heard(8_000)
    tracks = dict(zip(("inbound", "outbound"), map(_mu_law, audio.samples), strict=True))
    count = min(map(len, tracks.values())) // 160
    frames = [
        {
            "event": "media",
            "streamSid": "MZ7",
            "media": {
                "track": track,
                "chunk": str(number + 1),
                "timestamp": str(number * 20),
                "payload": base64.b64encode(coded[number * 160 : number * 160 + 160]).decode(),
            },
        }
        for number in range(count)
        for track, coded in tracks.items()
    ]
    start = {
        "streamSid": "MZ7",
        "callSid": "CA7",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"key": on.key, "language": "en", "scenario": "telecom"},
    }
    async with connect(on.url.replace("http", "ws") + "/v1/adapters/twilio", proxy=None) as socket:
        await socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await socket.send(json.dumps({"event": "start", "start": start}))
        async for frame in paced(frames, 10):
            await socket.send(json.dumps(frame))
        await socket.send(json.dumps({"event": "stop"}))
        await socket.wait_closed()
        assert socket.close_code == 1000


def _mu_law(samples: Any) -> bytes:
    """Samples as µ-law (ITU-T G.711): the size in eight segments, each of twice the last's step, all bits turned."""
    size = np.minimum(np.abs(samples) * 32_768, 32_635).astype(int) + 0x84
    segment = np.floor(np.log2(size)).astype(int) - 7
    code = np.where(samples < 0, 0x80, 0) | segment << 4 | (size >> (segment + 3)) & 0x0F
    return bytes((~code & 0xFF).astype(np.uint8))


@pytest.mark.timeout(300)
def test_without_kafka_the_gateway_starts_and_says_so(tmp_path: Path) -> None:
    port, nobody = free_port(), free_port()
    nowhere = KafkaSettings(bootstrap_servers=f"127.0.0.1:{nobody}")
    env = environment_of(nowhere, tmp_path, {"CONVMINE_GATEWAY_PORT": str(port)})
    key = convmine_json("keys", "new", "--tenant", "acme", "--scope", "publish", env=env)["key"]
    url = f"http://127.0.0.1:{port}"
    with running([*CONVMINE, "gateway"], env, tmp_path / "gateway.log"):
        wait_until(lambda: _answers(url), seconds=90, logs=tmp_path)
        answer = httpx.post(f"{url}/v1/calls", json={}, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
