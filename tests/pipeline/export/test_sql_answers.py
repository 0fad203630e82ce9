"""SQL over a tenant's files: the same rows as the store's, and no way to anything else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from mined_calls import TENANT, feedback, flow_state, inbound, insight, outcome, suggestion, transcript

from pipeline.errors import ConvmineError
from pipeline.export import sql as module
from pipeline.export.incremental import Analytics
from pipeline.export.manifest import TenantFolder
from pipeline.export.sql import BadStatement, NotForAgents, SqlAnswers, question_of
from pipeline.export.sql_child import Refused, answer_of, opened
from pipeline.export.tables import STORED, TABLES
from pipeline.llm.usage import Purpose, Usage
from pipeline.questions.asker import Asker
from pipeline.settings import AnalyticsSettings
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.filters import of_tenant
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from pipeline.testing import InMemoryLedger
from schemas.suggestion import FeedbackKind

Run = Callable[..., dict[str, Any]]
OTHER = "rival"
SECRET = "the rival's secret"
ANALYST = Asker(TENANT)


@dataclass(frozen=True)
class Exported:
    """Two tenants' calls, exported, and the payloads that they were made of."""

    settings: AnalyticsSettings
    payloads: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return asyncio.run(_export(tmp_path_factory.mktemp("sql")))


async def _export(folder: Path) -> Exported:
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    ledger, stage = InMemoryLedger(), build(store=store)
    await ledger.add(
        {
            Purpose(date(2026, 3, 2), TENANT, "telecom", "extract", "m", ""): Usage(requests=2, usd=0.5, seconds=1),
            Purpose(date(2026, 3, 2), OTHER, SECRET, "extract", "m", ""): Usage(requests=9),
        }
    )
    settings = AnalyticsSettings(path=folder / "it's here", memory_mb=128, threads=1)
    analytics = Analytics(store, ledger, settings)
    for tenant, calls in ((TENANT, ("one", "two", "three")), (OTHER, (SECRET,))):
        for call in calls:
            mined = insight(call)
            for event in (transcript(call), mined, flow_state(mined), suggestion(call)):
                await stage(inbound(event, tenant=tenant))
        await analytics.refresh(tenant)
    await stage(inbound(outcome("two")))
    await stage(inbound(feedback("two", FeedbackKind.ACCEPTED)))
    await analytics.refresh(TENANT)
    payloads = {}
    for table in STORED:
        hits, _ = await store.page(table.name, of_tenant(TENANT), 1_000)
        payloads[table.name] = [dict(hit.payload) for hit in hits]
    await store.close()
    return Exported(settings, payloads)


@pytest.fixture(scope="module")
def run(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Asks a statement as the process of ``sql_child`` does, within this one."""
    folder = TenantFolder(exported.settings.path, TENANT)
    manifest = folder.read()
    assert manifest is not None

    question = question_of(folder, manifest, exported.settings)
    connection = opened({**question, "temporary": str(tmp_path_factory.mktemp("spill"))})
    return lambda statement, limit=1_000: answer_of(connection, statement, limit)


@pytest.mark.parametrize("table", [table.name for table in STORED])
def test_the_views_have_what_the_store_has(table: str, exported: Exported, run: Run) -> None:
    answer = run(f"SELECT * FROM {table}")
    assert tuple(answer["columns"]) == TABLES[table].names
    found = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    stored = [_expected(table, payload) for payload in exported.payloads[table]]
    assert sorted(map(_text, found)) == sorted(map(_text, stored))


def _expected(table: str, payload: dict[str, Any]) -> dict[str, Any]:
    """What stands in the store, by the names of the columns, worked out another way than the export does."""
    renamed = {"intent": "name"} if table == "intents" else {}
    row: dict[str, Any] = {}
    for column in TABLES[table].columns:
        value = payload.get(renamed.get(column.name, column.name))
        if column.type == "time" and value is not None:
            value = datetime.fromisoformat(value).replace(tzinfo=None).isoformat()
        elif column.type == "json" and value is not None:
            value = json.dumps(value, separators=(",", ":"))
        row[column.name] = value
    if table == "calls":
        row |= {"customer_tone": 0.0, "agent_tone": None, "customer_talk_share": 0.5, "agent_talk_share": None}
        row |= {"overlap_ms": 0, "dead_air_ms": 0, "longest_pause_ms": 1_000}
    return row


def _text(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def test_inferred_and_observed_outcomes_stand_in_columns_of_their_own(run: Run) -> None:
    rows = run("SELECT call_id, outcome_inferred_result, outcome_observed_result FROM calls ORDER BY 1")["rows"]
    assert rows == [["one", "lost", None], ["three", "lost", None], ["two", "lost", "won"]]


def test_costs_are_those_of_the_tenant(run: Run) -> None:
    assert run("SELECT day, scenario, requests, usd FROM costs")["rows"] == [["2026-03-02", "telecom", 2, 0.5]]


@pytest.mark.parametrize(
    "statement",
    [
        "WITH a AS (SELECT 1 AS n) SELECT n FROM a UNION SELECT 2",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
        "FROM calls",
        "VALUES (1)",
        "DESCRIBE calls",
        "SHOW TABLES",
        "SUMMARIZE intents",
        "EXPLAIN SELECT count(*) FROM calls",
        "explain analyze SELECT count(*) FROM calls;",
        "SELECT n FROM calls, unnest(intents) AS t(n)",
        "SELECT * FROM range(3)",
        "SELECT date_trunc('week', started_at), entities->>'$[0].name' FROM calls",
    ],
)
def test_what_reads_the_tables_is_answered(statement: str, run: Run) -> None:
    assert run(statement)["rows"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1; SELECT 2",
        "",
        "COPY calls TO 'out.csv'",
        "COPY (SELECT 1) TO '/dev/stdout'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SET threads = 64",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CREATE TABLE t (i INT)",
        "DROP VIEW calls",
        "CREATE SECRET s (TYPE s3)",
        "PREPARE p AS SELECT 1",
        "USE memory",
        "EXPLAIN COPY calls TO 'out.csv'",
        "EXPLAIN ANALYZE CREATE TABLE t (i INT)",
        "WITH x AS (INSERT INTO batches.newest VALUES ('a', 1) RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM batches.newest RETURNING *) SELECT * FROM x",
        "SELECT * FROM (WITH x AS (COPY calls TO 'out.csv') SELECT * FROM x)",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT (SELECT max(x) FROM query_table(['calls']))",
        "SELECT getenv('HOME')",
        "SELECT * FROM payloads",
    ],
)
def test_what_does_not_read_the_tables_is_refused(statement: str, run: Run) -> None:
    payloads = [SECRET]  # a variable of Python's, which DuckDB would otherwise take for a table
    with pytest.raises(Refused):
        run(statement)
    assert payloads


@pytest.mark.parametrize(
    "read",
    [
        "read_parquet('{file}')",
        "read_parquet(['{file}'])",
        "parquet_scan('{file}')",
        "parquet_metadata('{file}')",
        "parquet_schema('{file}')",
        "read_csv('{file}')",
        "read_csv_auto('{file}')",
        "read_json('{file}')",
        "read_text('{file}')",
        "read_blob('{file}')",
        "sniff_csv('{file}')",
        "glob('{file}')",
        "'{file}'",
        '"{file}"',
        "(SELECT * FROM read_text('{file}'))",
        "calls WHERE EXISTS (SELECT * FROM read_text('{file}'))",
    ],
)
@pytest.mark.parametrize("tenant", [OTHER, TENANT])
def test_no_file_is_read_not_even_ones_own_which_may_hold_what_was_replaced(
    read: str, tenant: str, exported: Exported, run: Run
) -> None:
    file = str(next(TenantFolder(exported.settings.path, tenant).path.glob("*/calls.parquet")))
    written = file if '"' in read else file.replace("'", "''")
    with pytest.raises(Refused, match=r"cannot be read|no table") as refused:
        run(f"SELECT * FROM {read.format(file=written)}")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("way", ["path", "dots", "symlink", "folder", "passwords", "address"])
def test_even_without_the_check_of_statements_duckdb_opens_no_other_file(
    way: str, exported: Exported, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.export.sql_child.checked", lambda _, statement: statement)
    theirs, ours = (TenantFolder(exported.settings.path, tenant) for tenant in (OTHER, TENANT))
    file = next(theirs.path.glob("*/calls.parquet"))
    (tmp_path / "link").symlink_to(theirs.path)
    ways = {
        "path": file,
        "dots": f"{ours.path}/../{file.relative_to(exported.settings.path)}",
        "symlink": tmp_path / "link" / file.relative_to(theirs.path),
        "folder": f"{theirs.path}/**/*.parquet",
        "passwords": "/etc/passwd",
        "address": "http://127.0.0.1:1/calls.parquet",
    }
    written = str(ways[way]).replace("'", "''")
    for read in ("read_parquet('{}')", "read_text('{}')", "glob('{}')", "'{}'"):
        with pytest.raises(Refused, match=r"disabled|does not exist") as refused:
            run(f"SELECT * FROM {read.format(written)}")
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "statement", ["COPY (SELECT 1) TO '/tmp/out.csv'", "SET enable_external_access = true", "INSTALL httpfs"]
)
def test_even_without_the_check_of_statements_nothing_is_written_loaded_or_set(
    statement: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.export.sql_child.checked", lambda _, statement: statement)
    with pytest.raises(Refused, match=r"disabled|locked"):
        run(statement)


def test_rows_are_bounded_and_it_is_said_that_there_are_more(run: Run) -> None:
    answer = run("SELECT * FROM range(10)", limit=4)
    assert ([row[0] for row in answer["rows"]], answer["more"]) == ([0, 1, 2, 3], True)
    assert not run("SELECT * FROM range(4)", limit=4)["more"]


def test_an_error_is_one_line_with_what_duckdb_proposes(run: Run) -> None:
    with pytest.raises(Refused) as refused:
        run("SELECT *\nFROM callz")
    assert "\n" not in str(refused.value)
    assert 'Did you mean "calls"' in str(refused.value)


def test_values_are_as_json_has_them(run: Run) -> None:
    statement = "SELECT 1.5::DECIMAL(4,2), 'NaN'::DOUBLE, DATE '2026-03-31', {'a': [1]}, sum(n) FROM range(3) t(n)"
    assert run(statement)["rows"] == [[1.5, None, "2026-03-31", {"a": [1]}, 3]]


async def test_an_answer_comes_from_a_process_of_its_own(exported: Exported) -> None:
    answer = await SqlAnswers(exported.settings).sql(ANALYST, "SELECT call_id FROM calls ORDER BY 1", 2)
    assert (answer.columns, answer.rows, answer.more) == (("call_id",), (("one",), ("three",)), True)


async def test_a_statement_that_takes_too_long_is_stopped(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE_S", 1.0)
    hurried = SqlAnswers(exported.settings.model_copy(update={"timeout_s": 0.5}))
    with pytest.raises(BadStatement, match=r"longer than 0\.5 s"):
        await hurried.sql(ANALYST, "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a < b")


async def test_memory_that_duckdb_does_not_count_is_bounded_too(exported: Exported) -> None:
    with pytest.raises(BadStatement, match="memory"):
        await SqlAnswers(exported.settings).sql(ANALYST, "SELECT length(repeat('a', 3000000000))")


async def test_who_sees_the_calls_of_one_agent_alone_is_refused(exported: Exported) -> None:
    with pytest.raises(NotForAgents):
        await SqlAnswers(exported.settings).sql(Asker(TENANT, agent="ann"), "SELECT 1")


async def test_of_a_tenant_without_files_it_is_said(exported: Exported) -> None:
    with pytest.raises(ConvmineError, match="nothing was exported"):
        await SqlAnswers(exported.settings).sql(Asker("new"), "SELECT 1")


async def test_files_that_were_replaced_meanwhile_are_asked_again(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, asked = TenantFolder.read, 0

    def read(folder: TenantFolder) -> object:
        nonlocal asked
        asked += 1
        manifest = right(folder)
        assert manifest is not None
        return manifest.model_copy(update={"costs": "costs-gone.parquet"}) if asked == 1 else manifest

    monkeypatch.setattr(TenantFolder, "read", read)
    assert (await SqlAnswers(exported.settings).sql(ANALYST, "SELECT count(*) FROM calls")).rows == ((3,),)
    assert asked == 2
