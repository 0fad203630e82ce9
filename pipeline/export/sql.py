"""SQL over what is stored of a tenant: asked of its Parquet files, in a process that can reach nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pipeline.errors import ConvmineError, Retryable
from pipeline.export.incremental import Analytics
from pipeline.export.manifest import HELD, Manifest, TenantFolder
from pipeline.export.parquet import missing
from pipeline.export.sql_child import MISSING
from pipeline.export.tables import STORED
from pipeline.questions.asker import Asker
from pipeline.settings import AnalyticsSettings

_CHILD: Final = Path(__file__).with_name("sql_child.py")
_TRIES: Final = 3
_MOST_STATEMENT: Final = 100_000
_GRACE_S: Final = 5.0
"""To start a process, beside the time that a statement may take."""


class BadStatement(ConvmineError):
    """A statement that cannot be run; the message is DuckDB's own, on one line."""


class NotForAgents(ConvmineError):
    """SQL sees all calls of a tenant, so who sees those of one agent cannot ask it."""


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """The rows of a statement; ``types`` are DuckDB's names of the columns' types, ``more`` says that rows were left.

    Values are as JSON has them: instants and days are text (ISO 8601, UTC).
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False


class SqlAnswers:
    """Answers SQL over the views calls, utterances, intents, suggestions and costs of the asker's tenant alone.

    Args:
        settings: where the files lie, and what one statement may use.
        analytics: brings the files up to date first; where it is None they are asked as they are.
    """

    def __init__(self, settings: AnalyticsSettings, analytics: Analytics | None = None) -> None:
        self._settings = settings
        self._analytics = analytics
        self._room = asyncio.Semaphore(settings.at_once)

    async def sql(self, asker: Asker, statement: str, limit: int | None = None) -> SqlAnswer:
        """The answer to one statement that reads.

        Args:
            asker: a tenant's own people; nobody else's calls can be reached.
            statement: one SELECT, WITH, FROM, DESCRIBE, SUMMARIZE or EXPLAIN, in the SQL of DuckDB.
            limit: the most rows; never more than the settings allow.

        Raises:
            NotForAgents: the asker sees the calls of one agent alone.
            BadStatement: it is no such statement, cannot be run, or takes too much memory or time.
            Retryable: the store is away, or another export goes on for long.
            ConvmineError: duckdb is not installed, or nothing was exported yet.
        """
        if asker.agent is not None:
            raise NotForAgents("SQL is for analysts: it sees all calls of a tenant", hint="ask with search or query")
        if len(statement) > _MOST_STATEMENT:
            raise BadStatement(f"the statement has {len(statement):,} characters, at most {_MOST_STATEMENT:,} may be")
        if find_spec("duckdb") is None:
            raise missing("duckdb")
        if self._analytics is not None:
            await self._analytics.refresh(asker.tenant_id)
        folder = TenantFolder(self._settings.path, asker.tenant_id)
        most = min(limit or self._settings.rows, self._settings.rows)
        for _ in range(_TRIES):
            async with self._room:
                answer = await self._asked(folder, statement, most)
            if answer.get("failed") != MISSING:
                return _read(answer)
        raise Retryable(f"the files in {folder.path} keep changing: {answer['message']}", dependency="analytics")

    async def _asked(self, folder: TenantFolder, statement: str, limit: int) -> dict[str, Any]:
        """What the process says about the files of now; those that are replaced meanwhile it finds missing."""
        manifest = await asyncio.to_thread(folder.read)
        if manifest is None:
            raise ConvmineError("nothing was exported yet", hint="ask without --no-refresh")
        with TemporaryDirectory(prefix="convmine-sql-") as temporary:
            question = question_of(folder, manifest, self._settings)
            asked = {**question, "statement": statement, "limit": limit, "temporary": temporary}
            return await _run(json.dumps(asked).encode(), temporary, self._settings.timeout_s)


def question_of(folder: TenantFolder, manifest: Manifest, settings: AnalyticsSettings) -> dict[str, Any]:
    """What the process is told beside the statement: the files that it may open, and what it may use."""
    names = [HELD, *(table.name for table in STORED)]
    return {
        **settings.model_dump(include={"memory_mb", "threads", "timeout_s"}),
        "tables": [table.name for table in STORED],
        "batches": [
            {"number": batch.number, **{name: str(folder.file(batch, name)) for name in names}}
            for batch in manifest.batches
        ],
        "costs": str(folder.path / manifest.costs),
        "files": [str(path) for path in folder.files(manifest)],
    }


async def _run(asked: bytes, folder: str, timeout_s: float) -> dict[str, Any]:
    """The answer of a process that has no environment, and is killed when its time is over or nobody waits any more."""
    command: Sequence[str] = (sys.executable, "-I", str(_CHILD))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env={})
    try:
        async with asyncio.timeout(timeout_s + _GRACE_S):
            said, complaint = await process.communicate(asked)
    except TimeoutError:
        raise BadStatement(f"the statement took longer than {timeout_s:g} s and was stopped", hint=_LESS) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise BadStatement(f"the statement was stopped: {' '.join(last) or 'out of memory or time'}", hint=_LESS)
    answer = json.loads(said)
    assert isinstance(answer, dict)
    return answer


def _read(answer: dict[str, Any]) -> SqlAnswer:
    if "failed" in answer:
        raise BadStatement(answer["message"])
    return SqlAnswer(
        tuple(answer["columns"]), tuple(answer["types"]), tuple(tuple(row) for row in answer["rows"]), answer["more"]
    )


_LESS: Final = "ask less at once, or see CONVMINE_ANALYTICS_TIMEOUT_S and _MEMORY_MB"
