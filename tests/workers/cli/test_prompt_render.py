from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine

CHAT = {
    "call_id": "chat-1",
    "language": "zh",
    "messages": [{"role": "customer", "at_ms": 0, "text": "我的电话是13800138000"}],
}


def test_without_a_call_a_sample_is_shown_with_about_how_many_tokens_it_takes(convmine: Convmine) -> None:
    shown = convmine("prompt", "render", "extract.v2").stdout
    assert shown.startswith("extract.v2, call call-01-price-saved: about ")
    assert "[system]" in shown
    assert "[s1] agent 0.4s: Good morning" in shown


def test_a_call_from_a_file_is_masked_and_says_the_language(convmine: Convmine, tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text(json.dumps(CHAT))
    found = json.loads(
        convmine("prompt", "render", "extract.v1", "--call", str(tmp_path / "chat.json"), "--json").stdout
    )
    (request,) = found["requests"]
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert "我的电话是[PHONE]" in request["messages"][1]["content"]
    assert (found["call_id"], found["prompt"]) == ("chat-1", "extract.v1")
    assert 1_000 < request["tokens"] < 5_500


def test_a_stored_call_is_shown_as_it_is_stored(analyst: Convmine) -> None:
    shown = analyst("prompt", "render", "extract.v2", "--call", "call-one").stdout
    assert "I am worried about the price of my plan" in shown


def test_a_call_that_is_neither_a_file_nor_stored_is_told_with_the_nearest(analyst: Convmine) -> None:
    assert "call-two" in analyst("prompt", "render", "extract.v2", "--call", "call-tow").stderr
    assert "no such file" in analyst("prompt", "render", "extract.v2", "--call", "./missing.json").stderr


def test_a_long_call_is_shown_as_it_is_sent_in_chunks(convmine: Convmine, tmp_path: Path) -> None:
    turns = [
        {"role": "customer", "at_ms": number, "text": f"number {number} " + "and so on " * 20} for number in range(200)
    ]
    (tmp_path / "long.json").write_text(json.dumps({**CHAT, "language": "en", "messages": turns}))
    found = json.loads(
        convmine("prompt", "render", "extract.v2", "--call", str(tmp_path / "long.json"), "--json").stdout
    )
    assert len(found["requests"]) > 1
    assert all(request["tokens"] <= 5_500 for request in found["requests"])


def test_values_that_are_set_go_before_defaults(convmine: Convmine, own_prompts: Path) -> None:
    assert "Label at most 7 things, in a brief tone" in convmine("prompt", "render", "extract.v7").stdout
    shown = convmine("prompt", "render", "extract.v7", "--set", "most=3", "--set", "tone=a=b").stdout
    assert "Label at most 3 things, in a a=b tone" in shown


def test_a_list_comes_from_a_file(convmine: Convmine, tmp_path: Path) -> None:
    (tmp_path / "parts.json").write_text('["They disputed.", "They agreed."]')
    shown = convmine("prompt", "render", "summary.v1", "--set", f"summaries=@{tmp_path / 'parts.json'}").stdout
    assert "2. They agreed." in shown


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("mood=bad", "no parameter mood is declared in extract.v7; there are most, tone, turns"),
        ("most=few", "expected a whole number, as its default is 7"),
        ("turns=x", "--call"),
        ("tone=@no.json", "no.json cannot be read"),
    ],
)
def test_a_value_without_a_place_or_of_another_kind_is_refused(
    convmine: Convmine, own_prompts: Path, given: str, complaint: str
) -> None:
    done = convmine("prompt", "render", "extract.v7", "--set", given)
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    assert complaint in done.stderr


def test_a_parameter_without_a_value_is_named(convmine: Convmine) -> None:
    done = convmine("prompt", "render", "summary.v1")
    assert done.code == 1
    assert "summaries" in done.stderr
