"""The benchmark of discovery: the same made-up utterances each time, and figures that programs read."""

from __future__ import annotations

import json

from click.testing import CliRunner

from benchmarks.discover import GOAL_S, main, material


def test_the_utterances_are_the_same_each_time_and_hardly_two_alike() -> None:
    said, themes = material(2_000)
    assert material(2_000) == (said, themes)
    assert len({one.text for one in said}) > 1_900
    assert len(set(themes)) == 63


def test_it_tells_seconds_memory_and_how_far_themes_are_found() -> None:
    done = CliRunner().invoke(main, ["--json", "--utterances", "300"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert (report["name"], report["goal"]) == ("discover", GOAL_S)
    assert report["ratio"] == report["figures"]["seconds"] > 0
    assert report["figures"]["peak_mb"] > 0
    assert 0 < report["figures"]["nmi"] <= 1
