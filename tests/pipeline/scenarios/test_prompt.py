from __future__ import annotations

import pytest

from pipeline.scenarios.prompt import PromptError, parse_prompt, render

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
