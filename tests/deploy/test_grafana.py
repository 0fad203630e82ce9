"""The dashboards of Grafana: as their script writes them, with names that exist and expressions that can be read."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from measured_names import ROOT, unknown
from test_alert_rules import promtool

FOLDER = ROOT / "deploy" / "grafana"
FILES = sorted((FOLDER / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
EXPRESSIONS = [
    (board, panel["title"], target["expr"])
    for board, written in BOARDS.items()
    for panel in written["panels"]
    for target in panel["targets"]
]


def test_what_is_kept_is_what_the_script_writes() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "grafana-dashboards", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_there_is_a_page_for_all_stages_for_live_calls_for_the_model_and_for_the_effect() -> None:
    assert set(BOARDS) == {"convmine-overview", "convmine-live", "convmine-llm", "convmine-effect"}
    assert {name: board["uid"] for name, board in BOARDS.items()} == {name: name for name in BOARDS}


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_and_titles_of_their_own_and_lie_beside_each_other(name: str) -> None:
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_asks_the_data_source_that_is_chosen(name: str) -> None:
    board = BOARDS[name]
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    sources = [it["datasource"]["uid"] for panel in board["panels"] for it in (panel, *panel["targets"])]
    assert set(sources) == {"${datasource}"}
    used = {used for panel in board["panels"] for it in panel["targets"] for used in re.findall(r"\$(\w+)", it["expr"])}
    assert used <= variables.keys() - {"datasource"}


@pytest.mark.parametrize(("board", "panel", "expression"), EXPRESSIONS)
def test_an_expression_reads_only_what_is_measured(board: str, panel: str, expression: str) -> None:
    assert unknown(expression) == []


@pytest.mark.parametrize("name", BOARDS)
def test_the_choices_at_the_top_are_labels_of_metrics(name: str) -> None:
    asked = [one["query"]["query"] for one in BOARDS[name]["templating"]["list"] if one["type"] == "query"]
    for query in asked:
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", query)
        assert found
        assert unknown(f"sum by ({found[2]}) ({found[1]})") == []


def test_promtool_reads_every_expression(tmp_path: Path) -> None:
    asked = [
        {"record": f"asked:{number}", "expr": re.sub(r"\$\w+", ".*", expression)}
        for number, (_, _, expression) in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "asked.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}), encoding="utf-8")
    promtool("check", "rules", str(path))


def test_grafana_finds_the_dashboards_and_prometheus() -> None:
    provisioning = FOLDER / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text("utf-8"))["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "convmine.yml").read_text("utf-8"))["providers"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
