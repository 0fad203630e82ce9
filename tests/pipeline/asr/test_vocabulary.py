import pytest

from pipeline.asr.vocabulary import MAX_TERMS, prompt_of, vocabulary_of
from pipeline.scenarios.load import shipped, shipped_names
from pipeline.scenarios.model import Document, Edition, Scenario


def edited(language: str, **changes: object) -> Scenario:
    """The shipped scenario with one edition only, and that changed."""
    telecom = shipped("telecom")
    edition = telecom.editions[language].model_copy(update=changes)
    return telecom.model_copy(update={"default_language": language, "editions": {language: edition}})


@pytest.mark.parametrize(
    ("language", "terms"),
    [
        ("en", {"Premium plan", "silver line", "north star", "Day pass", "Home internet"}),
        ("en-GB", {"Smart plan"}),
        ("zh-CN", {"畅享套餐", "北星", "出境流量包", "日包"}),
    ],
)
def test_names_of_products_and_competitors_and_labels_of_the_knowledge_are_in_it(
    language: str, terms: set[str]
) -> None:
    assert terms <= set(vocabulary_of(shipped("telecom"), language))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_amounts_days_and_times_are_not(language: str) -> None:
    edition: Edition = shipped("telecom").edition(language)
    amounts = [it for it in edition.taxonomy.entities if it.name in {"money", "date", "time", "duration", "percent"}]
    assert amounts
    only = edition.taxonomy.model_copy(update={"entities": tuple(amounts)})
    assert vocabulary_of(edited(language, taxonomy=only, knowledge=()), language) == ()


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_scenario_has_one_in_each_language_without_doubles_longest_first(name: str) -> None:
    scenario = shipped(name)
    for language in scenario.editions:
        terms = vocabulary_of(scenario, language)
        assert 0 < len(terms) <= MAX_TERMS
        assert len({term.casefold() for term in terms}) == len(terms)
        assert terms == vocabulary_of(scenario, language)
        assert prompt_of(terms, lambda prompt: len(prompt.encode()) <= 448) == ", ".join(terms) + "."


def test_another_language_has_none_and_an_unknown_one_only_where_there_is_no_choice() -> None:
    assert vocabulary_of(shipped("telecom"), "fr") == ()
    assert vocabulary_of(shipped("telecom"), None) == ()
    assert vocabulary_of(edited("en"), None) == vocabulary_of(shipped("telecom"), "en")


def test_of_very_many_terms_the_names_stay_and_the_longest_labels() -> None:
    labels = "\n".join(f"- Thing {'x' * (number % 20)}{number}: text" for number in range(200))
    scenario = edited("en", knowledge=(Document(name="many", title="Many", text=labels),))
    terms = vocabulary_of(scenario, "en")
    assert len(terms) == MAX_TERMS
    assert "silver line" in terms
    last = [len(term) for term in terms if term.startswith("Thing")]
    assert last == sorted(last, reverse=True)


def test_sentences_headings_of_tables_and_numbers_are_no_labels() -> None:
    text = "| Plan | Price |\n|---|---|\n| Gold pass | 5 |\n\n- 12: a number\n- a line that goes on and on and on: no\n"
    scenario = edited("en", knowledge=(Document(name="one", title="One", text=text),))
    terms = vocabulary_of(scenario, "en")
    assert "Gold pass" in terms
    assert not {"Plan", "12", "a line that goes on and on and on"} & set(terms)


@pytest.mark.parametrize(("room", "prompt"), [(100, "one, two, three."), (9, "one, two."), (4, "one."), (3, None)])
def test_a_prompt_holds_the_first_terms_that_fit(room: int, prompt: str | None) -> None:
    assert prompt_of(("one", "two", "three"), lambda text: len(text) <= room) == prompt


def test_no_terms_are_no_prompt() -> None:
    assert prompt_of((), lambda _: True) is None
