"""The benchmark of back-tests: what a server allows, and that the command is run as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.backtest import by_concurrency, by_limit, labelled_rows, run_command
from workers.fake_llm import serve


def test_what_a_server_allows() -> None:
    assert by_concurrency(400, 16, 1.0) == 25
    assert by_concurrency(401, 16, 0.5) == 13
    assert by_limit(400, 1_200, 20, 1.0) == 20
    assert by_limit(5, 60, 20, 1.0) == 1


def test_no_two_calls_are_one() -> None:
    rows = [json.loads(row) for row in labelled_rows(30)]
    assert len({row["call_id"] for row in rows}) == len({row["turns"][0]["text"] for row in rows}) == 30


def test_the_second_run_asks_for_nothing(tmp_path: Path) -> None:
    cases = tmp_path / "calls.jsonl"
    cases.write_text("\n".join(labelled_rows(3)), encoding="utf-8")
    with serve() as server:
        first = run_command(server.base_url, cases, tmp_path, 4)
        second = run_command(server.base_url, cases, tmp_path, 4)
        assert server.stats.answered == {"valid": 6}
    assert (first.printed["asked"], second.printed["asked"]) == (6, 0)
    assert first.printed["b"]["calls"] == 3
