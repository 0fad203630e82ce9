"""The command line as a person runs it, on a store with two mined calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mined_calls import TENANT, TURNS, feedback, flow_state, inbound, insight, outcome, suggestion, transcript

from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from schemas.suggestion import FeedbackKind
from schemas.wire import Role
from workers.cli import main

STEERING = "\x1b[31mI want [bold]cheaper[/bold] plans\x1b[0m"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it wrote into its two pipes."""

    code: int
    stdout: str
    stderr: str


Convmine = Callable[..., Done]


@pytest.fixture
def convmine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convmine:
    """Runs ``convmine …`` as its entry point does, on a store with nothing in it."""
    return _runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def analyst(mined_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convmine:
    """The same, on a store with two mined calls."""
    return _runner(mined_folder, monkeypatch, capsys)


@pytest.fixture(scope="session")
def mined_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with two mined calls."""
    folder = tmp_path_factory.mktemp("mined")
    asyncio.run(_mine(folder))
    return folder


async def _mine(folder: Path) -> None:
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    handler = build(store=store)
    for call_id, turns in (("call-one", TURNS), ("call-two", (*TURNS, (Role.CUSTOMER, STEERING)))):
        mined = insight(call_id)
        for event in (transcript(call_id, turns), mined, flow_state(mined), suggestion(call_id)):
            await handler(inbound(event))
    await handler(inbound(outcome("call-two")))
    await handler(inbound(feedback("call-two", FeedbackKind.ACCEPTED)))
    await store.close()


def _runner(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convmine:
    for variable in os.environ:
        if variable.startswith(("CONVMINE_", "QDRANT_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("CONVMINE_STORE_PATH", str(folder / "qdrant"))
    monkeypatch.setenv("CONVMINE_AUDIT_PATH", str(folder / "audit.sqlite"))
    monkeypatch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(folder / "usage.sqlite"))
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "hashing")
    monkeypatch.setenv("CONVMINE_TENANT", TENANT)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["convmine", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Done(code, *capsys.readouterr())

    return run
