from __future__ import annotations

import pytest

from pipeline.workbench.dialogue import DialogueError, dialogue_of, read_dialogue, variables_in
from schemas.wire import Role


def test_a_dialogue_is_a_turn_a_line_one_after_the_other() -> None:
    turns = read_dialogue("agent: Hello: how are you?\n\n  Customer\uff1a我很好 \n")
    assert [(turn.role, turn.text) for turn in turns] == [
        (Role.AGENT, "Hello: how are you?"),
        (Role.CUSTOMER, "我很好"),
    ]
    assert [(turn.start_ms, turn.end_ms) for turn in turns] == [(0, 5_000), (5_000, 10_000)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("agent: hi\nhello", "line 2 .* does not begin with a role"), ("", "no turn"), ("agent:  ", "no turn")],
)
def test_what_is_no_dialogue_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(DialogueError, match=complaint):
        read_dialogue(text)


def test_a_template_is_filled_with_its_variables() -> None:
    template = "customer: {{ plan }}\n{% if angry %}customer: I am angry!\n{% endif %}"
    assert variables_in(template) == ("angry", "plan")
    assert [turn.text for turn in dialogue_of(template, {"plan": "a < b", "angry": False})] == ["a < b"]


@pytest.mark.parametrize(
    "template", ["customer: {{ plan.__class__.__mro__ }}", "customer: {{ missing }}", "{% for x in plan %}"]
)
def test_a_template_that_reaches_out_or_is_broken_is_refused(template: str) -> None:
    with pytest.raises(DialogueError, match="template"):
        dialogue_of(template, {"plan": "small"})
