"""The types for TypeScript are those of the schemas, and the programs of their README compile with them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "typescript"
OPTIONS = ["--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
_PROGRAM = re.compile(r"```ts\n(.*?)```", re.DOTALL)
WRONG = {
    "a field that is none": (
        'import type { SuggestionCreated } from "convmine-events";\n'
        "export const text = (one: SuggestionCreated): string => one.words;\n"
    ),
    "an event that is none": (
        'import type { StreamEvent } from "convmine-events";\n'
        'export const is = (one: StreamEvent): boolean => one.type === "suggestion.made";\n'
    ),
    "a field that may be missing": (
        'import type { SuggestionCreated } from "convmine-events";\n'
        "export const by = (one: SuggestionCreated): string => one.phrased_by;\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which the types are installed."""
    installed = tmp_path / "node_modules" / "convmine-events"
    shutil.copytree(CLIENT, installed)
    return tmp_path


def compiled(tsc: Path, project: Path, program: str) -> subprocess.CompletedProcess[str]:
    (project / "program.ts").write_text(program, encoding="utf-8")
    command = [str(tsc), *OPTIONS, "program.ts"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=100)


def test_the_types_are_those_of_the_schemas() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "typescript-types"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(240)
def test_the_programs_of_the_readme_compile(tsc: Path, project: Path) -> None:
    programs = _PROGRAM.findall((CLIENT / "README.md").read_text(encoding="utf-8"))
    assert len(programs) == 2
    for program in programs:
        done = compiled(tsc, project, program)
        assert done.returncode == 0, done.stdout


@pytest.mark.timeout(240)
@pytest.mark.parametrize("what", WRONG)
def test_what_the_events_have_not_does_not_compile(tsc: Path, project: Path, what: str) -> None:
    done = compiled(tsc, project, WRONG[what])
    assert done.returncode != 0
    assert "program.ts(2" in done.stdout
