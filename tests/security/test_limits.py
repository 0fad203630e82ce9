"""What comes from outside is as large as docs/limits.md says, and no larger: every row of its tables is tried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from limits_of_files import FILES
from limits_of_requests import REQUESTS

from pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "limits.md"
CHECKS = {**REQUESTS, **FILES}


def rows() -> dict[str, tuple[int, str, str]]:
    """By what: the limit, what sets it, and what is told beyond it."""
    told = re.findall(r"^\| (.+?) \| ([\d,]+) [a-zA-Z]+ \| `(.+?)` \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {what: (int(most.replace(",", "")), setter, beyond) for what, most, setter, beyond in told}


def test_every_row_is_tried_and_nothing_else() -> None:
    written = re.findall(r"^\| (?!What |---)(.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert written == list(CHECKS)
    assert set(rows()) == set(CHECKS), "each has a number and what sets it"


def test_what_sets_a_limit_is_there_and_settings_have_it_as_their_default() -> None:
    settings = {
        f"CONVMINE_{group}_{name}".upper(): field.default
        for group, of in Settings.model_fields.items()
        for name, field in getattr(of.annotation, "model_fields", {}).items()
    }
    for what, (limit, setter, _) in rows().items():
        if setter.startswith("CONVMINE_"):
            assert settings[setter] == limit, what
        else:
            assert (ROOT / setter).is_file(), what


@pytest.mark.parametrize("what", CHECKS)
async def test_a_limit_itself_is_taken_and_one_more_is_refused_as_it_is_written(what: str, tmp_path: Path) -> None:
    limit, _, beyond = rows()[what]
    at, over = await CHECKS[what](limit, tmp_path)
    assert at == "taken"
    assert str(over) == beyond
