from __future__ import annotations

import json
from pathlib import Path

import pytest

from workers.fake_llm import Empty, Refusal, Script, ScriptError, Step, Text, Valid, read_script
from workers.fake_llm.question import Question, Said
from workers.fake_llm.script import Course


def asked(text: str = "hello", model: str = "m1") -> Question:
    return Question(model, (Said("user", text),))


def answers(*steps: Step, questions: list[Question]) -> list[str]:
    course = Course(Script(steps=steps))
    return [course.next_step(question).answer for question in questions]


def test_steps_come_in_order_and_the_last_one_repeats() -> None:
    given = answers(Empty(times=2), Refusal(), Valid(), questions=[asked()] * 6)
    assert given == ["empty", "empty", "refusal", "valid", "valid", "valid"]


def test_without_a_step_every_answer_is_valid() -> None:
    assert answers(questions=[asked()] * 2) == ["valid", "valid"]


def test_a_step_for_a_model_or_for_words_leaves_other_requests_alone() -> None:
    steps = (Refusal(containing="call 7"), Empty(model="m2"))
    questions = [asked(), asked("this is call 7"), asked("this is call 7"), asked(model="m2"), asked()]
    assert answers(*steps, questions=questions) == ["valid", "refusal", "refusal", "empty", "valid"]


def test_a_used_up_step_for_some_requests_makes_way_for_the_next_that_fits() -> None:
    steps = (Refusal(containing="call 7"), Valid())
    assert answers(*steps, questions=[asked("call 7")] * 2) == ["refusal", "valid"]


@pytest.mark.parametrize(
    "written", ["- {answer: text, text: hi, times: 2}", 'steps: [{answer: text, text: "hi", times: 2}]']
)
def test_a_script_is_a_list_of_steps_in_yaml(tmp_path: Path, written: str) -> None:
    (tmp_path / "script.yaml").write_text(written)
    assert read_script(tmp_path / "script.yaml").steps == (Text(text="hi", times=2),)


def test_a_script_may_be_json(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps({"steps": [{"answer": "empty", "delay_s": 0.5}]}))
    assert read_script(tmp_path / "script.json").steps == (Empty(delay_s=0.5),)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("- {answer: shrug}", r"steps\.0: .*'shrug' .*'valid'"),
        ("- {answer: valid}\n- {answer: error}", r"steps\.1\.error\.status: Field required"),
        ("- {answer: empty, times: 0}", r"steps\.0\.empty\.times: .*greater than or equal to 1"),
        ("- {answer: empty, tims: 2}", r"steps\.0\.empty\.tims: Extra inputs"),
        ("- {times: 2}", r"steps\.0: .*answer"),
        ("a: [", "neither YAML nor JSON"),
        ("just words", "Input should be"),
    ],
)
def test_a_wrong_script_is_one_line_that_names_the_step(tmp_path: Path, written: str, named: str) -> None:
    (tmp_path / "script.yaml").write_text(written)
    with pytest.raises(ScriptError, match=named) as caught:
        read_script(tmp_path / "script.yaml")
    assert "\n" not in str(caught.value)


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"gone\.yaml cannot be read"):
        read_script(tmp_path / "gone.yaml")
