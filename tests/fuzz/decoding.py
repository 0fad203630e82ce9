"""A child that decodes, asked file by file: what each cost and gave, and which one it crashed or hung on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST_SECONDS = 10.0
MOST_BYTES = 500_000_000
_PATIENCE_S = 30.0
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one file. ``said`` starts with ``audio``, ``poison`` or what is wrong."""

    said: str
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def fault(self) -> str | None:
        """What is wrong with it, if something is."""
        if not self.said.startswith(("audio", "poison")):
            return self.said
        if self.seconds > MOST_SECONDS:
            return f"took {self.seconds:.1f} s"
        if self.peak_bytes > MOST_BYTES:
            return f"took {self.peak_bytes / 1e6:.0f} MB"
        return None


class Decoder:
    """Holds the child, and begins another one where it ended."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def answer(self, path: Path) -> Answer:
        """Let the child decode a file."""
        child, patience_s = self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{path}\n")
        child.stdin.flush()
        ready, _, _ = select.select([child.stdout], [], [], patience_s)
        line = child.stdout.readline() if ready else ""
        if not line:
            return Answer(self._ended(child, "crashed" if ready else f"hung for {patience_s:.0f} s"))
        seconds, peak, said = line.rstrip("\n").split("\t", 2)
        found = Answer(said, float(seconds), int(peak))
        if found.fault:  # the peak of a process never sinks
            self.close()
        return found

    def close(self) -> None:
        """End the child and what it started."""
        if self._child is not None:
            self._ended(self._child, "")

    def _started(self) -> tuple[subprocess.Popen[str], float]:
        if self._child is not None:
            return self._child, _PATIENCE_S
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "decoding_child.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libmpg123 has much to say
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            process_group=0,
        )
        return self._child, _START_S

    def _ended(self, child: subprocess.Popen[str], how: str) -> str:
        self._child = None
        try:
            status = child.wait(1 if how == "crashed" else 0)
        except subprocess.TimeoutExpired:
            status = 0
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            pipe.close()
        return f"{how}: {signal.Signals(-status).name}" if status < 0 else f"{how} {status or ''}".rstrip()
