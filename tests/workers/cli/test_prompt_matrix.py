from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine

DIALOGUE = """agent: How can I help you?
customer: {{ mood }} I am on the {{ plan }}, and {{ complaint }}.
agent: {{ offer }}
"""
VALUES = """
plan: [smart plan, family plan, basic plan, data plan]
complaint: [it is too expensive, it is slow, my card 4111 1111 1111 1111 was charged twice]
mood: [Listen., I am angry!, Good morning.]
offer: [I could give you a discount., We will send somebody., Let me call you back.]
"""


@pytest.fixture
def template(tmp_path: Path) -> str:
    (tmp_path / "dialogue.txt").write_text(DIALOGUE)
    (tmp_path / "values.yaml").write_text(VALUES)
    return str(tmp_path / "dialogue.txt")


def test_four_parameters_become_a_hundred_conversations_in_which_every_value_occurs(
    convmine: Convmine, template: str, tmp_path: Path
) -> None:
    out = tmp_path / "batch.jsonl"
    given = ("--template", template, "--values", str(tmp_path / "values.yaml"), "--limit", "100", "--out", str(out))
    assert convmine("prompt", "matrix", "extract.v2", *given).stdout == f"wrote 100 of 108 combinations to {out}\n"
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len({str(row["turns"]) for row in rows}) == 100
    assert {name: len({row["parameters"][name] for row in rows}) for name in rows[0]["parameters"]} == {
        "plan": 4,
        "complaint": 3,
        "mood": 3,
        "offer": 3,
    }
    first = rows[0]
    assert (first["prompt"], first["scenario"], first["language"]) == ("extract.v2", "telecom", "en")
    assert first["call_id"] == first["id"]
    assert set(first["turns"][0]) == {"role", "text", "start_ms", "end_ms"}
    assert first["turns"][1]["text"] in first["messages"][1]["content"]
    before = out.read_bytes()
    convmine("prompt", "matrix", "extract.v2", *given)
    assert out.read_bytes() == before


def test_messages_are_masked_as_they_would_be_sent(convmine: Convmine, template: str, tmp_path: Path) -> None:
    given = ("--template", template, "--values", str(tmp_path / "values.yaml"), "--json")
    rows = json.loads(convmine("prompt", "matrix", "extract.v2", *given).stdout)["items"]
    assert len(rows) == 108
    assert any("my card [CARD]" in row["messages"][1]["content"] for row in rows)
    assert not any("4111 1111" in row["messages"][1]["content"] for row in rows)


def test_two_versions_have_the_same_inputs(convmine: Convmine, own_prompts: Path) -> None:
    given = ("--set", "tone=brief,formal", "--set", "most=1,2", "--json")
    rows = [json.loads(convmine("prompt", "matrix", f"extract.v{n}", *given).stdout)["items"] for n in (7, 8)]
    assert [row["id"] for row in rows[0]] == [row["id"] for row in rows[1]]
    assert [tuple(row["parameters"].values()) for row in rows[0]] == [
        ("brief", 1),
        ("brief", 2),
        ("formal", 1),
        ("formal", 2),
    ]
    assert "at most 2 things, in a formal tone" in rows[0][3]["messages"][0]["content"]
    assert "Good morning" in rows[0][0]["turns"][0]["text"]


def test_turns_are_dialogues_or_calls_from_files(convmine: Convmine, own_prompts: Path, tmp_path: Path) -> None:
    chat = {"call_id": "c", "messages": [{"role": "agent", "at_ms": 0, "text": "from a file"}]}
    (tmp_path / "chat.json").write_text(json.dumps(chat))
    given = ("--set", r"turns=agent: a, b\ncustomer: c", "--set", f"turns=@{tmp_path / 'chat.json'}", "--json")
    rows = json.loads(convmine("prompt", "matrix", "extract.v7", *given).stdout)["items"]
    assert [[turn["text"] for turn in row["turns"]] for row in rows] == [["a, b", "c"], ["from a file"]]


def test_a_limit_below_the_number_of_values_says_what_it_leaves_out(convmine: Convmine, own_prompts: Path) -> None:
    done = convmine("prompt", "matrix", "extract.v7", "--set", "most=1,2,3", "--limit", "2")
    assert len(done.stdout.splitlines()) == 2
    assert "wrote 2 of 3 combinations" in done.stderr
    assert "leaves out 1 values of most" in done.stderr


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("--set", "plan=a"), "no parameter plan is declared in extract.v7; there are most, tone, turns"),
        (("--set", "scenario_title=a"), "no parameter scenario_title"),
        (("--set", "most=few"), "expected a whole number"),
        (("--set", "turns=hello"), "does not begin with a role"),
        (("--set", "most"), "expected NAME=A,B"),
        (("--set", "turns=agent: a", "--call", "x.json"), ""),
    ],
)
def test_what_cannot_be_combined_is_one_line(
    convmine: Convmine, own_prompts: Path, given: tuple[str, ...], complaint: str
) -> None:
    done = convmine("prompt", "matrix", "extract.v7", *given)
    assert done.code
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert complaint in done.stderr


def test_a_template_says_which_of_its_names_have_no_value(convmine: Convmine, template: str) -> None:
    done = convmine("prompt", "matrix", "extract.v2", "--template", template, "--set", "mood=Hm.", "--set", "wish=x")
    assert "no parameter wish is declared in extract.v2 or used in the template" in done.stderr
    done = convmine("prompt", "matrix", "extract.v2", "--template", template, "--set", "mood=Hm.")
    assert "the template uses complaint, offer, plan, and no value is given" in done.stderr


def test_more_inputs_than_anybody_wants_are_refused(convmine: Convmine, own_prompts: Path) -> None:
    many = ",".join(map(str, range(400)))
    done = convmine("prompt", "matrix", "extract.v7", "--set", f"most={many}", "--set", f"tone={many}")
    assert "160000 test inputs" in done.stderr
    assert "--limit" in done.stderr
