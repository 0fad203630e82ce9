"""The rules of the house: which way imports point, what loads when, where settings are read."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.stages import STAGES, TOPICS
from schemas.registry import PAYLOADS

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "schemas": {"pipeline", "workers"},
    "pipeline": {"workers", "kafka", "aiokafka", "faust", "mode", "fastapi", "uvicorn", "starlette", "nicegui"},
    "workers": set[str](),
}
VENDORS = {
    *("torch", "whisper", "faster_whisper", "sklearn", "openai", "qdrant_client", "pocketsphinx", "jieba", "wordllama"),
    *("faust", "kafka", "aiokafka", "boto3", "botocore", "cryptography", "phonenumbers", "stdnum", "ahocorasick"),
    *("duckdb", "pyarrow", "matplotlib"),
}
VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "base", "misc"}


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a file names, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def loaded_by(modules: list[str]) -> set[str]:
    """The top-level packages in ``sys.modules`` of a fresh interpreter that imported these modules."""
    code = (
        "import importlib, json, sys\n"
        "before = set(sys.modules)\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_imports_point_one_way(package: str) -> None:
    found = files(package)
    assert found
    wrong = {str(path.relative_to(ROOT)): bad for path in found if (bad := FORBIDDEN[package] & set(imports(path)))}
    assert wrong == {}


def test_schemas_name_only_pydantic_and_the_standard_library() -> None:
    allowed = {"schemas", "pydantic", "pydantic_core", "typing_extensions", "annotated_types"} | sys.stdlib_module_names
    wrong = {str(path.relative_to(ROOT)): bad for path in files("schemas") if (bad := set(imports(path)) - allowed)}
    assert wrong == {}


def test_schemas_load_only_pydantic_and_the_standard_library() -> None:
    allowed = {
        *("schemas", "pydantic", "pydantic_core", "typing_extensions", "annotated_types", "typing_inspection"),
        *sys.stdlib_module_names,
    }
    loaded = loaded_by([module_name(path) for path in files("schemas")])
    third_party = {name for name in loaded - allowed if not name.startswith("_")}
    assert third_party == set()


def test_the_pipeline_loads_no_vendor_before_it_is_used() -> None:
    loaded = loaded_by([module_name(path) for path in files("pipeline")])
    assert loaded & VENDORS == set()


def test_the_environment_is_read_in_settings_alone() -> None:
    readers = set()
    for path in [*files("schemas"), *files("pipeline"), *files("workers")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            attribute = isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "getenvb"}
            names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set[str]()
            if attribute or names & {"environ", "environb", "getenv", "getenvb"}:
                readers.add(str(path.relative_to(ROOT)))
    assert readers <= {"pipeline/settings/reading.py"}


def test_every_topic_of_a_stage_is_a_topic_of_ours() -> None:
    known = {topic.name for topic in TOPICS}
    named = {topic for stage in STAGES for topic in (*stage.reads, *stage.writes)}
    set_aside = {stage.dead_letters(topic) for stage in STAGES for topic in stage.reads}
    assert (named | set_aside) - known == set()
    assert len(known) == len(TOPICS)


def test_every_topic_carries_events_that_exist() -> None:
    carried = {event for topic in TOPICS for event in topic.events}
    assert carried
    assert carried - set(PAYLOADS) == set()
    assert {topic.name for topic in TOPICS if not topic.events and not topic.internal} == {
        stage.dead_letters(topic) for stage in STAGES for topic in stage.reads
    }


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_names_say_what_is_inside(package: str) -> None:
    names = {part for path in files(package) for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & VAGUE == set()


@pytest.mark.alone
def test_help_answers_within_three_tenths_of_a_second() -> None:
    command = [sys.executable, "-c", "from workers.cli import main; main()", "--help"]
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        taken.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
        assert "doctor" in done.stdout
    assert min(taken) < 0.3


def test_the_command_line_starts_without_its_heavy_parts() -> None:
    assert loaded_by(["workers.cli"]) & ({"pydantic", "numpy", "rich", "structlog", "httpx"} | VENDORS) == set()


def test_the_core_installs_no_deep_learning_framework() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    heavy = ("torch", "tensorflow", "openai-whisper", "faster-whisper", "transformers")
    assert not [name for name in project["dependencies"] if name.lower().startswith(heavy)]


@pytest.mark.parametrize("lock", ["core.txt", "local.txt", "dev.txt"])
def test_no_lock_but_that_of_whisper_holds_torch(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
    names = {line.partition("==")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}
    assert "pydantic" in names
    assert names & {"torch", "triton", "openai-whisper"} == set()


def test_every_script_can_be_run() -> None:
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.name.startswith(".")]
    assert scripts
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []
