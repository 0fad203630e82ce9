from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_config import RETAIL, loaded, prompt, prompt_published, prompt_text, scenario, scenario_published

from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Challenger, Running
from schemas.reference import PromptPublished, ScenarioPublished


@pytest.fixture
def library() -> Library:
    return Library(loaded, ["retail"])


def running(library: Library, tenant: str = "acme", call_id: str = "") -> str:
    """The prompt that calls of a tenant are greeted with."""
    found = library("retail", tenant).edition("en").prompt("greet", call_id)
    assert found is not None
    return found.label


def take(library: Library, change: PromptPublished | ScenarioPublished) -> None:
    match change:
        case PromptPublished():
            library.take_prompt("acme", change)
        case ScenarioPublished():
            library.take_scenario("acme", change)


def test_who_has_published_nothing_runs_what_was_loaded_and_the_newest_of_its_prompts(library: Library) -> None:
    assert library("retail", "acme") is RETAIL
    assert running(library) == "greet.v3"
    assert library.names("acme") == ("retail",)
    assert library.tenants == frozenset()
    with pytest.raises(ScenarioError, match="no scenario 'other'"):
        library("other", "acme")


def test_what_one_tenant_publishes_no_other_one_runs(library: Library) -> None:
    library.take_scenario("acme", scenario_published(scenario("retail", 2)))
    library.take_scenario("acme", scenario_published(scenario("travel")))
    library.take_prompt("acme", prompt_published(4))
    assert (library("retail", "acme").version, running(library)) == (2, "greet.v4")
    assert (library("retail", "other"), running(library, "other")) == (RETAIL, "greet.v3")
    assert (library.names("acme"), library.names("other")) == (("retail", "travel"), ("retail",))
    assert library.tenants == {"acme"}


def test_a_published_version_runs_although_there_are_newer_ones(library: Library) -> None:
    library.take_prompt("acme", prompt_published(1, body=prompt_text(1, say="And kind.")))
    edition = library("retail", "acme").edition("en")
    assert running(library) == "greet.v1"
    assert [one.label for one in edition.prompts] == ["greet.v3", "greet.v1"]
    assert "And kind." in edition.prompts[1].system
    published = library.published("acme", "retail", "en", "greet")
    assert published is not None
    assert published.prompt_version == 1
    assert library.published("other", "retail", "en", "greet") is None


def test_a_published_prompt_stays_when_its_scenario_is_published_anew(library: Library) -> None:
    library.take_prompt("acme", prompt_published(2))
    library.take_scenario("acme", scenario_published(scenario("retail", 5, prompts=(prompt(1), prompt(9)))))
    assert (library("retail", "acme").version, running(library)) == (5, "greet.v2")


def test_a_call_that_has_its_scenario_keeps_it(library: Library) -> None:
    before = library("retail", "acme")
    library.take_prompt("acme", prompt_published(2))
    found = before.edition("en").prompt("greet")
    assert found is not None
    assert found.label == "greet.v3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (prompt_published(2, of="travel"), "no scenario 'travel'"),
        (prompt_published(2, language="zh"), "not there in 'zh'"),
        (prompt_published(2, body=prompt_text(1)), r"greet\.v2 .* front matter says retail, en, greet\.v1"),
        (prompt_published(2, body=prompt_text(2, of="travel")), "front matter says travel"),
        (prompt_published(2, body="no front matter"), "front matter between two lines"),
        (prompt_published(2, body=prompt_text(2).replace("Hello", "{{ undeclared }}")), "undeclared"),
        (prompt_published(2, body=prompt_text(2).replace("parameters", "examples: [lost]\nparameters")), "'lost'"),
        (scenario_published(scenario("retail", 2)).model_copy(update={"scenario_version": 3}), "what is in it"),
        (scenario_published(scenario("retail", 2)).model_copy(update={"content": {}}), "scenario retail: "),
        (scenario_published(scenario("retail", 2, languages=("zh",))), "not there in 'en'"),
    ],
)
def test_what_is_not_valid_changes_nothing(
    library: Library, change: PromptPublished | ScenarioPublished, message: str
) -> None:
    library.take_prompt("acme", prompt_published(1))
    before = (library("retail", "acme"), library.revision, library.names("acme"))
    with pytest.raises(ScenarioError, match=message):
        take(library, change)
    assert (library("retail", "acme"), library.revision, library.names("acme")) == before


def test_what_is_taken_back_gives_way_to_what_was_there_before(library: Library) -> None:
    library.take_scenario("acme", scenario_published(scenario("retail", 2)))
    library.take_prompt("acme", prompt_published(4))
    library.drop_prompt("acme", "retail", "en", "greet")
    assert library("retail", "acme").edition("en").prompt("greet") is None
    library.drop_scenario("acme", "retail")
    assert library("retail", "acme") is RETAIL
    assert library.tenants == frozenset()


def test_a_scenario_of_a_tenant_alone_is_gone_when_it_is_taken_back(library: Library) -> None:
    library.take_scenario("acme", scenario_published(scenario("travel")))
    library.drop_scenario("acme", "travel")
    assert library.names("acme") == ("retail",)
    with pytest.raises(ScenarioError, match="no scenario 'travel'"):
        library("travel", "acme")


def test_a_scenario_is_not_taken_back_while_the_loaded_one_does_not_fit_the_prompts(library: Library) -> None:
    library.take_scenario("acme", scenario_published(scenario("retail", 2, languages=("en", "zh"))))
    library.take_prompt("acme", prompt_published(1, language="zh"))
    with pytest.raises(ScenarioError, match="not there in 'zh'"):
        library.drop_scenario("acme", "retail")
    assert library("retail", "acme").version == 2


def test_every_change_is_told_when_it_is_there(library: Library) -> None:
    told: list[tuple[str, str, int]] = []
    library.tell(lambda tenant, name: told.append((tenant, name, library(name, tenant).version)))
    library.take_scenario("acme", scenario_published(scenario("retail", 2)))
    library.take_prompt("acme", prompt_published(4))
    library.drop_prompt("acme", "retail", "en", "greet")
    library.drop_scenario("acme", "retail")
    assert told == [("acme", "retail", 2)] * 3 + [("acme", "retail", 1)]
    assert library.revision == 4


def test_a_challenger_gets_some_of_the_calls_and_the_same_ones_every_time(library: Library) -> None:
    library.take_prompt("acme", prompt_published(1, challenger=(2, 0.3)))
    once, again = ([running(library, call_id=f"call-{n}") for n in range(1_000)] for _ in range(2))
    assert once == again
    assert set(once) == {"greet.v1", "greet.v2"}
    assert running(library, "other") == "greet.v3"


@given(st.floats(0.01, 0.99), st.text(max_size=20))
def test_a_challengers_share_of_the_calls_is_near_its_share(share: float, of: str) -> None:
    one = Running(prompt="greet", version=1, challenger=Challenger(version=2, share=share))
    taken = sum(one.version_for(f"{of}{n}") == 2 for n in range(2_000))
    assert abs(taken / 2_000 - share) < 0.06  # more than five standard deviations of a fair draw


@given(st.floats(0.01, 0.9), st.text(max_size=40))
def test_a_larger_share_takes_no_call_back_from_the_challenger(share: float, call_id: str) -> None:
    smaller, larger = (
        Running(prompt="greet", version=1, challenger=Challenger(version=2, share=it)) for it in (share, share + 0.09)
    )
    assert smaller.version_for(call_id) == 1 or larger.version_for(call_id) == 2
