"""The dashboard as a process: it listens, lets people in by their keys, drains, and says why it cannot start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mined_store import Convmine

COMMAND = [sys.executable, "-c", "from workers.cli import main; main()", "dashboard"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a dashboard that collides with nobody's."""
    monkeypatch.setenv("CONVMINE_GATEWAY_KEYS", str(tmp_path / "keys.json"))
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "hashing")
    monkeypatch.setenv("CONVMINE_STORE_PATH", str(tmp_path / "qdrant"))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    return tmp_path


def served(env: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A dashboard that runs: its address, and its process."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"], process
        finally:
            process.kill()


def test_people_sign_in_with_keys_see_the_pages_without_kafka_and_the_process_drains(
    convmine: Convmine, place: Path
) -> None:
    key = convmine("keys", "new", "--scope", "supervisor", "--name", "Kim").stdout.strip()
    with socket.create_server(("127.0.0.1", 0)) as free:
        probes = free.getsockname()[1]
    for url, process in served({**os.environ, "CONVMINE_RUNTIME_HTTP_PORT": str(probes)}):
        with httpx.Client(base_url=url) as browser:
            assert "<title>" in browser.get("/desk").text
            assert browser.get("/v1/me").status_code == 401
            assert browser.post("/session", json={"key": "cmk_wrong"}).status_code == 401
            assert browser.post("/session", json={"key": key}).status_code == 204
            me = browser.get("/v1/me").json()
            assert (me["name"], me["roles"]) == ("Kim", ["supervisor"])
            assert browser.get("/v1/live").json()["items"] == []
            assert browser.post("/v1/questions", json={"kind": "query"}).status_code in {401, 403}, "no site says so"
            with browser.stream("GET", "/v1/streams", params={"of": "alerts"}, timeout=10) as stream:
                assert "away" in next(line for line in stream.iter_lines() if line.startswith("data: "))
        assert "convmine_gateway_requests_total" in httpx.get(f"http://127.0.0.1:{probes}/metrics").text
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=40)
        assert process.returncode == 0
        assert key not in log
        assert "Traceback" not in log
    assert (place / "qdrant").is_dir()


def test_a_dashboard_that_cannot_start_says_which_setting_is_wrong(
    convmine: Convmine, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del place
    done = convmine("dashboard", "--port", "0")
    assert (done.code, done.stdout) == (78, "")
    assert "CONVMINE_GATEWAY_KEYS: there is no file" in done.stderr
    convmine("keys", "new", "--scope", "admin")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = convmine("dashboard", "--port", str(taken.getsockname()[1]))
    assert done.code == 78
    assert "CONVMINE_DASHBOARD_PORT: cannot listen" in done.stderr
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    done = convmine("dashboard", "--port", "0")
    assert (done.code, done.stdout, done.stderr.count("\n")) == (75, "", 1)
