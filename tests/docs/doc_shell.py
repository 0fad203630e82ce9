"""A page's commands in one shell, as somebody types them who has just cloned the repository."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from doc_pages import ROOT, Block
from kafka_node import free_port

_NOT_COPIED: Final = frozenset({".git", ".venv", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"})
_MARK: Final = "=== block"
_PORTS: Final = ("8090",)
_CONVMINE: Final = f'#!/bin/sh\nexec {sys.executable} -c "from workers.cli import main; main()" "$@"\n'


def checkout(folder: Path) -> Path:
    """A folder that looks like a clone in which `scripts/environment local` has run: its environment is ours."""
    place = folder / "convmine"
    place.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in _NOT_COPIED:
            (place / entry.name).symlink_to(entry)
    binaries = place / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    (binaries / "convmine").write_text(_CONVMINE)
    (binaries / "convmine").chmod(0o755)
    (binaries / "activate").write_text(f'PATH="{binaries}:$PATH"\nexport PATH\n')
    locks = (ROOT / "requirements" / "local.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    (place / ".venv" / ".convmine-local").write_text(hashlib.sha256(locks).hexdigest()[:16] + "\n")
    return place


def typed(blocks: Sequence[Block], place: Path, *, timeout_s: float) -> list[str]:
    """What each block printed; all of them are typed into one shell, and what they left running is ended with it.

    A port of the page is another one here, and is told by the page's number again.
    """
    script = "set -euo pipefail\n" + "".join(f"echo '{_MARK}'\n{block.code}" for block in blocks)
    ports = {port: str(free_port()) for port in _PORTS}
    for port, free in ports.items():
        script = script.replace(port, free)
    log = place / "typed.log"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=place,
            env=_environment(place),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            status = shell.wait(timeout_s)
        finally:
            _end(shell.pid)
            shell.wait()
    said = log.read_text(encoding="utf-8")
    for port, free in ports.items():
        said = said.replace(free, port)
    assert status == 0, said[-4_000:]
    return re.split(rf"^{_MARK}\n", said, flags=re.MULTILINE)[1:]


def _end(group: int) -> None:
    """End the shell and what it started in the background: they are one process group, which we made."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment(place: Path) -> dict[str, str]:
    ours = ("CONVMINE_", "QDRANT_", "OPENAI_", "KAFKA_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "HOME": str(place.parent), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def missing(expected: str, said: str) -> list[str]:
    """The lines of a page's output that were not printed; figures may differ, and so may where lines are broken.

    A line that begins with an ellipsis stands for others; an ellipsis inside one for words.
    """
    have = _loosely(said)
    pieces = [
        piece for line in expected.splitlines() if not line.startswith("…") for piece in _loosely(line).split("…")
    ]
    return [piece for piece in pieces if piece.strip() and piece.strip() not in have]


def _loosely(text: str) -> str:
    """Without figures, bars and line breaks; words that were given once (of an address) count as such."""
    return " ".join(re.sub(r"\d[\d:.,-]*", "0", re.sub(r"[━█┃│─]+", " ", text)).split())
