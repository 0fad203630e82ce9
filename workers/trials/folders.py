"""Folders tried: what we write can be written, and there is room."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.settings import Settings
from workers.diagnosis import Finding
from workers.trials.trial import tried

_ROOM_BYTES: Final = 1_000_000_000
"""An hour of stereo recordings as they are decoded; with less a worker soon stops."""


def try_folders(settings: Settings) -> Iterator[Finding]:
    """The folders that grow with the calls: claims, temporary files, and the local store where that is used."""
    named = {"claims": settings.claims.root, "temporary files": Path(tempfile.gettempdir())}
    if settings.store.url is None:
        named["local store"] = settings.store.path
    for name, folder in named.items():
        yield tried(f"folder of {name}", (), partial(_written, folder))


def _written(folder: Path) -> str:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            file.write(b"doctor")
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise ConvmineError(f"{there} cannot be written: {error.strerror}") from error
    if free < _ROOM_BYTES:
        raise ConvmineError(f"{there} has {free / 1e9:.1f} GB left", hint="make room, or set another folder")
    return f"{there} can be written, {free / 1e9:.0f} GB free"
