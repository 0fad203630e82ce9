"""The threat model names code and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"


def named() -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", PAGE.read_text(encoding="utf-8")))


def test_every_file_that_is_named_exists() -> None:
    files = {one for one in named() if "/" in one and "//" not in one and not one.startswith("/")}
    assert len(files) > 20
    assert [one for one in sorted(files) if not (ROOT / one).exists()] == []


def test_every_test_that_is_named_exists() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }
    tests = {one for one in named() if re.fullmatch(r"test_\w+", one)}
    assert len(tests) > 20
    assert sorted(tests - there) == []


def test_every_threat_has_its_code_and_a_test_of_its_own_or_says_what_is_run() -> None:
    rows = re.findall(r"^\| [STRIDE](?:, [STRIDE])* \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 25
    for row in rows:
        threat, defence, code, shown = (cell.strip() for cell in row.split(" | "))
        assert threat, row
        assert defence, row
        assert re.findall(r"`[\w/.-]+`", code), row
        is_run = shown in {"`scripts/check`", "run by hand"}
        assert is_run or re.fullmatch(r"`test_\w+`(, `test_\w+`)*", shown), row


def test_every_boundary_and_every_letter_of_stride_has_a_threat() -> None:
    text = PAGE.read_text(encoding="utf-8")
    boundaries = re.findall(r"^## (\d)\. ", text, re.MULTILINE)
    assert boundaries == sorted(
        set(re.findall(r"\|(\d) ", text.partition("```mermaid")[2].partition("```")[0])) | {"3"}
    )
    assert {letter for row in re.findall(r"^\| ([STRIDE, ]+) \|", text, re.MULTILINE) for letter in row} >= set(
        "STRIDE"
    )
