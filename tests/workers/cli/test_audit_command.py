"""``convmine audit`` as a person uses it, and which commands leave entries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

from pipeline.privacy.sealing import new_key
from workers.os_user import os_user


@pytest.fixture(autouse=True)
def _own_log(analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_AUDIT_PATH", str(tmp_path / "audit.sqlite"))


def entries(analyst: Convmine, *options: str) -> list[dict[str, Any]]:
    done = analyst("audit", "--json", *options)
    assert done.code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


def test_who_asked_what_is_shown_the_newest_first(analyst: Convmine) -> None:
    assert analyst("search", "price").code == 0
    assert analyst("calls", "transcript", "call-two").code == 0
    assert analyst("calls", "show", "nosuch").code == 1
    refused, transcript, search = entries(analyst)
    assert {one["who"] for one in (refused, transcript, search)} == {os_user()}
    assert (search["action"], search["calls"], search["origin"]) == ("search", ["call-one", "call-two"], "cli")
    assert (transcript["action"], transcript["calls"]) == ("transcript", ["call-two"])
    assert (refused["result"], refused["reason"], refused["call_count"]) == ("refused", "Unknown", 0)


def test_the_log_is_narrowed_and_paged_and_looking_is_recorded(analyst: Convmine) -> None:
    for call in ("call-one", "call-two"):
        analyst("calls", "show", call)
    assert [one["calls"] for one in entries(analyst, "--call", "call-one")] == [["call-one"]]
    assert len(entries(analyst, "--since", "1h", "--action", "call")) == 2
    assert entries(analyst, "--who", "nobody") == []
    page = json.loads(analyst("audit", "--action", "call", "--limit", "1", "--json").stdout)
    (older,) = entries(analyst, "--action", "call", "--after", page["next"])
    assert [page["items"][0]["calls"], older["calls"]] == [["call-two"], ["call-one"]]
    assert len(entries(analyst, "--action", "audit")) == 5


def test_an_export_and_sql_are_recorded(analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_ANALYTICS_PATH", str(tmp_path / "analytics"))
    assert analyst("export", "csv", "--rows", "calls", "--out", str(tmp_path / "calls.csv")).code == 0
    assert analyst("sql", "SELECT call_id FROM calls").code == 0
    sql, rows, export = entries(analyst)
    assert json.loads(export["about"])["out"] == str(tmp_path / "calls.csv")
    assert [one["action"] for one in (export, rows, sql)] == ["export", "rows", "sql"]
    assert rows["calls"] == sql["calls"] == ["call-one", "call-two"]


def test_a_look_into_the_vault_stands_with_the_others(
    analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_PRIVACY_VAULT_PATH", str(tmp_path / "vault.sqlite"))
    monkeypatch.setenv("CONVMINE_PRIVACY_VAULT_KEY", new_key())
    assert analyst("vault", "show", "call-one").code == 0
    assert analyst("vault", "erase", "call-one").code == 0
    erased, shown = entries(analyst)
    assert (shown["action"], shown["about"], shown["calls"]) == ("vault show", '{"what": "call-one"}', ["call-one"])
    assert (erased["action"], erased["calls"]) == ("vault erase", ["call-one"])


def test_where_it_must_be_recorded_and_cannot_nothing_is_shown(
    analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("CONVMINE_AUDIT_PATH", str(tmp_path / "folder"))
    warned = analyst("calls", "transcript", "call-one")
    assert (warned.code, bool(warned.stdout)) == (0, True)
    monkeypatch.setenv("CONVMINE_AUDIT_REQUIRED", "true")
    for command in (["calls", "transcript", "call-one"], ["export", "csv", "--rows", "calls", "--out", "-"]):
        refused = analyst(*command)
        assert (refused.code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("convmine: who asks cannot be recorded, so there is no answer")


def test_where_it_is_off_that_is_said(analyst: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_AUDIT_PLACE", "off")
    done = analyst("audit")
    assert (done.code, done.stdout) == (1, "")
    assert "CONVMINE_AUDIT_PLACE" in done.stderr


def test_what_was_asked_steers_no_terminal(analyst: Convmine) -> None:
    analyst("search", "\x1b[31mprice")
    assert "\x1b" not in analyst("audit").stdout
