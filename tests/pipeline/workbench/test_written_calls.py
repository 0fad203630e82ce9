from __future__ import annotations

import json

import pytest

from pipeline.errors import Poison
from pipeline.workbench.written_calls import read_batch, read_call, sample_call

TURNS = [
    {"role": "agent", "text": "Your card?", "start_ms": 0, "end_ms": 900, "intents": ["verify_identity"]},
    {"role": "customer", "text": "4111 1111 1111 1111", "start_ms": 1_000, "end_ms": 4_000},
]
CHAT = {"call_id": "chat", "messages": [{"role": "agent", "at_ms": 0, "text": "hi"}], "scenario": "telecom"}


def test_both_formats_of_a_conversation_are_read_and_masked() -> None:
    labelled = read_call(json.dumps({"call_id": "c", "language": "en", "turns": TURNS, "outcome": "retained"}), "t")
    assert [(one.text, one.start_ms, one.end_ms) for one in labelled.segments] == [
        ("Your card?", 0, 900),
        ("[CARD]", 1_000, 4_000),
    ]
    assert (read_call(json.dumps(CHAT), "t").call.scenario, labelled.language) == ("telecom", "en")


def test_turns_without_times_follow_each_other() -> None:
    turns = [{"role": "agent", "text": "hi"}, {"role": "customer", "text": "hello"}]
    found = read_call(json.dumps({"call_id": "c", "turns": turns}), "t")
    assert [(one.start_ms, one.end_ms) for one in found.segments] == [(0, 5_000), (5_000, 10_000)]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"call_id": "c"}', "messages"),
        ('{"call_id": "c", "turns": []}', "turns"),
        (json.dumps({"call_id": "c", "turns": [TURNS[0], {"role": "agent", "text": "hi"}]}), "turn 2 has no start_ms"),
    ],
)
def test_what_is_no_conversation_is_told(document: str, complaint: str) -> None:
    with pytest.raises(Poison, match=complaint):
        read_call(document, "t")


def test_a_batch_is_read_line_by_line_and_a_wrong_line_has_its_number() -> None:
    row = {"call_id": "c", "id": "i", "turns": TURNS, "parameters": {"n": 1, "sure": True, "plan": "a"}, "messages": []}
    (found,) = read_batch([json.dumps(row), "\n"])
    assert (found.name, found.parameters) == ("i", {"n": 1, "sure": True, "plan": "a"})
    with pytest.raises(Poison, match=r"line 3: call_id: Field required"):
        list(read_batch([json.dumps(row), "", '{"turns": []}']))


def test_a_sample_is_of_the_language_and_rather_of_the_scenario() -> None:
    english, chinese = sample_call("telecom", "en", "t"), sample_call("no-such", "zh", "t")
    assert english is not None
    assert chinese is not None
    assert (english.language, chinese.language) == ("en", "zh")
    assert english.call.scenario == "telecom"
    assert sample_call("telecom", "fr", "t") is None
