from __future__ import annotations

from typing import Any

import pytest

from schemas.release import Problem, findings


def contract(version: str = "1.0", *, required: tuple[str, ...] = ("id",), **properties: Any) -> dict[str, Any]:
    return {
        "$id": f"urn:convmine:schema:call.tagged:{version}",
        "type": "object",
        "required": list(required),
        "properties": {"id": {"type": "string"}} | properties,
    }


V1 = "call.tagged.v1.json"
V2 = "call.tagged.v2.json"
NOTE = {"type": "string"}


def test_what_is_unchanged_passes() -> None:
    assert findings({V1: contract()}, {V1: contract()}) == []


@pytest.mark.parametrize(
    ("released", "generated", "problem", "fix"),
    [
        ({}, {V1: contract()}, Problem.MISSING, "run convmine schema export"),
        ({V1: contract()}, {V1: contract("1.1", note=NOTE)}, Problem.STALE, "run convmine schema export"),
        ({V1: contract()}, {V1: contract() | {"title": "x"}}, Problem.STALE, "run convmine schema export"),
        ({V1: contract()}, {V1: contract(note=NOTE)}, Problem.MINOR_NOT_RAISED, "call.tagged to (1, 1)"),
        ({V1: contract()}, {V1: contract("1.1", required=())}, Problem.INCOMPATIBLE, "call.tagged to (2, 0)"),
        ({V1: contract("1.3")}, {V1: contract("1.2")}, Problem.VERSION_LOWERED, "at least (1, 3)"),
        ({V2: contract("2.0")}, {V1: contract()}, Problem.VERSION_LOWERED, "at least (2, 0)"),
        ({V1: contract()}, {}, Problem.EVENT_REMOVED, "put call.tagged back"),
    ],
)
def test_each_problem_says_what_to_do(
    released: dict[str, Any], generated: dict[str, Any], problem: Problem, fix: str
) -> None:
    found = {finding.problem: finding for finding in findings(released, generated)}
    assert fix in found[problem].fix


def test_an_incompatible_contract_passes_as_a_new_major_version_beside_the_old_one() -> None:
    released = {V1: contract(), V2: contract("2.0", required=())}
    assert findings(released, {V2: contract("2.0", required=())}) == []


def test_a_minor_version_that_is_raised_twice_before_a_release_is_fine() -> None:
    (finding,) = findings({V1: contract("1.0")}, {V1: contract("1.2", note=NOTE)})
    assert finding.problem is Problem.STALE
    assert not finding.breaks_a_release


def test_a_file_that_is_no_contract_is_named() -> None:
    with pytest.raises(ValueError, match=r"notes\.json is not named like a contract"):
        findings({"notes.json": {}}, {})
