"""Files of rows, one to a line, as people give them to the workbench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import ConvmineError


def numbered_lines(path: Path, unreadable: type[ConvmineError]) -> Iterator[tuple[int, str]]:
    """The lines with something on them, with their numbers.

    Raises:
        ConvmineError: of the class that is given: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise unreadable(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise unreadable(f"{path} is not UTF-8") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())
