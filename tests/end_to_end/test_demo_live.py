"""``convmine demo --live`` as somebody runs it who has just installed: one command, one address, and advice in time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsers import browser_page, picture
from processes import CONVMINE, convmine, environment

WITHIN_S = 60.0
ROOMS = (
    "/v1/operations/stages",
    "/v1/operations/cost",
    "/v1/titles/telecom?language=zh",
    "/v1/flow/telecom/drawing",
    "/v1/calls/call-01-price-saved",
    "/v1/calls/call-01-price-saved/audio",
    "/v1/workbench/scenarios",
    "/v1/workbench/history?scenario=telecom&language=en",
)
ADDRESS = re.compile(r"https?://\S+")


@contextmanager
def demo(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command, in a process group of its own as in a terminal."""
    command = [*CONVMINE, "demo", "--live", "--port", "0", "--no-open"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, process_group=0)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def printed(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that it prints."""
    async with asyncio.timeout(WITHIN_S):
        while (found := ADDRESS.search(told(log))) is None:
            assert process.poll() is None, told(log)
            await asyncio.sleep(0.1)
    return found[0]


def told(log: Path) -> str:
    """All that it has said."""
    return log.read_text()


@pytest.mark.timeout(240)
async def test_the_page_is_up_and_advises_within_a_minute_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    env = environment({"CONVMINE_STORE_PATH": str(tmp_path / "qdrant")})
    log, began = tmp_path / "demo.log", time.monotonic()
    async with browser_page(viewport={"width": 1360, "height": 820}, locale="en-GB") as page:
        page.set_default_timeout(WITHIN_S * 1_000)
        with demo(env, log) as process:
            address = await printed(process, log)
            listens_s = time.monotonic() - began
            await page.goto(address)
            await page.wait_for_selector(".suggestion .title:not(:empty)", state="visible")
            advised_s = time.monotonic() - began
            print(f"page up after {listens_s:.1f} s, first suggestion on it after {advised_s:.1f} s")  # noqa: T201 - with -s
            await picture(page, "demo-live-first-suggestion", tmp_path)
            await _answers(page)
            await _all_rooms_answer(page, address.partition("/sign-in")[0])
            in_use = await asyncio.to_thread(convmine, "calls", "list", env=env, check=False)
            assert in_use.returncode == 1
            assert "in use by another process" in in_use.stderr
            os.killpg(process.pid, signal.SIGINT)
            assert await asyncio.to_thread(process.wait, 20) == 0, told(log)
    assert advised_s < WITHIN_S
    assert "Traceback" not in told(log)
    assert "playing" in told(log)


async def _answers(page: Any) -> None:
    """What stands on the screen is taken by its key, and the desk says so."""
    await page.wait_for_timeout(1_500)
    await page.keyboard.press("a")
    await page.wait_for_selector(".suggestion .good:has-text('✓')")


async def _all_rooms_answer(page: Any, url: str) -> None:
    """What each page asks is there, of live calls and of those before; and the answer has been counted."""
    for path in ROOMS:
        answer = await page.request.get(url + path)
        assert answer.status == 200, (path, await answer.text())
    floor = await (await page.request.get(f"{url}/v1/floor")).json()
    assert "you" in {line["agent"] for line in floor["calls"]}
    async with asyncio.timeout(WITHIN_S):
        while not await _accepted(page, url):  # noqa: ASYNC110 - another process says nothing when it has counted
            await asyncio.sleep(0.5)


async def _accepted(page: Any, url: str) -> int:
    cards = await (await page.request.get(f"{url}/v1/workbench/cards?scenario=telecom&language=en")).json()
    return sum(card["figures"]["accepted"] for card in cards["items"] if card["figures"])


def test_a_taken_port_is_told_in_one_line_and_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    env = environment({"CONVMINE_STORE_PATH": str(tmp_path / "qdrant")})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = convmine("demo", "--live", "--port", str(taken.getsockname()[1]), "--no-open", env=env, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "CONVMINE_DASHBOARD_PORT: cannot listen" in done.stderr
    for arguments in (["--live", "--json"], ["--live", "--no-samples"], ["--port", "0"], ["--no-open"]):
        assert convmine("demo", *arguments, env=env, check=False).returncode == 2
