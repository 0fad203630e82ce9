"""How an SQLite file of ours begins, whichever of several processes is the first."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory


def begin(path: Path, tables: str) -> None:
    """Let the file appear with its tables and in the mode of the write-ahead log: to switch fails while others open it.

    It is readable by its owner alone, and so is the log, which SQLite gives the mode of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        made = Path(folder, path.name)
        made.touch(0o600)
        with closing(sqlite3.connect(made)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(tables)
        with suppress(FileExistsError):  # another process was quicker
            os.link(made, path)
