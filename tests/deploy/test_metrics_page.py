"""docs/metrics.md is exact: what it lists is what the code registers, with these types and labels, both ways."""

from __future__ import annotations

import re

from measured_names import ROOT, Metric, in_code

ROW = re.compile(r"^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


def listed() -> dict[str, Metric]:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {name: Metric(kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(page)}


def test_every_metric_of_the_code_is_on_the_page_as_it_is_and_no_other() -> None:
    assert listed() == dict(in_code())


def test_no_label_is_a_call_a_customer_an_agent_or_a_tenant() -> None:
    labels = {label for metric in in_code().values() for label in metric.labels}
    assert not [label for label in labels if re.search("call|customer|agent|tenant|user", label)]
