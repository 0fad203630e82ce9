from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "check-links"


def check(folder: Path, *pages: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *pages], cwd=folder, capture_output=True, text=True, check=False
    )


def page(folder: Path, text: str, name: str = "page.md") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_links_that_lead_somewhere_pass(tmp_path: Path) -> None:
    page(tmp_path, "# How it works: *the* `runtime`\n\n# 安装\n\n# Twice\n\n# Twice\n", "docs/a.md")
    (tmp_path / "with space.txt").touch()
    text = (
        "[a](docs/a.md) [b](docs/a.md#how-it-works-the-runtime) [c](docs/a.md#安装) [d](docs/a.md#twice-1)\n"
        "[e](with%20space.txt) [f](#here) [g](https://example.org/none) [h](mailto:a@example.org)\n"
        "# Here\n[i]: docs/a.md 'title'\n"
    )
    done = check(tmp_path, page(tmp_path, text))
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("\n[a](none.md)\n", "page.md:2: none.md: there is no none.md"),
        ("# Here\n[a](#there)\n", "page.md:2: #there: page.md has no such heading"),
        ("![picture](docs/none.svg)", "page.md:1: docs/none.svg"),
        ("[a]: none.md\n", "page.md:1: none.md"),
        ('<img alt="x" src="none.png">', "page.md:1: none.png"),
        ("[![badge](none.svg)](page.md)", "page.md:1: none.svg"),
        ("```\nx\n```\n`code` [a](none.md)", "page.md:4: none.md"),
    ],
)
def test_a_dead_link_is_named_with_its_line(tmp_path: Path, text: str, finding: str) -> None:
    done = check(tmp_path, page(tmp_path, text))
    assert done.returncode == 1
    assert finding in done.stdout


@pytest.mark.parametrize("text", ["`[a](none.md)`", "```\n[a](none.md)\n```\n", "~~~\n# Here [a](none.md)\n~~~\n"])
def test_code_holds_no_links(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, page(tmp_path, text)).returncode == 0


def test_without_pages_it_says_how_it_is_used(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
