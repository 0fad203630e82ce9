from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.settings import PREFIX, SHARED, Group, Settings

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "scripts" / "settings-reference"
PAGE = ROOT / "docs" / "configuration.md"


def settings_reference(
    *arguments: str, script: Path = SCRIPT, home: str | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **({} if home is None else {"HOME": home})}
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def variables() -> set[str]:
    return {
        PREFIX + "_".join(part for part in (group, name) if part).upper()
        for group, field in Settings.model_fields.items()
        for name in (type(field.default).model_fields if isinstance(field.default, Group) else [""])
    }


def test_the_page_is_up_to_date() -> None:
    done = settings_reference("--check")
    assert done.returncode == 0, done.stderr


def test_the_page_has_a_row_with_a_description_for_every_setting() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:.+) \| (?:.*) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in rows} == variables()
    assert len(rows) == len(variables())
    assert all(re.search(r"[A-Za-z]{3}", text) for _, text in rows)


def test_a_path_is_called_a_file_or_a_folder_as_its_description_says() -> None:
    rows = re.findall(
        r"^\| `\w+` \| (file|folder) \| .* \| (\w+)[^|]* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) > 15
    assert [row for row in rows if row[0] != row[1].lower()] == []


def test_the_page_names_the_variables_of_other_tools() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in rows} == set(SHARED)
    assert {serves for _, serves in rows} <= variables()


@pytest.mark.parametrize("home", ["/", "/home/somebody"])
def test_the_page_is_the_same_on_every_machine(home: str) -> None:
    done = settings_reference(home=home)
    assert (done.returncode, done.stdout) == (0, PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [None, "# Configuration\n"])
def test_a_page_that_is_missing_or_old_fails_the_check(tmp_path: Path, page: str | None) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs").mkdir()
    script = Path(shutil.copy(SCRIPT, tmp_path / "scripts"))
    if page is not None:
        (tmp_path / "docs" / "configuration.md").write_text(page, encoding="utf-8")
    done = settings_reference("--check", script=script)
    assert done.returncode == 1
    assert done.stderr == (
        "docs/configuration.md is not up to date: scripts/settings-reference > docs/configuration.md\n"
    )


def test_wrong_usage_is_answered_with_the_right_one() -> None:
    done = settings_reference("--write")
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
