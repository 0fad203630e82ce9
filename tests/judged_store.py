"""A store with calls that a person can judge, and a workbench beside it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from judged_calls import judged_insight, judged_transcript
from mined_calls import flow_state, inbound
from mined_store import Convmine, Done

from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build

CALLS = {"call-a": "c-1", "call-b": "c-1", "call-c": "c-2"}
"""The calls, each with its customer."""
Judge = Callable[..., Done]


@pytest.fixture(scope="session")
def judged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with three calls of nine items each."""
    folder = tmp_path_factory.mktemp("judged")
    asyncio.run(_mine(folder))
    return folder


@pytest.fixture
def judge(convmine: Convmine, judged_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Runs ``convmine …`` with these lines typed, on that store and a workbench with nothing in it."""
    monkeypatch.setenv("CONVMINE_STORE_PATH", str(judged_folder / "qdrant"))
    monkeypatch.setenv("CONVMINE_WORKBENCH_PATH", str(tmp_path / "workbench.sqlite"))

    def run(*arguments: str, keys: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{key}\n" for key in keys.split(" ")) if keys else ""))
        return convmine(*arguments)

    return run


async def _mine(folder: Path) -> None:
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    handler = build(store=store)
    for call_id, customer in CALLS.items():
        mined = judged_insight(call_id, customer=customer).model_copy(update={"summary": f"All about {call_id}."})
        for event in (judged_transcript(call_id, customer=customer), mined, flow_state(mined)):
            await handler(inbound(event))
    await store.close()
