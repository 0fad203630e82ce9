"""Recordings with what is said in them, from any of the forms that people keep them in."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConvmineError
from schemas.wire import Role

_AUDIO_SUFFIXES = (".wav", ".ogg", ".flac", ".mp3", ".m4a", ".aac", ".opus")
_LIST: Final = re.compile(r"transcription|(.+[._-])?trans\.txt")
_SPHINX_LINE: Final = re.compile(r"\s*(?:<s>)?(.*?)(?:</s>)?\s*\(([^()\s]+)\)\s*")
_LOCALE: Final = re.compile(r"(?:^|_)([a-z]{2}-[A-Z]{2})$")
_SIDES: Final = "(?P<side>agent|caller|customer)"
_SIDE_FIRST: Final = re.compile(rf"{_SIDES}(?:[._-](?P<call>.+))?", re.IGNORECASE)
_SIDE_LAST: Final = re.compile(rf"(?P<call>.+)[._-]{_SIDES}", re.IGNORECASE)


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

    A folder holds calls as convmine writes them (``name.json`` beside its audio), pairs of ``name.wav`` and
    ``name.txt`` or ``name.ref.txt``, lists (``trans.txt``, ``transcription``), or folders that do. A name that begins
    or ends with ``agent``, ``caller`` or ``customer`` is that side of a call. A file is JSONL of ``{"audio", "text"}``,
    TSV or CSV with these columns, or such a list; audio lies relative to it.

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
        if path.is_dir():
            yield from _of_folder(path)
        elif path.suffix == ".json" and (audio := _audio_beside(path, path.stem)) is not None:
            yield from _of_call(path, audio)
        elif _LIST.fullmatch(path.name):
            yield from _of_list(path)
        elif path.suffix == ".txt" and (audio := _audio_beside(path, path.stem.removesuffix(".ref"))) is not None:
            call_id, role = _side(audio)
            yield Reference(call_id, audio, path.read_text(encoding="utf-8-sig"), role=role)


def _audio_beside(path: Path, stem: str) -> Path | None:
    return next((audio for suffix in _AUDIO_SUFFIXES if (audio := path.parent / f"{stem}{suffix}").is_file()), None)


def _side(audio: Path) -> tuple[str, Role]:
    """The call that a file is of, and whose side of it, as its name says: ``agent_17.wav``, ``17.customer.wav``."""
    if (found := _SIDE_FIRST.fullmatch(audio.stem) or _SIDE_LAST.fullmatch(audio.stem)) is None:
        return audio.stem, Role.UNKNOWN
    role = Role.AGENT if found["side"].lower() == "agent" else Role.CUSTOMER
    return found["call"] or audio.parent.name, role


def _of_list(path: Path) -> Iterator[Reference]:
    """Lines of a name and its words, or of ``<s> words </s> (name)``; the folder's name may end in a locale."""
    locale = _LOCALE.search(path.parent.name)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        if found := _SPHINX_LINE.fullmatch(line):
            text, name = found.groups()
        else:
            name, _, text = line.strip().replace("\t", " ", 1).partition(" ")
        audio = path.parent / name if (path.parent / name).is_file() else _audio_beside(path, name)
        if audio is None or not text.strip():
            raise ReferencesUnreadable(f"{path}: line {number} names no audio beside it, or no words: {line[:60]!r}")
        yield Reference(audio.stem, audio, text.strip(), language=locale and locale[1])


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
    if _LIST.fullmatch(path.name):
        yield from _of_list(path)
        return
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
