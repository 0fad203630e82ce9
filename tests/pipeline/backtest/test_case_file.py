"""Labelled calls from a file: what is read of them, and what is said of those that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.backtest.case_file import CaseFile, read_cases
from pipeline.backtest.cases import CasesUnreadable, material
from pipeline.backtest.items import Item
from pipeline.scenarios.load import shipped
from schemas.wire import Role

SCENARIO = shipped("telecom")
ENGLISH = SCENARIO.edition("en")
ROW: dict[str, Any] = {
    "call_id": "c1",
    "turns": [
        {"role": "agent", "text": "we record our calls", "intents": ["recording_notice"]},
        {"role": "customer", "text": "it is too expensive"},
    ],
}


def read(tmp_path: Path, *lines: str | dict[str, Any]) -> CaseFile:
    path = tmp_path / "calls.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text, encoding="utf-8")
    return read_cases(path, SCENARIO, ENGLISH)


def test_labels_stand_where_their_turns_do(tmp_path: Path) -> None:
    row = {
        **ROW,
        "objections": [{"handling": "ignored", "turn": 2}],
        "follow_ups": [{"kind": "promise", "turn": 1}],
        "topics": ["price", "price"],
        "outcome": None,
        "summary": "Too expensive.",
    }
    (case,) = read(tmp_path, row).cases
    agent, customer = (Role.AGENT, 0, 0), (Role.CUSTOMER, 5_000, 5_000)
    assert case.gold == {
        "intents": (Item("recording_notice", place=agent),),
        "topics": (Item("price"),),
        "outcome": (),
        "objections": (Item("ignored", place=customer),),
        "follow_ups": (Item("promise", place=agent),),
    }
    assert case.summary == "Too expensive."


def test_what_no_row_labels_is_not_there_to_be_scored(tmp_path: Path) -> None:
    row = {"call_id": "c1", "turns": [{"role": "agent", "text": "hello", "start_ms": 0, "end_ms": 900}]}
    assert read(tmp_path, row).cases[0].gold == {}


def test_values_have_one_spelling(tmp_path: Path) -> None:
    name = ENGLISH.taxonomy.entities[0].name
    turn = {"role": "customer", "text": "thirty", "entities": [{"name": name, "value": "THIRTY  euros"}]}
    (case,) = read(tmp_path, {"call_id": "c1", "turns": [turn]}).cases
    assert [item.value for item in case.gold["entities"]] == ["30 euros"]


def test_words_are_masked_before_a_model_reads_them(tmp_path: Path) -> None:
    turn = {"role": "customer", "text": "my card is 4111 1111 1111 1111"}
    (case,) = read(tmp_path, {"call_id": "c1", "turns": [turn]}).cases
    assert "[CARD]" in case.transcript.segments[0].text
    assert "4111" not in case.transcript.model_dump_json()


def test_calls_of_others_are_left_out_and_counted(tmp_path: Path) -> None:
    chinese, other = {**ROW, "call_id": "c2", "language": "zh-CN"}, {**ROW, "call_id": "c3", "scenario": "insurance"}
    found = read(tmp_path, ROW, "", chinese, other)
    assert ([case.transcript.call_id for case in found.cases], found.others) == (["c1"], 2)


def test_a_batch_of_test_inputs_can_be_compared_on(tmp_path: Path) -> None:
    made = {**ROW, "id": "input-1", "prompt": "extract.v1", "parameters": {"tone": "short"}, "messages": []}
    assert len(read(tmp_path, made).cases) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "is no JSON"),
        ("[1]", "line 2: "),
        ({**ROW, "turns": []}, "turns"),
        ({**ROW, "call_id": "c2", "outcomes": "bought"}, "outcomes: there is no such field"),
        ({**ROW, "call_id": "c2", "turns": [{"role": "robot", "text": "hi"}]}, "turns.0.role"),
        (
            {**ROW, "call_id": "c2", "follow_ups": [{"kind": "promise", "turn": 3}]},
            "turn 3 is named, the last is 2",
        ),
        ({**ROW, "call_id": "c2", "topics": ["prices"]}, "topics: 'prices' is not in the taxonomy; nearest: price"),
        (ROW, "call 'c1' is in line 1, too"),
        (
            {"call_id": "c2", "turns": [{"role": "agent", "text": "a"}, {"role": "agent", "text": "b", "start_ms": 1}]},
            "turn 1 has no start_ms, others have",
        ),
        (
            {"call_id": "c2", "turns": [{"role": "agent", "text": "a", "start_ms": 5, "end_ms": 4}]},
            "turn 1: end_ms without a start_ms before it",
        ),
        (
            {"call_id": "c2", "turns": [{"role": "agent", "text": "a", "intents": ["cancel_contrat"]}]},
            "intents: 'cancel_contrat' is not in the taxonomy; nearest: cancel_contract",
        ),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, line: str | dict[str, Any], expected: str) -> None:
    with pytest.raises(CasesUnreadable, match="line 2") as raised:
        read(tmp_path, ROW, line)
    assert expected in raised.value.message


def test_a_file_without_a_call_says_so(tmp_path: Path) -> None:
    with pytest.raises(CasesUnreadable, match=r"holds no call of scenario 'telecom' in 'en'$"):
        read(tmp_path, "", " ")
    with pytest.raises(CasesUnreadable, match="and 1 of others"):
        read(tmp_path, {**ROW, "language": "zh"})


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CasesUnreadable, match="is not UTF-8"):
        read_cases(tmp_path / "binary", SCENARIO, ENGLISH)
    with pytest.raises(CasesUnreadable, match="cannot be read: No such file"):
        read_cases(tmp_path / "none", SCENARIO, ENGLISH)


def test_the_material_is_the_same_in_another_order_and_another_with_other_labels(tmp_path: Path) -> None:
    second = {**ROW, "call_id": "c2"}
    cases = read(tmp_path, ROW, second).cases
    assert material(cases) == material(read(tmp_path, second, ROW).cases)
    assert material(cases) != material(read(tmp_path, ROW, {**second, "outcome": None}).cases)
    assert cases[0].digest == read(tmp_path, {**ROW, "outcome": None}).cases[0].digest
