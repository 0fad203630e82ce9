"""The compiler of TypeScript: that of the machine, or one of npm's in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is."""
    if found := shutil.which("tsc"):
        return Path(found)
    folder = tmp_path_factory.mktemp("tsc")
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(folder), "typescript@^5.9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-200:]
    return folder / "node_modules" / ".bin" / "tsc"
