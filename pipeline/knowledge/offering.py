"""What is offered to the knowledge base: the files of a folder, one file, or the web pages of a list."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.knowledge.adding import Added, Offered
from pipeline.knowledge.page import MOST_BYTES
from pipeline.knowledge.reading import READERS

_MOST_FILES: Final = 20_000
_MOST_LIST_BYTES: Final = 1_000_000
_URL_STARTS: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose files are documents; ``name`` stands before their names, so that they are told from others'."""

    path: Path
    name: str

    @property
    def prefix(self) -> str:
        """How the source of each of its documents starts."""
        return f"{self.name}/"


def of_folder(folder: Folder) -> Iterator[Offered | Added]:
    """Its documents in the order of their names, those in folders below it, too; and those that are refused.

    Files and folders whose name starts with a dot, and files of other formats, are passed over. A link is followed
    where it leads to a file in the folder; one that leads out of it is refused.

    Raises:
        ConvmineError: it has too many files.
    """
    root = folder.path.resolve()
    for number, path in enumerate(_files(folder.path)):
        if number >= _MOST_FILES:
            raise ConvmineError(f"{folder.path} has more than {_MOST_FILES:,} documents")
        source = folder.prefix + path.relative_to(folder.path).as_posix()
        if not path.resolve().is_relative_to(root):
            yield Added(source, "failed", reason="it is a link that leads out of the folder")
        else:
            yield of_file(path, source)


def of_file(path: Path, source: str) -> Offered | Added:
    """One file, or why it cannot be read."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return Added(source, "failed", reason="it is no file")
        if facts.st_size > MOST_BYTES:
            return Added(source, "failed", reason=f"it has {facts.st_size:,} bytes, and {MOST_BYTES:,} are the most")
        return Offered(source, path.read_bytes())
    except OSError as error:
        return Added(source, "failed", reason=f"it cannot be read: {error.strerror or error}")


def urls_in(path: Path) -> tuple[str, ...]:
    """The addresses of a text file that has one a line and nothing else but notes after ``#``; else none."""
    try:
        if path.suffix.lower() != ".txt" or path.stat().st_size > _MOST_LIST_BYTES:
            return ()
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        return ()
    said = [line for line in lines if line and not line.startswith("#")]
    return tuple(dict.fromkeys(said)) if all(line.lower().startswith(_URL_STARTS) for line in said) else ()


def _files(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            if not name.startswith(".") and path.suffix.lower() in READERS:
                yield path
