"""Worker processes of one installation: started, killed, frozen, woken and told to leave, each by its process id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import CONVMINE

from pipeline.stages import STAGES

Launch = Callable[[str, str], Sequence[str]]
ALL = "all"
_STARTED = '"worker started"'


def convmine_worker(stage: str, lane: str) -> Sequence[str]:
    """The command of a worker, as an operator types it."""
    return [*CONVMINE, "worker", stage, "--lane", lane]


@dataclass(eq=False)
class Worker:
    """One process of a stage, or of ``all``; ``expected`` is the exit code that was asked for, None to go on."""

    stage: str
    lane: str
    log: Path
    process: subprocess.Popen[bytes]
    expected: int | None = None
    frozen: bool = False

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    @property
    def can_be_told(self) -> bool:
        """Whether SIGTERM reaches its code: Python that still starts has no handler, and dies of it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    @property
    def started(self) -> bool:
        """Whether all of its stages have connected and asked for partitions."""
        stages = sum(str(stage.lane) == self.lane and self.stage in {ALL, stage.name} for stage in STAGES)
        return self.log.read_text().count(_STARTED) == stages


class Fleet:
    """The workers that were started, the dead ones too."""

    def __init__(self, env: Mapping[str, str], folder: Path, launch: Launch = convmine_worker) -> None:
        self._env = env
        self._folder = folder
        self._launch = launch
        self.workers: list[Worker] = []

    def start(self, stage: str, lane: str, **env: str) -> Worker:
        """One worker more, with these changes to its environment."""
        log = self._folder / f"{stage}-{lane}-{len(self.workers):02}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._launch(stage, lane),
                env={**self._env, **env},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(Worker(stage, lane, log, process))
        return self.workers[-1]

    def of(self, stage: str, lane: str) -> list[Worker]:
        """The workers of a stage that run, are not frozen and were not told to leave, oldest first."""
        mine = [one for one in self.workers if (one.stage, one.lane) == (stage, lane)]
        return [one for one in mine if one.runs and one.expected is None and not one.frozen]

    def kill(self, worker: Worker) -> None:
        """``kill -9``: it has no time for anything."""
        worker.expected = -signal.SIGKILL
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()

    def freeze(self, worker: Worker) -> None:
        """It stands still until it is woken."""
        worker.frozen = True
        os.killpg(worker.process.pid, signal.SIGSTOP)

    def wake(self, worker: Worker) -> None:
        """It goes on where it stood, and knows nothing of the time between."""
        os.killpg(worker.process.pid, signal.SIGCONT)
        worker.frozen = False

    def leave(self, worker: Worker) -> None:
        """It is asked to finish what it has in hand and to go."""
        worker.expected = 0
        worker.process.send_signal(signal.SIGTERM)

    def wait_started(self, seconds: float = 120.0) -> None:
        """Wait until every worker that runs has started."""
        deadline = time.monotonic() + seconds
        while waiting := [one.name for one in self.workers if one.runs and not one.started]:
            assert time.monotonic() < deadline, f"not started within {seconds} s: {waiting}\n{self.ends()}"
            assert not self.surprises, f"{self.surprises}\n{self.ends()}"
            time.sleep(0.2)

    @property
    def surprises(self) -> dict[str, int]:
        """The exit codes of the workers that ended by themselves, or in another way than they were asked to."""
        codes = {one: one.process.poll() for one in self.workers}
        return {one.name: code for one, code in codes.items() if code is not None and code != one.expected}

    def ends(self, characters: int = 2_000) -> str:
        """The ends of the logs, for people."""
        return "\n".join(f"--- {one.name}\n{one.log.read_text()[-characters:]}" for one in self.workers)

    def stop(self, seconds: float = 60.0) -> None:
        """Tell all to leave, and wait; who is not gone in time is killed, which ``surprises`` tells."""
        running = [one for one in self.workers if one.runs]
        for worker in running:
            if worker.frozen:
                self.wake(worker)
            self.leave(worker)
        deadline = time.monotonic() + seconds
        for worker in running:
            try:
                worker.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(worker.process.pid, signal.SIGKILL)
                worker.process.wait()


@contextmanager
def fleet(env: Mapping[str, str], folder: Path, launch: Launch = convmine_worker) -> Iterator[Fleet]:
    """A fleet whose last worker has ended when the context is left."""
    workers = Fleet(env, folder, launch)
    try:
        yield workers
    finally:
        workers.stop()
