"""What the benchmark of the graph measures with, on a few paths."""

from __future__ import annotations

import json

from click.testing import CliRunner

from benchmarks.fold import EVERY, LABELS, made_up, main


def test_paths_have_five_to_twenty_five_steps_of_forty_labels_the_first_the_most_frequent() -> None:
    for with_flow in (False, True):
        paths = made_up(400, with_flow=with_flow)
        labels = [step.label for path in paths for step in path.steps]
        assert {len(path.steps) for path in paths} == set(range(5, 26))
        assert set(labels) <= set(LABELS)
        assert len({path.call_id for path in paths}) == 400
    plain = [step.label for path in made_up(400, with_flow=False) for step in path.steps]
    assert plain.count(LABELS[0]) > 1.5 * plain.count(LABELS[1]) > plain.count(LABELS[9])


def test_one_object_is_printed_last_with_a_figure_for_each_rate_of_publishing() -> None:
    result = CliRunner().invoke(main, ["--json", "--paths", "300", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.output.splitlines()[-1])
    assert (report["name"], report["goal"]) == ("fold", 1.0)
    assert report["ratio"] > 0
    assert set(report["figures"]["stage"]) == {f"published every {every}" for every in EVERY}
    assert report["figures"]["graph"]["bytes"] > 1_000
