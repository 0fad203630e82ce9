"""``convmine kb`` as a person uses it, on a folder with documents of every format."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine
from written_documents import HTML, WORDS, docx, pdf

from pipeline.store.connections import Folder


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    folder = tmp_path / "faq"
    folder.mkdir()
    (folder / "terms.md").write_text("# Terms\n\nReturns are free within thirty days.\n", encoding="utf-8")
    (folder / "page.html").write_text(HTML, encoding="utf-8")
    (folder / "warranty.docx").write_bytes(docx())
    (folder / "handbook.pdf").write_bytes(pdf("Ask for the receipt first."))
    (folder / "faq.csv").write_text("Question,Answer\nWhere is my bill?,It is in the app.\n", encoding="utf-8")
    (folder / "zh.md").write_text("# 保修\n\n保修期两年。\n", encoding="utf-8")
    return folder


def test_a_folder_is_added_once_and_listed(convmine: Convmine, faq: Path) -> None:
    done = convmine("kb", "add", str(faq), "--scenario", "telecom", "--by", "kim", "--json")
    assert done.code == 0, done.stderr
    added = {one["source"]: (one["what"], one["language"]) for one in json.loads(done.stdout)["items"]}
    names = ("faq.csv", "handbook.pdf", "page.html", "terms.md", "warranty.docx")
    assert added == {**{f"faq/{name}": ("added", "en") for name in names}, "faq/zh.md": ("added", "zh")}
    again = json.loads(convmine("kb", "add", str(faq), "--scenario", "telecom", "--json").stdout)
    assert {one["what"] for one in again["items"]} == {"unchanged"}
    listed = json.loads(convmine("kb", "list", "--json").stdout)
    assert listed["next"] is None
    assert {(one["source"], one["version"], one["added_by"]) for one in listed["items"]} == {
        (source, 1, "kim") for source in added
    }
    assert "faq/terms.md" in convmine("kb", "list", "--scenario", "telecom").stdout
    assert json.loads(convmine("kb", "list", "--scenario", "support", "--json").stdout)["items"] == []


def test_a_file_that_is_gone_is_told_and_taken_out_when_that_is_asked_for(convmine: Convmine, faq: Path) -> None:
    convmine("kb", "add", str(faq), "--scenario", "telecom")
    (faq / "terms.md").unlink()
    (faq / "zh.md").write_text("# 保修\n\n保修期三年。\n", encoding="utf-8")
    told = convmine("kb", "add", str(faq), "--scenario", "telecom")
    assert "still known: faq/terms.md" in told.stdout
    assert "1 changed, 4 unchanged" in told.stdout
    pruned = json.loads(convmine("kb", "add", str(faq), "--scenario", "telecom", "--prune", "--json").stdout)
    assert [one["source"] for one in pruned["gone"]] == ["faq/terms.md"]
    left = {one["source"]: one["version"] for one in json.loads(convmine("kb", "list", "--json").stdout)["items"]}
    assert "faq/terms.md" not in left
    assert left["faq/zh.md"] == 2


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_added(convmine: Convmine, faq: Path) -> None:
    (faq / "broken.pdf").write_bytes(b"hello")
    done = convmine("kb", "add", str(faq), "--scenario", "telecom", "--prune", "--json")
    assert done.code == 1
    failed = [one for one in json.loads(done.stdout)["items"] if one["what"] == "failed"]
    assert [(one["source"], one["reason"]) for one in failed] == [("faq/broken.pdf", "it is no PDF")]
    (faq / "terms.md").write_bytes(bytes(range(256)) * 10)
    done = convmine("kb", "add", str(faq), "--scenario", "telecom", "--prune", "--json")
    assert json.loads(done.stdout)["gone"] == []
    assert "faq/terms.md" in convmine("kb", "list").stdout


def test_a_document_is_removed_by_its_name_or_id(convmine: Convmine, faq: Path) -> None:
    convmine("kb", "add", str(faq), "--scenario", "telecom")
    convmine("kb", "add", str(faq / "terms.md"), "--scenario", "support")
    convmine("kb", "add", str(faq), "--as", "faq", "--scenario", "support")
    ids = {one["source"]: one["document_id"] for one in json.loads(convmine("kb", "list", "--json").stdout)["items"]}
    both = convmine("kb", "remove", "faq/page.html")
    assert both.code == 1
    assert "--scenario" in both.stderr
    assert convmine("kb", "remove", "faq/page.html", "--scenario", "telecom").code == 0
    assert "taken out: terms.md" in convmine("kb", "remove", ids["terms.md"]).stdout
    missing = convmine("kb", "remove", "terms.md")
    assert (missing.code, "convmine kb list" in missing.stderr) == (1, True)


def test_the_check_tells_what_is_wrong_and_strict_fails(convmine: Convmine, faq: Path) -> None:
    for name in ("other.md", "copy.md"):
        (faq / name).write_text("# Warranty\n\nThe warranty lasts three years from purchase.\n", encoding="utf-8")
    convmine("kb", "add", str(faq), "--scenario", "telecom")
    questions = faq.parent / "questions.txt"
    questions.write_text("Where is my bill?\nDo you sell watches?\n保修期多久\n", encoding="utf-8")
    done = convmine("kb", "check", "--scenario", "telecom", "--questions", str(questions), "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    quotes = {(one["one"]["text"], one["other"]["text"]) for one in found["contradictions"]}
    assert ("The warranty lasts three years from purchase.", WORDS) in quotes
    assert [(one["one"]["source"], one["other"]["source"], one["likeness"]) for one in found["duplicates"]] == [
        ("faq/copy.md", "faq/other.md", 1.0)
    ]
    assert (found["hits"]["asked"], found["hits"]["answered"]) == (3, 2)
    assert [one["question"] for one in found["hits"]["misses"]] == ["Do you sell watches?"]
    shown = convmine("kb", "check", "--scenario", "telecom", "--questions", str(questions))
    assert "contradictions:" in shown.stdout
    assert "2 of 3 questions have an answer (67%)" in shown.stdout
    assert convmine("kb", "check", "--scenario", "telecom", "--strict").code == 1


def test_where_no_stored_call_asks_anything_there_is_no_hit_rate(analyst: Convmine) -> None:
    hits = convmine_checked(analyst, "--since", "2020-01-01")["hits"]
    assert (hits["asked"], hits["hit_rate"], hits["misses"]) == (0, None, [])


def convmine_checked(convmine: Convmine, *arguments: str) -> dict[str, dict[str, Any]]:
    done = convmine("kb", "check", "--scenario", "telecom", "--json", *arguments)
    assert done.code == 0, done.stderr
    checked: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return checked


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "{faq}", "--scenario", "nowhere"), 1, "convmine scenario list"),
        (("add", "{faq}", "--scenario", "telecom", "--language", "fr"), 1, "en, zh"),
        (("add", "{faq}/gone.md", "--scenario", "telecom"), 2, "does not exist"),
        (("add", "{faq}/terms.md", "--scenario", "telecom", "--as", "x"), 2, "--as"),
        (("check", "--scenario", "nowhere"), 1, "convmine scenario list"),
        (("check", "--scenario", "telecom", "--questions", "{faq}/zh.md", "--since", "1d"), 2, "--since"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_line(
    convmine: Convmine, faq: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = convmine("kb", *(one.format(faq=faq) for one in arguments))
    assert done.code == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_store_that_another_process_has_open_is_said(convmine: Convmine, faq: Path, tmp_path: Path) -> None:
    held = Folder(tmp_path / "qdrant")
    await held.run(lambda client: client.get_collections())
    try:
        done = await asyncio.to_thread(convmine, "kb", "add", str(faq), "--scenario", "telecom")
        assert done.code == 1
        assert "in use" in done.stderr
    finally:
        await held.close()


def test_markup_in_a_page_is_shown_as_text(convmine: Convmine, faq: Path) -> None:
    (faq / "steering.md").write_text(
        "# \x1b[31m[bold]x[/bold]\n\n<script>alert(1)</script> " + "and so on " * 20, encoding="utf-8"
    )
    done = convmine("kb", "add", str(faq), "--scenario", "telecom")
    assert done.code == 0
    shown = convmine("kb", "list").stdout
    assert "[bold]x[/bold]" in shown
    assert "\x1b[31m" not in shown
