from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.knowledge.adding import Added, Offered
from pipeline.knowledge.offering import Folder, of_file, of_folder, urls_in
from pipeline.knowledge.page import MOST_BYTES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "faq"
    (path / "sub").mkdir(parents=True)
    (path / ".git").mkdir()
    for name in ("b.md", "a.txt", "sub/c.csv", ".hidden.md", ".git/d.md", "program.exe"):
        (path / name).write_text(name)
    return path


def offered(path: Path) -> dict[str, str]:
    return {
        one.source: one.reason if isinstance(one, Added) else one.data.decode()
        for one in of_folder(Folder(path, "faq"))
    }


def test_the_documents_of_a_folder_are_named_by_where_they_are_in_it(folder: Path) -> None:
    assert offered(folder) == {"faq/a.txt": "a.txt", "faq/b.md": "b.md", "faq/sub/c.csv": "sub/c.csv"}


def test_a_link_out_of_the_folder_is_refused_and_one_within_it_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.md").write_text("secret")
    (folder / "out.md").symlink_to(tmp_path / "secret.md")
    (folder / "in.md").symlink_to(folder / "b.md")
    (folder / "dir").symlink_to(tmp_path / "elsewhere")
    found = offered(folder)
    assert "leads out" in found["faq/out.md"]
    assert found["faq/in.md"] == "b.md"
    assert "secret" not in found.values()
    assert not any(name.startswith("faq/dir") for name in found)


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "large.md").open("wb") as file:
        file.truncate(4 * MOST_BYTES)
    assert "bytes" in offered(folder)["faq/large.md"]


def test_what_is_no_file_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert offered(folder)["faq/pipe.md"] == "it is no file"
    assert of_file(folder / "gone.md", "gone.md") == Added(
        "gone.md", "failed", reason="it cannot be read: No such file or directory"
    )


def test_a_file_is_offered_as_it_is(folder: Path) -> None:
    assert of_file(folder / "b.md", "b.md") == Offered("b.md", b"b.md")


def test_a_text_file_of_addresses_alone_is_a_list(tmp_path: Path) -> None:
    listed = tmp_path / "pages.txt"
    listed.write_text("# ours\nhttps://a.example/x\n\nhttps://a.example/y\nhttps://a.example/x\n")
    assert urls_in(listed) == ("https://a.example/x", "https://a.example/y")
    listed.write_text("https://a.example/x\nand some words\n")
    assert urls_in(listed) == ()
    listed.write_text("\n")
    assert urls_in(listed) == ()
