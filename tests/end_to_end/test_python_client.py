"""The Python client, driven by a program outside the repository's environment: its own venv, its own process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from client_readme import CLIENT, program
from mined_calls import TENANT
from processes import convmine_json, environment, served


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the client, from its wheel, and what it needs; nothing of this repository."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(CLIENT, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    python = folder / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "build", "--wheel", "--out-dir", str(folder / "wheel"), str(folder / "source")],
        [*uv, "venv", "--python", sys.executable, str(folder / "venv")],
    ):
        subprocess.run(command, check=True, capture_output=True)
    (wheel,) = (folder / "wheel").glob("*.whl")
    subprocess.run([*uv, "pip", "install", "--python", str(python), str(wheel)], check=True, capture_output=True)
    return python


def test_a_program_elsewhere_searches_aggregates_and_reads_calls(
    python: Path, mined_folder: Path, tmp_path: Path
) -> None:
    keys, log = tmp_path / "keys.json", tmp_path / "gateway.log"
    settings = {
        "CONVMINE_STORE_PATH": str(mined_folder / "qdrant"),
        "CONVMINE_STORE_EMBEDDER": "hashing",
        "CONVMINE_TENANT": TENANT,
        "CONVMINE_GATEWAY_KEYS": str(keys),
    }
    env = environment(settings)
    key = convmine_json("keys", "new", "--scope", "analyst", env=env)["key"]
    with served("gateway", env, log, seconds=30) as (url, _):
        clean = {"PATH": os.environ["PATH"], "CONVMINE_GATEWAY_URL": url, "CONVMINE_GATEWAY_KEY": key}

        def said(source: str) -> list[str]:
            command = [str(python), "-I", "-c", source]
            done = subprocess.run(command, env=clean, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()

        found = said(program("from convmine_client import Client, at_least, equal"))
        assert "call-one 5000 I am worried about the price of my plan" in found
        assert {"price_concern 2", "cancel_contract 2"} <= set(found)
        assert "call-two The customer worries and cancels." in found
        awaited = said(program("from convmine_client import AsyncClient, NotFound"))
        assert awaited.count("price_concern worried about the price") == 2
        assert awaited[-1].startswith("no call named 'no such call'")
        assert said(
            "import importlib.util as u; print([u.find_spec(n) for n in ('schemas', 'pipeline', 'pydantic')])"
        ) == ["[None, None, None]"]
