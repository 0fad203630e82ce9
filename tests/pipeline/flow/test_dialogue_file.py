from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.flow.dialogue_file import DialoguesUnreadable, read_dialogues
from pipeline.flow.mining import Walk


def file_of(path: Path, *lines: str) -> Path:
    file = path / "dialogues.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_dialogues_are_read_in_order_with_their_results(tmp_path: Path) -> None:
    rows = ({"id": "a", "steps": ["问候", "offer"], "result": "won", "more": 1}, {"id": 2, "steps": []})
    file = file_of(tmp_path, *map(json.dumps, rows), "")
    assert read_dialogues(file) == [Walk(("问候", "offer"), result="won"), Walk(())]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no JSON object"),
        ('{"steps": []}', "has no id"),
        ('{"id": true, "steps": []}', "has no id"),
        ('{"id": "x"}', "steps is no list"),
        ('{"id": "x", "steps": "ask"}', "steps is no list"),
        ('{"id": "x", "steps": ["ask", 3]}', "step 2 is no label"),
        ('{"id": "x", "steps": [" "]}', "step 1 is no label"),
        ('{"id": "x", "steps": ["(end)"]}', "step 1 has the name of the mark (end)"),
        (json.dumps({"id": "x", "steps": ["a" * 201]}), "step 1 is longer than 200 characters"),
        ('{"id": "x", "steps": [], "result": ["won"]}', "result is neither won, lost nor open"),
        ('{"id": "a", "steps": []}', "the id 'a' is that of line 1, too"),
    ],
)
def test_a_row_that_is_no_dialogue_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = file_of(tmp_path, '{"id": "a", "steps": ["ask"]}', "", line)
    with pytest.raises(DialoguesUnreadable) as refused:
        read_dialogues(file)
    assert str(refused.value) == f"{file}: line 3: {said}"


def test_a_file_without_dialogues_or_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DialoguesUnreadable, match="there is no dialogue in it"):
        read_dialogues(file_of(tmp_path, "", " "))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(DialoguesUnreadable, match="is not UTF-8"):
        read_dialogues(tmp_path / "bytes")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda one: st.lists(one, max_size=3))
)
def test_whatever_stands_in_a_row_is_read_or_refused(tmp_path: Path, steps: object) -> None:
    file = file_of(tmp_path, json.dumps({"id": 1, "steps": steps}))
    try:
        (walk,) = read_dialogues(file)
    except DialoguesUnreadable:
        return
    assert list(walk.labels) == steps
