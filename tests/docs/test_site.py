"""The site: it builds without a warning, loads nothing from elsewhere, and names tests that there are."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import DOCS, ROOT

ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preconnect|preload|icon))[^>]*\bhref=["']?(?:https?:)?//"""
    r"""|@import\s+(?:url\()?["']?https?:|url\(["']?https?:""",
    re.IGNORECASE,
)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `mkdocs build --strict` makes it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_the_site(site: Path) -> None:
    written = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    named = {path.with_name("index.html") if path.name == "README.html" else path for path in written}
    assert len(named) > 30
    assert [str(path) for path in sorted(named) if not (site / path).is_file()] == []


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    found = {str(path.relative_to(site)): hit[0] for path in files if (hit := ELSEWHERE.search(path.read_text()))}
    assert found == {}


def test_no_diagram_is_given_to_a_script_that_is_fetched(site: Path) -> None:
    drawn = [path.name for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text()]
    assert drawn == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("see [`a.py`](../workers/a.py)", "see `workers/a.py`"),
        ("see [the code](../workers/a.py#x)", "see the code (`workers/a.py`)"),
        ("see [metrics](metrics.md) and ![x](../a.png)", "see [metrics](metrics.md) and ![x](../a.png)"),
        ("```\n[a](../b)\n```\n", "```\n[a](../b)\n```\n"),
    ],
)
def test_a_link_that_leaves_the_site_names_the_file(text: str, said: str) -> None:
    spec = importlib.util.spec_from_file_location("outside_links", ROOT / "scripts" / "site" / "outside_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.led_home(text, "page.md", None) == said
    with_repository = module.led_home("[a](../../b.py)", "how-to/page.md", "https://git.example/x/")
    assert with_repository == "[a](https://git.example/x/blob/HEAD/b.py)"


def test_every_test_that_a_promise_names_is_there() -> None:
    named = TEST.findall((DOCS / "guarantees.md").read_text(encoding="utf-8"))
    assert len(named) > 25
    assert [f"{file}::{name}" for file, name in named if not _is_there(ROOT / file, name)] == []


def _is_there(file: Path, name: str) -> bool:
    if not file.is_file():
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tests = {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions)}
    return not name or name in tests


def test_the_reference_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_reference_names_every_command_event_and_operation() -> None:
    from pipeline.stages import STAGES, TOPICS
    from schemas.registry import PAYLOADS
    from workers.cli import _COMMANDS

    pages = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")}
    assert [name for name in _COMMANDS if f"## convmine {name}\n" not in pages["cli.md"]] == []
    assert [name for name in PAYLOADS if f"\n## {name}\n" not in pages["events.md"]] == []
    assert [topic.name for topic in TOPICS if f"`{topic.name}`" not in pages["topics.md"]] == []
    assert [stage.group for stage in STAGES if f"`{stage.group}`" not in pages["topics.md"]] == []
    assert "`POST /v1/calls`" in pages["http.md"]
    assert "`GET /v1/streams`" in pages["http.md"]
