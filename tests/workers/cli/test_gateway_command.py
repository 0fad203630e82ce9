"""The gateway as a process, and the command line that asks it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from mined_calls import TENANT, flow_state, inbound, insight, transcript
from mined_store import Convmine

from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build

SEARCH = ("search", "worried about the price", "--role", "customer")
SHOW = ("calls", "show", "call-two")


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that runs, with keys for it."""

    url: str
    process: subprocess.Popen[str]
    keys: dict[str, str]
    probes: str


@pytest.fixture
def served(convmine: Convmine, mined_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    shutil.copytree(mined_folder / "qdrant", tmp_path / "qdrant")
    monkeypatch.setenv("CONVMINE_GATEWAY_KEYS", str(tmp_path / "keys.json"))
    keys = {
        "acme": convmine("keys", "new", "--scope", "analyst").stdout.strip(),
        "other": convmine("keys", "new", "--scope", "analyst", "--tenant", "umbrella").stdout.strip(),
    }
    command = [sys.executable, "-c", "from workers.cli import main; main()", "gateway", "--port", "0", "--json"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "CONVMINE_RUNTIME_HTTP_PORT": str(port),
        "CONVMINE_STORE_PATH": str(tmp_path / "qdrant"),
        "CONVMINE_STORE_EMBEDDER": "hashing",
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield Served(json.loads(process.stdout.readline())["url"], process, keys, f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def test_the_command_line_prints_through_the_gateway_what_it_prints_without(
    served: Served, analyst: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    directly = [analyst(*command) for command in (SEARCH, SHOW, ("query", "--json"), ("calls", "show", "call-tow"))]
    monkeypatch.setenv("CONVMINE_GATEWAY_URL", served.url)
    monkeypatch.setenv("CONVMINE_GATEWAY_KEY", served.keys["acme"])
    through = [analyst(*command) for command in (SEARCH, SHOW, ("query", "--json"), ("calls", "show", "call-tow"))]
    assert through == directly
    assert [done.code for done in through] == [0, 0, 0, 1]

    monkeypatch.setenv("CONVMINE_GATEWAY_KEY", served.keys["other"])
    assert "no call named 'call-two'" in analyst(*SHOW).stderr
    monkeypatch.setenv("CONVMINE_GATEWAY_KEY", "cmk_wrong")
    wrong = analyst(*SEARCH)
    assert (wrong.code, wrong.stderr.count("\n")) == (1, 1)
    assert "does not know this key" in wrong.stderr

    assert 'convmine_gateway_requests_total{method="POST",page="/v1/questions",status="200"}' in _metrics(served)
    assert httpx.get(f"{served.url}/readyz").json() == {"status": "ready"}
    served.process.send_signal(signal.SIGTERM)
    _, log = served.process.communicate(timeout=30)
    assert served.process.returncode == 0
    assert not any(secret in log for secret in ("worried", *served.keys.values()))
    away = analyst(*SEARCH)
    assert (away.code, "does not answer" in away.stderr) == (1, True)


def _metrics(served: Served) -> str:
    return httpx.get(f"{served.probes}/metrics").text


def test_without_a_key_the_command_line_says_where_there_are_some(
    analyst: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_GATEWAY_URL", "http://127.0.0.1:9")
    done = analyst(*SEARCH)
    assert done.code == 1
    assert done.stderr.startswith("convmine: CONVMINE_GATEWAY_KEY: is not set (")


def test_calls_of_several_tenants_are_not_shown_without_the_gateway(convmine: Convmine, tmp_path: Path) -> None:
    async def mine(tenant: str) -> None:
        store = QdrantStore(Folder(tmp_path / "qdrant"), InThread(HashingEncoder()))
        await store.prepare()
        found = insight("call-one")
        for event in (transcript("call-one"), found, flow_state(found)):
            await build(store=store)(inbound(event, tenant=tenant))
        await store.close()

    asyncio.run(mine(TENANT))
    assert convmine(*SEARCH).code == 0
    asyncio.run(mine("umbrella"))
    done = convmine(*SEARCH)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "calls of several tenants are stored here: ask through the gateway" in done.stderr


def test_a_gateway_that_cannot_start_says_which_setting_is_wrong(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_GATEWAY_KEYS", str(tmp_path / "keys.json"))
    done = convmine("gateway", "--port", "0")
    assert (done.code, done.stdout) == (78, "")
    assert "CONVMINE_GATEWAY_KEYS: there is no file" in done.stderr
    convmine("keys", "new", "--scope", "admin")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = convmine("gateway", "--port", str(taken.getsockname()[1]))
    assert done.code == 78
    assert "CONVMINE_GATEWAY_PORT: cannot listen" in done.stderr
