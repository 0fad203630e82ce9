"""``convmine retention`` as a person and a timer use it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine, _mine

from pipeline.labels.label import Label
from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import SqliteVault
from pipeline.workbench.place_sqlite import SqliteWorkbench


@pytest.fixture
def old(tmp_path: Path, convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """An installation with two calls of March 2026, what the vault has of one, and a label."""
    asyncio.run(_mine(tmp_path))
    key = new_key()
    for name, value in {
        "RETENTION_RULES": tmp_path / "rules.yaml",
        "ANALYTICS_PATH": tmp_path / "analytics",
        "PRIVACY_VAULT_PATH": tmp_path / "vault.sqlite",
        "PRIVACY_VAULT_KEY": key,
        "WORKBENCH_PATH": tmp_path / "workbench.sqlite",
        "BUDGET_LEDGER_PATH": tmp_path / "usage.sqlite",
        "LLM_CACHE_PATH": tmp_path / "answers.sqlite",
        "CLAIMS_ROOT": tmp_path / "claims",
    }.items():
        monkeypatch.setenv(f"CONVMINE_{name}", str(value))

    async def keep() -> None:
        vault = SqliteVault(tmp_path / "vault.sqlite", key)
        await vault.keep(Subject("acme", "call-one"), [Found("phone", "s1", 0, 12, 0, "415-555-2671")])
        await vault.close()
        workbench = SqliteWorkbench(tmp_path / "workbench.sqlite")
        of = {"tenant_id": "acme", "call_id": "call-one", "scenario": "telecom", "language": "en", "field": "intents"}
        said = {"name": "cancel", "verdict": "right", "by": "ann", "at": datetime(2026, 3, 3, tzinfo=UTC)}
        await workbench.add_labels([Label.model_validate({**of, **said})])
        await workbench.close()

    asyncio.run(keep())
    return convmine


def ruled(tmp_path: Path, *rules: str) -> None:
    written = "\n".join(f"  - {{{rule}}}" for rule in rules)
    (tmp_path / "rules.yaml").write_text(f"rules:\n{written}\n", encoding="utf-8")


async def labels(tmp_path: Path) -> tuple[Label, ...]:
    workbench = SqliteWorkbench(tmp_path / "workbench.sqlite")
    try:
        return await workbench.labels("acme")
    finally:
        await workbench.close()


def items(convmine: Convmine, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = convmine("retention", *arguments, "--json")
    assert done.code == 0, done.stderr
    return {(one["kind"], one["tenant"]): one for one in json.loads(done.stdout)["items"]}


def test_what_is_due_is_shown_and_a_dry_run_removes_nothing(old: Convmine, tmp_path: Path) -> None:
    ruled(tmp_path, "kind: transcripts, keep: 30d", "kind: labels, keep: 30d", "kind: cache, keep: 5d")
    for arguments in (["show"], ["apply", "--dry-run"]):
        found = items(old, *arguments)
        assert found["transcripts", "acme"]["due"] == 9
        assert found["labels", "acme"]["due"] == 1
        assert found["cache", "*"]["due"] == 0
    assert items(old, "show")["transcripts", "acme"]["oldest"] == "2026-03-02T09:30:00+00:00"
    shown = old("retention", "show").stdout
    assert "note: intents, suggestions, calls of all outlive transcripts (30 d)" in shown
    assert "note: Kafka keeps cache" not in shown
    assert json.loads(old("search", "price", "--json").stdout)["items"]


def test_words_that_are_due_go_from_store_copy_and_vault_and_figures_stay(old: Convmine, tmp_path: Path) -> None:
    ruled(tmp_path, "kind: transcripts, keep: 30d")
    assert "worried" in old("sql", "SELECT text FROM utterances", "--csv").stdout
    assert items(old, "apply")["transcripts", "acme"]["removed"] == 9
    assert items(old, "apply")["transcripts", "acme"]["removed"] == 0
    assert old("retention", "apply").stdout == "nothing is due\n"
    assert "worried" not in old("sql", "--no-refresh", "SELECT text FROM utterances", "--csv").stdout
    assert old("sql", "SELECT count(*) AS n FROM calls", "--csv").stdout.split() == ["n", "2"]
    assert json.loads(old("search", "price", "--json").stdout)["items"] == []
    assert json.loads(old("aggregate", "--by", "intent", "--json").stdout)["total"]["count"] == 2
    assert json.loads(old("vault", "show", "call-one", "--json").stdout)["items"] == []
    files = [path for path in (tmp_path / "qdrant").rglob("*") if path.is_file() and "utterances" in str(path)]
    assert files
    assert not [path for path in files if b"how can I help you" in path.read_bytes()]


def test_a_call_goes_whole_with_its_labels_and_that_is_in_the_audit_log(old: Convmine, tmp_path: Path) -> None:
    ruled(tmp_path, "kind: calls, keep: 30d", "kind: labels, keep: 3y")
    assert len(asyncio.run(labels(tmp_path))) == 1
    removed = items(old, "apply")
    assert {kind: one["removed"] for (kind, _), one in removed.items()} == {
        "transcripts": 9,
        "intents": 4,
        "suggestions": 2,
        "calls": 2,
        "labels": 0,
    }
    assert json.loads(old("calls", "list", "--json").stdout)["items"] == []
    assert asyncio.run(labels(tmp_path)) == ()
    recorded = json.loads(old("audit", "--action", "retention", "--json").stdout)["items"]
    assert [json.loads(one["about"])["by"]["kind"] for one in recorded] == [
        "calls",
        "suggestions",
        "intents",
        "transcripts",
    ]


def test_who_asked_and_copies_that_nobody_asks_any_more_go_by_their_own_age(old: Convmine, tmp_path: Path) -> None:
    ruled(tmp_path, "kind: audit, keep: 1d", "kind: exports, keep: 7d", "kind: usage, keep: 1d")
    old("sql", "SELECT 1")
    copy = tmp_path / "analytics" / "acme"
    assert items(old, "apply")["exports", "acme"]["removed"] == 0
    os.utime(copy / "manifest.json", (1, 1))
    assert items(old, "show")["exports", "acme"]["due"] == 1
    assert items(old, "apply")["exports", "acme"]["removed"] == 1
    assert not copy.exists()
    assert items(old, "show")["audit", "acme"]["due"] == 0


def test_rules_that_are_wrong_or_missing_are_said_in_one_line(convmine: Convmine, tmp_path: Path) -> None:
    none = convmine("retention", "show")
    assert (none.code, none.stderr.count("\n")) == (1, 1)
    assert "CONVMINE_RETENTION_RULES: is not set" in none.stderr
    ruled(tmp_path, "kind: words, keep: 30d")
    wrong = convmine("retention", "apply", "--rules", str(tmp_path / "rules.yaml"))
    assert (wrong.code, wrong.stderr.count("\n")) == (1, 1)
    assert "rules[0].kind" in wrong.stderr
