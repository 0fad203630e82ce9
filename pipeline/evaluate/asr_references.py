"""Recordings with what is said in them, from any of the forms that people keep them in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.errors import ConvmineError
from schemas.wire import Role

_AUDIO_SUFFIXES = (".wav", ".ogg", ".flac", ".mp3", ".m4a", ".aac", ".opus")


class ReferencesUnreadable(ConvmineError):
    """The references cannot be read; the message names the file."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What one channel of a recording says; ``held_out`` recordings are kept out of all tuning."""

    call_id: str
    audio: Path
    text: str
    channel: int = 0
    role: Role = Role.UNKNOWN
    language: str | None = None
    held_out: bool = False


def sample_calls() -> Path:
    """The folder of the calls that ship with convmine."""
    return Path(str(files("pipeline") / "samples" / "calls"))


def read_references(path: Path) -> list[Reference]:
    """References of a folder or a file, in order of their names or lines.

    A folder holds calls as convmine writes them (``name.json`` beside its audio), or pairs of ``name.wav`` and
    ``name.txt``. A file is JSONL of ``{"audio", "text"}``, or TSV or CSV with these columns; audio lies relative to it.

    Raises:
        ReferencesUnreadable: nothing is there, or it is of no known form.
    """
    try:
        found = list(_of_folder(path) if path.is_dir() else _of_file(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ReferencesUnreadable(f"{path} cannot be read: {error}") from error
    if not found:
        raise ReferencesUnreadable(
            f"{path} holds no references",
            hint="give a folder of name.wav with name.txt, or JSONL or TSV with the fields audio and text",
        )
    return found


def _of_folder(folder: Path) -> Iterator[Reference]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json" and (audio := _audio_beside(path)) is not None:
            yield from _of_call(path, audio)
        elif path.suffix == ".txt" and (audio := _audio_beside(path)) is not None:
            yield Reference(path.stem, audio, path.read_text(encoding="utf-8"))


def _audio_beside(path: Path) -> Path | None:
    return next((audio for suffix in _AUDIO_SUFFIXES if (audio := path.with_suffix(suffix)).is_file()), None)


def _of_call(path: Path, audio: Path) -> Iterator[Reference]:
    """A call's channels, each with the text of its turns in order of start."""
    try:
        call = json.loads(path.read_text(encoding="utf-8"))
        turns = sorted(call["turns"], key=lambda turn: turn["start_ms"])
        for channel in call["channels"]:
            index = int(channel["index"])
            yield Reference(
                call_id=str(call["call_id"]),
                audio=audio,
                text=" ".join(turn["text"] for turn in turns if turn["channel"] == index),
                channel=index,
                role=Role(channel["role"]),
                language=call.get("language"),
                held_out=bool(call.get("held_out", False)),
            )
    except (KeyError, TypeError, ValueError) as error:
        raise ReferencesUnreadable(f"{path} is no call with channels and turns: {error!r}") from error


def _of_file(path: Path) -> Iterator[Reference]:
    for number, row in enumerate(_rows(path), 1):
        try:
            audio = path.parent / str(row["audio"])
            yield Reference(
                call_id=str(row.get("call_id") or Path(str(row["audio"])).stem),
                audio=audio,
                text=str(row["text"]),
                channel=int(row.get("channel") or 0),
                role=Role(row.get("role") or Role.UNKNOWN),
                language=row.get("language") or None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReferencesUnreadable(f"{path}: entry {number} needs the fields audio and text: {error!r}") from error


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix in {".tsv", ".csv"}:
        return list(csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ","))
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise ReferencesUnreadable(
            f"{path} is no JSONL: line {error.lineno}: {error.msg}", hint="TSV files end in .tsv"
        ) from error
