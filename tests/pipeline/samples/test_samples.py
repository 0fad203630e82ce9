"""The sample calls are what the measurements claim: written after the taxonomy, complete, and untouched."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from pipeline import samples
from pipeline.scenarios.load import shipped
from schemas.wire import Role

CALLS = sorted((samples.folder() / "calls").glob("*.json"))
CHATS = sorted((samples.folder() / "chats").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def sentences(path: Path) -> set[str]:
    said = read(path)
    texts = [turn["text"] for turn in said.get("turns", said.get("messages", ()))]
    parts = [part for text in texts for part in (text, *re.split(r"[^\w\s']+", text))]
    return {plain(part) for part in parts} - {""}


@pytest.mark.parametrize("path", [*CALLS, *CHATS], ids=lambda path: path.stem)
def test_no_sentence_of_a_conversation_stands_among_the_examples_of_the_taxonomy(path: Path) -> None:
    taxonomy = shipped("telecom").edition(read(path)["language"]).taxonomy
    examples = {plain(example) for intent in taxonomy.intents for example in intent.examples}
    assert sentences(path) & examples == set()


@pytest.mark.parametrize("path", [*CALLS, *CHATS], ids=lambda path: path.stem)
def test_every_label_is_an_intent_of_the_taxonomy_that_this_side_may_have(path: Path) -> None:
    said = read(path)
    taxonomy = shipped("telecom").edition(said["language"]).taxonomy
    roles = {intent.name: intent.role for intent in taxonomy.intents}
    for turn in said.get("turns", said.get("messages", ())):
        for label in turn["intents"]:
            assert roles[label] == Role(turn["role"]), (label, turn["text"])


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_a_recording_is_the_one_that_its_description_describes(path: Path) -> None:
    said, audio = read(path), path.with_suffix(".ogg")
    assert hashlib.sha256(audio.read_bytes()).hexdigest() == said["sha256"]
    info = soundfile.info(audio)
    assert info.channels == 2
    assert 40 <= info.duration <= 90
    assert abs(info.duration * 1_000 - said["duration_ms"]) < 50
    assert max(turn["end_ms"] for turn in said["turns"]) <= said["duration_ms"]


def test_the_samples_hold_every_kind_of_call_that_they_must() -> None:
    calls = [read(path) for path in CALLS]
    assert {"bought", "refused", "call_back", "cancelled", "escalated"} <= {call["outcome"] for call in calls}
    assert len(calls) >= 8
    assert len(CHATS) == 2
    assert sum(call["held_out"] for call in calls) == 2
    assert {call["channels"][0]["role"] for call in calls} == {"agent", "customer"}, "no order may be assumed"
    overlapping = [
        call["call_id"]
        for call in calls
        for one in call["turns"]
        for two in call["turns"]
        if one["channel"] < two["channel"] and one["start_ms"] < two["end_ms"] and two["start_ms"] < one["end_ms"]
    ]
    assert overlapping, "one customer interrupts"


def test_exactly_one_recorded_call_lacks_the_recording_notice() -> None:
    lacking = [
        path.stem for path in CALLS if not any("recording_notice" in turn["intents"] for turn in read(path)["turns"])
    ]
    assert len(lacking) == 1
