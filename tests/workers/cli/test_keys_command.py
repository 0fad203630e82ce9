from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine
from structlog.testing import capture_logs

from workers.gateway.key_file import KeyFile


@pytest.fixture
def keys(convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    monkeypatch.setenv("CONVMINE_GATEWAY_KEYS", str(tmp_path / "keys.json"))
    return lambda *arguments: convmine("keys", *arguments)


def test_a_key_is_printed_once_and_opens_until_it_is_revoked(keys: Convmine, tmp_path: Path) -> None:
    made = keys("new", "--scope", "agent:ann", "--scope", "publish", "--name", "ann's desk", "--expires", "90d")
    assert (made.code, made.stdout.count("\n")) == (0, 1)
    file, text = KeyFile(tmp_path / "keys.json"), made.stdout.strip()
    principal = file.principal(text)
    assert principal is not None
    assert (principal.tenant_id, principal.scopes) == ("acme", frozenset({"agent:ann", "publish"}))

    listed = keys("list").stdout
    assert "ann's desk" in listed
    assert text.rpartition("_")[2] not in listed
    (item,) = json.loads(keys("list", "--json").stdout)["items"]
    assert (item["state"], "sha256" in item) == ("valid", False)

    assert keys("revoke", principal.id).code == 0
    with capture_logs():
        assert file.principal(text) is None
    assert json.loads(keys("list", "--json").stdout)["items"][0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scope", "analist"], "'analist' is no scope"),
        (["--scope", "agent:a", "--scope", "agent:b"], "one agent at most"),
        (["--scope", "analyst", "--tenant", "a b"], "tenant"),
        (["--scope", "analyst", "--expires", "2020-01-01"], "is over"),
        (["--scope", "analyst", "--expires", "soon"], "neither days such as 90d"),
        ([], "scope"),
    ],
)
def test_a_key_that_cannot_be_is_a_usage_error(keys: Convmine, tmp_path: Path, options: list[str], said: str) -> None:
    done = keys("new", *options)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "keys.json").exists()


def test_what_is_not_there_is_said(keys: Convmine) -> None:
    assert "there is no file" in keys("list").stderr
    keys("new", "--scope", "admin")
    done = keys("revoke", "abc")
    assert (done.code, done.stderr) == (1, "convmine: there is no key 'abc' (convmine keys list)\n")
