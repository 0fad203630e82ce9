"""Which versions of scenarios may be published."""

from __future__ import annotations

import pytest
from published_config import prompt, prompt_published, prompt_text, scenario, scenario_published

from pipeline.release.push import content_of, is_published, renumbered, unfit, why_not_push
from pipeline.scenarios.library import read_scenario
from pipeline.scenarios.load import shipped, shipped_names, with_shared_prompts
from pipeline.scenarios.model import Scenario


def changed(what: Scenario) -> Scenario:
    """The same version with other content."""
    edition = what.editions["en"].model_copy(update={"title": "Changed"})
    return what.model_copy(update={"editions": {**what.editions, "en": edition}})


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_published_of_a_scenario_is_read_back_as_it_was(name: str) -> None:
    content = content_of(shipped(name))
    published = scenario_published(shipped(name)).model_copy(update={"content": content})
    assert read_scenario(published) == shipped(name)
    assert all(not edition["prompts"] for edition in content["editions"].values())


def test_a_scenario_s_own_prompts_are_published_even_where_every_scenario_may_use_them() -> None:
    own = with_shared_prompts(scenario(prompts=(prompt(of="any"),)))
    (text,) = [text for text in content_of(own)["editions"]["en"]["prompts"] if "id: greet" in text]
    assert text == prompt_text(of="any")


def test_the_same_content_is_published_already_and_other_content_is_not() -> None:
    new = with_shared_prompts(scenario())
    assert not is_published(new, None)
    assert is_published(new, scenario_published(scenario()))
    assert not is_published(changed(new), scenario_published(scenario()))
    assert not is_published(new, scenario_published(scenario()).model_copy(update={"content": {"id": "retail"}}))


@pytest.mark.parametrize(
    ("version", "published", "loaded", "why"),
    [
        (1, None, None, None),
        (2, 1, 1, None),
        (1, 1, None, "v1 is published with other content"),
        (1, None, 1, "v1 is there with other content"),
        (1, 2, None, "v1 is lower than v2"),
        (2, 1, 5, None),
    ],
)
def test_a_number_stands_for_one_content_and_does_not_go_down(
    version: int, published: int | None, loaded: int | None, why: str | None
) -> None:
    before = None if published is None else scenario_published(scenario(version=published))
    there = None if loaded is None else scenario(version=loaded)
    said = why_not_push(changed(scenario(version=version)), before, there)
    assert said is None if why is None else why in (said or "")


def test_a_lower_version_may_follow_where_that_is_wanted() -> None:
    assert why_not_push(scenario(), scenario_published(scenario(version=2)), scenario(), lower=True) is None


def test_a_prompt_s_number_that_stands_for_two_contents_is_found() -> None:
    other = prompt_published(2, body=prompt_text(2, say="Published otherwise."))
    beside = prompt_published(1, challenger=(2, 0.1))
    new = scenario(prompts=(prompt(1), prompt(2)))
    assert list(renumbered(new, [other])) == ["greet.v2 (en)"]
    assert list(renumbered(new, [beside])) == []
    assert list(renumbered(scenario(prompts=(prompt(1),)), [other])) == []


def test_published_prompts_that_do_not_fit_are_found_with_the_reason() -> None:
    fits, lost = prompt_published(2), prompt_published(2, language="zh")
    assert [(one, "'zh'" in why) for one, why in unfit(scenario(), [fits, lost])] == [(lost, True)]
