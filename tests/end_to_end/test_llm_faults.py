"""Every scripted fault of a model's server ends in a valid insight or a clear ``call.failed``; the docs say which."""

from __future__ import annotations

import pytest
from llm_fault_page import PAGE, UPDATE, page, row
from llm_faults import FAULTS, Fault, run

from schemas.insight import CallInsight
from workers.fake_llm.script import Script

LINES = PAGE.read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
async def test_a_fault_ends_in_an_insight_or_a_clear_failure_as_the_docs_say(fault: Fault) -> None:
    ended = await run(fault)
    assert len(ended.insights) + len(ended.failures) == 1
    assert ended.letters == len(ended.failures)
    assert ended.others + 1 == ended.published
    for insight in ended.insights:
        CallInsight.model_validate(insight)
    for failure in ended.failures:
        assert failure["call_id"] == "met"
        assert not failure["reason"].startswith("unexpected")
    assert row(fault, ended) in LINES, f"docs/llm-faults.md is not up to date: {UPDATE}"


def test_the_page_has_a_line_for_each_fault_and_no_other() -> None:
    rows = [line for line in LINES if line.startswith("| ")][2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [fault.name for fault in FAULTS]
    assert "".join(LINES) == page(rows), UPDATE


def test_every_kind_of_step_is_among_the_faults() -> None:
    kinds = set(Script.model_json_schema()["properties"]["steps"]["items"]["discriminator"]["mapping"])
    assert kinds - {step.answer for fault in FAULTS for step in fault.steps} == {"text"}  # which is what one likes
