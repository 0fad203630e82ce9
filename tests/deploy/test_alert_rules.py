"""The rules of Prometheus: its own tool accepts and tests them, and each alert has a test, a page and real metrics."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from measured_names import PROMETHEUS, ROOT, RULES, rules, unknown

from pipeline.stages import STAGES

RUNBOOK = ROOT / "docs" / "runbook"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in rules() if "alert" in rule}
PARTS = ("## What people see", "## What it means", "## Look", "## Mend", "## Over")


def promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    assert program, "promtool is missing (install the package prometheus)"
    done = subprocess.run([program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases(of: str) -> list[Mapping[str, Any]]:
    """The cases of an alert in all tests of rules."""
    found = [yaml.safe_load(path.read_text(encoding="utf-8"))["tests"] for path in TESTS]
    tests = [test for of_file in found for test in of_file]
    return [case for test in tests for case in test.get("alert_rule_test", ()) if case["alertname"] == of]


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    for path in RULES:
        assert "rules found" in promtool("check", "rules", str(path))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_do_as_their_tests_say(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(path))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_that_fires_and_one_that_does_not(alert: str) -> None:
    fires = [bool(case["exp_alerts"]) for case in cases(alert)]
    assert set(fires) == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert "{{ $value" in rule["annotations"]["description"]
    assert rule["annotations"]["runbook_url"] == f"docs/runbook/{alert}.md"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_page_with_all_its_parts(alert: str) -> None:
    page = (RUNBOOK / f"{alert}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {alert}\n")
    assert [part for part in PARTS if f"\n{part}\n" not in page] == []
    assert "```promql" in page
    assert f"]({alert}.md)" in (RUNBOOK / "README.md").read_text(encoding="utf-8")


def test_there_is_no_page_of_an_alert_that_is_gone() -> None:
    assert {path.stem for path in RUNBOOK.glob("*.md")} == {*ALERTS, "README"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_only_metrics_and_labels_that_the_code_has(rule: dict[str, Any]) -> None:
    assert unknown(rule["expr"]) == []


def test_a_name_or_label_that_nobody_has_is_found() -> None:
    assert unknown("sum by (call) (rate(convmine_nothing_total[5m]))") == ["convmine_nothing_total", "by call"]
    assert unknown('convmine_lag{call="a"} > 0') == ["convmine_lag{call}"]
    assert unknown("rate(convmine_handler_seconds[5m])") == ["convmine_handler_seconds"], "it has only buckets"


def pages_queries() -> list[tuple[str, str]]:
    """Each line of PromQL on a page of the runbook, as (page, query); a line that begins with a space goes on."""
    found = []
    for path in sorted(RUNBOOK.glob("*.md")):
        for block in re.findall(r"```promql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            bare = re.sub(r"\s+#.*", "", block)
            found += [(path.stem, query) for query in re.split(r"\n(?! )", bare) if query.strip()]
    return found


@pytest.mark.parametrize(("page", "query"), pages_queries())
def test_what_a_page_tells_to_ask_can_be_asked(page: str, query: str) -> None:
    assert unknown(query) == []


def test_what_the_pages_tell_to_ask_is_promql(tmp_path: Path) -> None:
    asked = [{"record": f"asked:{number}", "expr": query} for number, (_, query) in enumerate(pages_queries())]
    path = tmp_path / "asked.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}), encoding="utf-8")
    promtool("check", "rules", str(path))


def test_a_worker_is_expected_of_every_stage() -> None:
    expected = [rule["labels"] for rule in rules() if rule.get("record") == "stage:convmine_expected"]
    assert {(one["stage"], one["lane"]) for one in expected} == {(one.name, str(one.lane)) for one in STAGES}


def test_every_stage_is_scraped() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs if "dns_sd_configs" in job}
    assert set(found["convmine-worker"]["names"]) == {f"{stage.name}-{stage.lane}" for stage in STAGES}
    assert {(one["type"], one["port"]) for one in found.values()} == {("A", 9464)}
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {name for one in found.values() for name in one["names"]} - services.keys() == set()
