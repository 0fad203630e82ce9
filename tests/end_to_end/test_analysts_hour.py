"""The commands of docs/questions.md, typed as they stand there, over the sample calls and two thousand made-up ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kafka_node import free_port

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Each block is told apart by a line before its output; what it starts in the background ends with the shell.
SCRIPT = """set -euo pipefail
trap 'kill $(jobs -p)' EXIT
{blocks}
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the blocks of the page printed, in their order, typed into one shell."""
    folder = tmp_path_factory.mktemp("hour")
    blocks = BLOCK.findall(PAGE.read_text())
    script = SCRIPT.format(blocks="\n".join(f"echo '=== {number}'\n{block}" for number, block in enumerate(blocks)))
    for port in ("8700", "8701"):
        script = script.replace(port, str(free_port()))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return re.split(r"^=== \d+\n", done.stdout, flags=re.MULTILINE)[1:]


def _environment(folder: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONVMINE_", "QDRANT_", "OPENAI_"))
    }
    binaries = folder / "bin"
    binaries.mkdir()
    (binaries / "convmine").write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from workers.cli import main; main()" "$@"\n'
    )
    (binaries / "convmine").chmod(0o755)
    return {
        **kept,
        "HOME": str(folder),
        "PATH": f"{binaries}:{kept['PATH']}",
        "PYTHONPATH": str(PAGE.parents[1]),
        "CONVMINE_STORE_EMBEDDER": "hashing",
    }


@pytest.mark.timeout(900)
def test_every_command_of_the_page_works_as_typed(outputs: list[str]) -> None:
    assert len(outputs) == len(BLOCK.findall(PAGE.read_text()))


def test_what_is_hidden_in_the_made_up_calls_is_found(outputs: list[str]) -> None:
    said = "\n".join(outputs)
    assert re.search(r"competitor_offer.*rising", said)
    assert "loyalty discount" in said
