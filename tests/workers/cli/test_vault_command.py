from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import SqliteVault
from workers.cli import cli


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An installation in whose vault a telephone number of call-1 is kept."""
    path, key = tmp_path / "vault.sqlite", new_key()

    async def keep() -> None:
        vault = SqliteVault(path, key)
        await vault.keep(Subject("default", "call-1"), [Found("phone", "s1", 0, 12, 0, "415-555-2671")])
        await vault.close()

    asyncio.run(keep())
    return {"CONVMINE_PRIVACY_VAULT_KEY": key, "CONVMINE_PRIVACY_VAULT_PATH": str(path)}


def run(env: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["vault", *arguments], env=env)


def items(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["items"]
    return found


def test_what_was_masked_in_a_call_is_shown_and_the_look_is_recorded(env: dict[str, str]) -> None:
    (shown,) = items(run(env, "show", "call-1", "--who", "ann", "--json"))
    assert (shown["value"], shown["kind"], shown["call_id"]) == ("415-555-2671", "phone", "call-1")
    (look,) = items(run(env, "log", "--json"))
    assert (look["who"], look["what"], look["subject"], look["count"]) == ("ann", "reveal call-1", "default:call-1", 1)


def test_what_is_erased_is_not_shown_again(env: dict[str, str]) -> None:
    assert run(env, "erase", "call-1", "--who", "ann").stdout == "erased of default:call-1: 1\n"
    gone = run(env, "show", "call-1")
    assert gone.stdout == ""
    assert gone.stderr == "nothing is kept of call-1\n"


def test_a_tenant_sees_only_its_own(env: dict[str, str]) -> None:
    assert items(run({**env, "CONVMINE_TENANT": "other"}, "show", "call-1", "--json")) == []


def test_a_new_key_opens_a_new_vault(env: dict[str, str], tmp_path: Path) -> None:
    key = run(env, "new-key").stdout.strip()
    changed = {"CONVMINE_PRIVACY_VAULT_KEY": key, "CONVMINE_PRIVACY_VAULT_PATH": str(tmp_path / "new.sqlite")}
    assert items(run(changed, "show", "call-1", "--json")) == []


def test_without_a_key_the_command_says_how_to_make_one() -> None:
    result = run({}, "show", "call-1")
    assert result.exit_code == 1
    assert "CONVMINE_PRIVACY_VAULT_KEY" in str(result.exception)
