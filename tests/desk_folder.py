"""A folder with one scenario of its own, ``desk``, and three versions of a prompt ``greet`` in English."""

from __future__ import annotations

import shutil
from pathlib import Path

import pipeline.scenarios

_TELECOM = Path(pipeline.scenarios.__file__).parent / "telecom"


def desk_folder(parent: Path) -> Path:
    """Makes ``parent/desk``: a copy of what ships, under another name."""
    folder = parent / "desk"
    shutil.copytree(_TELECOM, folder)
    change(folder / "scenario.yaml", "id: telecom", "id: desk")
    for number in (1, 2, 3):
        greet(folder, number)
    return folder


def greet(folder: Path, number: int, *, language: str = "en", say: str = "") -> Path:
    """Writes a version of the prompt."""
    front = f"id: greet\nversion: {number}\nscenario: desk\nlanguage: {language}\nparameters: []\n"
    file = folder / language / "prompts" / f"greet.v{number}.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"---\n{front}---\n# system\nBe brief {number}. {say}\n# user\nHello.\n", encoding="utf-8")
    return file


def change(file: Path, old: str, new: str) -> None:
    """Puts other words into a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
