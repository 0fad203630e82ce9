from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.discovery.utterance_file import LeftOut, UtterancesUnreadable, read_utterances


def test_good_rows_are_taken_and_each_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"utterance_id": "a", "utterance": "pay my bill"}\n'
        '{"id": 7, "text": "lost my card"}\n'
        "\n"
        "{not json\n"
        '["a list"]\n'
        '{"utterance": "no id"}\n'
        '{"id": "b", "utterance": "  "}\n'
        '{"id": "c", "utterance": null}\n'
        '{"id": true, "utterance": "words"}\n'
        '{"utterance_id": "a", "utterance": "pay my bill"}\n'
        '{"utterance_id": "a", "utterance": "something else"}\n'
        '{"id": "d", "text": "half a pair \\ud83d"}\n'
    )
    found = read_utterances(path)
    assert [(one.id, one.text) for one in found.said] == [
        ("a", "pay my bill"),
        ("7", "lost my card"),
        ("d", "half a pair ?"),
    ]
    assert found.left_out == (
        LeftOut(4, "is no JSON"),
        LeftOut(5, "is no JSON object"),
        LeftOut(6, "has no utterance_id"),
        LeftOut(7, "has no words in utterance"),
        LeftOut(8, "has no words in utterance"),
        LeftOut(9, "has no utterance_id"),
        LeftOut(11, "the id 'a' was there before with other words"),
    )


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\xfe"])
def test_a_file_without_an_utterance_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(UtterancesUnreadable, match=r"rows\.jsonl"):
        read_utterances(path)
