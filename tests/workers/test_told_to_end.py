"""Services that are told to end before they serve: real processes, real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workers.cli import main
from workers.told_to_end import SIGNALS

LOADS_FOR_EVER = """
import time
from workers.cli import cli, main
def load(*_):
    print("loads", flush=True)
    time.sleep(60)
cli.get_command = load
main()
"""


@contextmanager
def running(code: str, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A process of this Python, ended by its id when the context is left."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CONVMINE_")} | env
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=ours, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("service", ["worker", "gateway", "dashboard", "fake-llm"])
def test_a_service_that_still_loads_ends_well_and_at_once(service: str, number: signal.Signals) -> None:
    with running(LOADS_FOR_EVER, service) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loads\n"
        process.send_signal(number)
        assert process.wait(10) == 0


def test_a_command_that_ends_by_itself_dies_of_the_signal_as_others_do() -> None:
    with running(LOADS_FOR_EVER, "demo") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loads\n"
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_a_worker_that_waits_for_kafka_at_its_start_ends_well_and_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code = "from workers.cli import main; main()"
        with running(code, "worker", "flow", CONVMINE_KAFKA_BOOTSTRAP_SERVERS=address) as process:
            silent.accept()
            process.terminate()
            assert process.wait(10) == 0


def test_who_calls_the_command_line_has_its_own_handlers_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    monkeypatch.setattr(sys, "argv", ["convmine", "worker", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert [signal.getsignal(number) for number in SIGNALS] == before
