from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    code = "from workers.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "fake-llm", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_answers_and_ends_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("- {answer: text, text: hi}")
    with command("--json", "--script", str(tmp_path / "script.yaml")) as process:
        assert process.stdout is not None
        base_url = json.loads(process.stdout.readline())["base_url"]
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        answer = httpx.post(base_url + "/chat/completions", json=body).json()
        assert answer["choices"][0]["message"]["content"] == "hi"
        process.send_signal(number)
        assert process.wait(10) == 0


def test_a_wrong_script_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("- {answer: shrug}")
    with command("--script", str(tmp_path / "script.yaml")) as process:
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 2
    assert "steps.0" in said


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with command("--port", str(port)) as process:
            said = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said
