from __future__ import annotations

import json

import pytest

from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt, render

FRONT = "---\nid: greet\nversion: 2\nscenario: telecom\nlanguage: en\nparameters: [name]\n---\n"


def test_sections_become_messages_with_the_parameters_filled_in() -> None:
    prompt = parse_prompt(FRONT + "# system\nBe brief.\n# user\nHello {{ name }}.\n")
    system, user = render(prompt, name="Ann <b>")
    assert (system.role, system.content) == ("system", "Be brief.")
    assert (user.role, user.content) == ("user", "Hello Ann <b>.")
    assert prompt.label == "greet.v2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# system\na\n# user\nb\n", "front matter"),
        (FRONT + "# user\nb\n", "sections"),
        ("---\n- a\n---\n# system\na\n# user\nb\n", "no fields"),
        (FRONT.replace("version: 2", "version: two") + "# system\na\n# user\nb\n", "version"),
        (FRONT.replace("id:", "colour: red\nid:") + "# system\na\n# user\nb\n", "colour"),
        (FRONT + "# system\na\n# user\n{{ other }}\n", "other used in the text but not declared"),
        (FRONT + "# system\n{% if %}\n# user\nb\n", "cannot be read"),
    ],
)
def test_a_mistake_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        parse_prompt(text)


@pytest.mark.parametrize("given", [{}, {"name": "a", "more": "b"}])
def test_parameters_must_be_those_declared(given: dict[str, str]) -> None:
    prompt = parse_prompt(FRONT + "# system\na\n# user\n{{ name }}\n")
    with pytest.raises(PromptError, match=r"greet\.v2: parameters"):
        render(prompt, **given)


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    prompt = parse_prompt(FRONT + "# system\na\n# user\n{{ name.__class__.__mro__ }}\n")
    with pytest.raises(PromptError):
        render(prompt, name="x")


def test_what_was_said_is_never_read_as_a_template() -> None:
    prompt = parse_prompt(FRONT + "# system\na\n# user\n{{ name }}\n")
    assert render(prompt, name="{{ 7 * 7 }}")[1].content == "{{ 7 * 7 }}"


class Read:
    """A thing whose name is counted when it is read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.times = 0

    @property
    def name(self) -> str:
        self.times += 1
        return self._name


def test_a_section_of_the_very_same_values_is_rendered_once() -> None:
    prompt = parse_prompt(
        FRONT.replace("[name]", "[things, said]") + "# system\n{{ things[0].name }}\n# user\n{{ said }}\n"
    )
    one, other = (Read("plan"),), (Read("bill"),)
    texts = [
        [it.content for it in render(prompt, things=things, said=said)]
        for things, said in ((one, "a"), (one, "b"), (other, "b"), (one, "c"))
    ]
    assert texts == [["plan", "a"], ["plan", "b"], ["bill", "b"], ["plan", "c"]]
    assert (one[0].times, other[0].times) == (1, 1)


def test_values_that_can_change_are_looked_at_each_time() -> None:
    prompt = parse_prompt(FRONT + "# system\na\n# user\n{{ name[0] }}\n")
    said = ["yes"]
    assert render(prompt, name=said)[1].content == "yes"
    said[0] = "no"
    assert render(prompt, name=said)[1].content == "no"


def test_a_prompt_is_written_as_its_file_and_read_back_from_it() -> None:
    prompt = parse_prompt(FRONT + "# system\na\n# user\nb\n")
    assert json.loads(prompt.model_dump_json()) == prompt.text == FRONT + "# system\na\n# user\nb\n"
    assert Prompt.model_validate_json(prompt.model_dump_json()) == prompt


def test_what_stands_in_a_file_makes_its_digest() -> None:
    digests = [parse_prompt(FRONT + f"# system\na\n# user\n{end}").digest for end in ("b\n", "b\n\n", "b\n")]
    assert digests[0] == digests[2] != digests[1]
