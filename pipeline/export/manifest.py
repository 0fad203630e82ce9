"""Which batches of Parquet files a tenant's folder consists of: one small file, replaced in one step.

::

    <path>/<tenant>/manifest.json       what counts; files that it does not name do not exist
                    00000007-3f2a9c…/   a batch: calls.parquet, utterances.parquet, … and held.parquet
                    costs-3f2a9c….parquet
                    lock

A batch holds calls whole: all rows of each call that it holds. Of a call, the rows of the newest batch that holds it
count. ``held.parquet`` has those calls, each with how many rows it has in each table.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.blobs.names import segment_of
from pipeline.export.tables import STORED, TABLES

HELD: Final = "held"
_FILE: Final = "manifest.json"
_LOCK: Final = "lock"


class Batch(BaseModel):
    """Some calls, whole: ``number`` says which batch is newer, ``rows`` are those of all its tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    folder: str
    calls: int
    rows: int


class Manifest(BaseModel):
    """What counts; ``mark`` is when the store was last looked at for what is new (seconds), less the overlap.

    ``shape`` tells files with other columns apart, ``costs`` names the file of what language models used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: str
    mark: int
    batches: tuple[Batch, ...]
    costs: str


class TenantFolder:
    """The folder of one tenant, which nobody else's calls are ever in; readable by its owner alone."""

    def __init__(self, path: Path, tenant_id: str) -> None:
        self.path = (path / segment_of(tenant_id)).absolute()
        self.lock = self.path / _LOCK

    def prepare(self) -> None:
        """Make it where it is not there."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)

    def read(self) -> Manifest | None:
        """The manifest; None where there is none, or one that was written with other columns."""
        try:
            found = Manifest.model_validate_json((self.path / _FILE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return found if found.shape == SHAPE else None

    def commit(self, manifest: Manifest) -> None:
        """From now on this counts, and what it does not name is deleted."""
        made = self.path / f".{_FILE}"
        made.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        made.replace(self.path / _FILE)
        self.sweep(manifest)

    def sweep(self, manifest: Manifest | None) -> None:
        """Delete what the manifest does not name: what was replaced, and what a killed export has left."""
        named = {_FILE, _LOCK} | ({manifest.costs, *(one.folder for one in manifest.batches)} if manifest else set())
        for entry in self.path.iterdir():
            if entry.name in named:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def new_batch(self, number: int) -> Path:
        """A folder for a batch."""
        made = self.path / f"{number:08}-{uuid4().hex[:12]}"
        made.mkdir(mode=0o700)
        return made

    def file(self, batch: Batch, table: str) -> Path:
        """The file of a table in a batch, or that of the calls that it holds."""
        return self.path / batch.folder / f"{table}.parquet"

    def files(self, manifest: Manifest) -> list[Path]:
        """All that may be read."""
        names = [HELD, *(table.name for table in STORED)]
        return [
            *(self.file(batch, name) for batch in manifest.batches for name in names),
            self.path / manifest.costs,
        ]


def _shape(columns: Iterable[tuple[str, str, str]]) -> str:
    return hashlib.sha256(repr(sorted(columns)).encode()).hexdigest()[:16]


SHAPE: Final = _shape((table.name, one.name, one.type) for table in TABLES.values() for one in table.columns)
