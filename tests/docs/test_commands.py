"""Every command of README.md and docs/tutorial.md is run as it stands there, and what they show is what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import DOCS, ROOT, Block, blocks
from doc_shell import checkout, missing, typed

PAGES = {"README.md": ROOT / "README.md", "tutorial.md": DOCS / "tutorial.md"}
NOT_RUN = {"README.md": 0, "tutorial.md": 0}
"""How many blocks of each page cannot run here: each says why in a comment before it, ``<!-- not run: why -->``."""
REASON = re.compile(r"not run: \w.{10,}", re.DOTALL)


def commands(page: str) -> list[Block]:
    """The blocks of a page that are typed."""
    return [block for block in blocks(PAGES[page], "sh", "console", "bash") if not REASON.match(block.comment)]


def shown(page: str) -> list[tuple[int, str]]:
    """What a page shows as output, each with the number of commands that stand before it."""
    found, before = [], 0
    for block in blocks(PAGES[page]):
        if block.language == "text":
            found.append((before, block.code))
        before += block in commands(page)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_block_that_is_not_run_says_why_and_is_counted(page: str) -> None:
    here = blocks(PAGES[page], "sh", "console", "bash")
    assert len(here) - len(commands(page)) == NOT_RUN[page]
    assert commands(page)


@pytest.mark.parametrize("page", PAGES)
def test_no_block_goes_without_a_language(page: str) -> None:
    assert [block.code for block in blocks(PAGES[page]) if not block.language] == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_every_command_works_as_typed_and_prints_what_is_shown(page: str, tmp_path: Path) -> None:
    said = typed(commands(page), checkout(tmp_path), timeout_s=850)
    assert len(said) == len(commands(page))
    for before, expected in shown(page):
        assert missing(expected, "\n".join(said[:before])) == []


def test_what_is_shown_is_compared_loosely_but_compared() -> None:
    assert missing("took 3 s\n… nine more …\n", "it took 12 s,\nnot more") == []
    assert missing("ask_price (0.97): “what\n", "ask_price (0.11): “what") == []
    assert missing("suggestion at 00:49: Make it\n", "suggestion at 00:49: Do it") == ["suggestion at 0 Make it"]
