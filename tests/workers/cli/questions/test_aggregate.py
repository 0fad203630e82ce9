from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine


def test_counts_are_bars_with_what_to_know_below(analyst: Convmine) -> None:
    done = analyst("aggregate", "--by", "intent")
    assert done.code == 0, done.stderr
    title, _, first, second, _, total, overlap = done.stdout.splitlines()
    assert (title, total) == ("calls by intent", "2 calls in all")
    assert [line.split()[0] for line in (first, second)] == ["cancel_contract", "price_concern"]
    assert first.split()[1:] == second.split()[1:]
    assert "groups overlap" in overlap


def test_a_win_rate_says_whose_outcomes_and_how_many_have_none(analyst: Convmine) -> None:
    done = analyst("aggregate", "--by", "intent", "--metric", "win_rate", "--outcomes", "observed")
    assert "win rate by intent (outcomes observed)" in done.stdout
    assert "100.0% (20.7 to 100.0) of 1 decided, 1 not" in done.stdout
    assert "as observed: 1 won, 0 lost, 0 open, 1 unknown" in done.stdout


def test_a_field_over_time_has_a_row_a_group(analyst: Convmine) -> None:
    done = analyst("aggregate", "--by", "intent,week")
    assert "price_concern    █  2 to 2" in done.stdout
    assert "2026-W10 to 2026-W10" in done.stdout


def test_two_names_are_a_table(analyst: Convmine) -> None:
    done = analyst("aggregate", "--by", "agent,outcome", "--metric", "share")
    (row,) = [line for line in done.stdout.splitlines() if "ann" in line]
    assert "lost" in row
    assert "100.0% (34.2 to 100.0) 2 of 2" in row


def test_json_has_figures_as_numbers(analyst: Convmine) -> None:
    document = json.loads(analyst("aggregate", "--by", "agent", "--metric", "avg_handle_time", "--json").stdout)
    (group,) = document["groups"]
    assert (group["names"], group["value"], group["n"]) == (["ann"], 20.0, 2)
    assert document["total"]["value"] == 20.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "intnet"), "nearest: intent"),
        (("--by", "started"), "what can be counted by: scenario"),
        (("--by", "intent,week,agent"), "by: tuple should have at most 2 items"),
        (("--metric", "win_rate", "--of", "intents"), "win rates are of calls"),
        (("--plot", "chart.gif"), "neither .png nor .html"),
        (("--since", "yesterday"), "a date such as 2026-03-31"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_2(analyst: Convmine, arguments: tuple[str, ...], said: str) -> None:
    done = analyst("aggregate", *arguments)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_nothing_counted_says_why_and_draws_nothing(analyst: Convmine, tmp_path: Path) -> None:
    plot = tmp_path / "none.png"
    done = analyst("aggregate", "--by", "intent", "--where", "duration>=9000", "--plot", str(plot))
    assert (done.code, done.stdout, done.stderr) == (0, "", "nothing found: duration>=9000 left nothing\n")
    assert not plot.exists()


def test_a_plot_has_the_question_the_source_and_the_number_of_calls(analyst: Convmine, tmp_path: Path) -> None:
    plot = tmp_path / "wins.html"
    done = analyst("aggregate", "--by", "intent", "--metric", "win_rate", "--plot", str(plot))
    assert done.code == 0, done.stderr
    page = plot.read_text(encoding="utf-8")
    assert "<h1>win rate by intent (outcomes inferred)</h1>" in page
    assert "2 calls in all: 0.0%" in page
