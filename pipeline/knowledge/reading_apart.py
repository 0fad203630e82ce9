"""Documents read in a process of their own, which may take so much time and memory and no more.

A PDF can be made to keep its reader busy for hours, and a DOCX to fill the memory; then that process is ended, and the
next document gets a new one.
"""

from __future__ import annotations

import multiprocessing
import resource
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Final, Self

from pipeline.errors import Config, ConvmineError, Poison
from pipeline.knowledge.page import Page
from pipeline.knowledge.reading import APART, read

LONGEST_S: Final = 60.0
"""Seconds for one document; a PDF of 1,000 pages takes some 30."""
_MOST_MEMORY: Final = 2_000_000_000
"""Bytes of memory of the process that reads."""


class ReadApart:
    """Reads one document after the other; formats that are read line by line are read here, others apart.

    Args:
        longest_s: seconds for a document.
    """

    def __init__(self, *, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._child: tuple[BaseProcess, Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def read(self, ending: str, data: bytes) -> Page:
        """The document; blocks until it is read.

        Raises:
            Config: the package that reads this format is not installed.
            Poison: it cannot be read, or takes too long or too much memory.
        """
        if ending not in APART:
            return read(ending, data)
        _, pipe = self._child or self._start()
        try:
            pipe.send((ending, data))
            answer = pipe.recv() if pipe.poll(self._longest_s) else None
        except (EOFError, OSError):  # the system has ended it
            self.end()
            raise Poison("it could not be read within the memory that a document may take") from None
        if answer is None:
            self.end()
            raise Poison(f"it could not be read within {self._longest_s:.0f} s")
        if isinstance(answer, Poison):
            raise answer
        if isinstance(answer, tuple):
            setting, expected, hint = answer
            raise Config(setting, expected, hint=hint)
        assert isinstance(answer, Page)
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        if self._child is not None:
            process, pipe = self._child
            self._child = None
            pipe.close()
            process.kill()
            process.join()

    def _start(self) -> tuple[BaseProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._child = process, ours
        return self._child


def _serve(pipe: Connection) -> None:
    """Read what comes, until the other side goes."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            pipe.send(_answer(*pipe.recv()))


def _answer(ending: str, data: bytes) -> Page | Poison | tuple[str, str, str | None]:
    """The page, or why there is none; a ``Config`` cannot be pickled, and goes as what it is made of."""
    try:
        return read(ending, data)
    except MemoryError:
        return Poison("it could not be read within the memory that a document may take")
    except Config as error:
        return error.setting, error.expected, error.hint
    except ConvmineError as error:
        return Poison(error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - a fault of a reader on a strange file is that file's, and others go on
        return Poison(f"it could not be read: {type(error).__name__}")
