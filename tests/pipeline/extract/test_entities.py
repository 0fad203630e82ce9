from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talks import talk

from pipeline.extract import entities
from pipeline.extract.entities import find_entities, normalised_value
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import EntityDefinition


def found(line: str, language: str = "en") -> list[tuple[str, str]]:
    definitions = {one.name: one for one in shipped("telecom").edition(language).taxonomy.entities}
    return [
        (one.name, normalised_value(one.said, definitions[one.name]))
        for one in find_entities(talk(line), tuple(definitions.values()))
    ]


@pytest.mark.parametrize(
    ("line", "language", "expected"),
    [
        ("c: i pay Forty Five dollars", "en", ("money", "45 dollars")),
        ("c: i pay $45", "en", ("money", "$45")),
        ("a: that is twenty percent off", "en", ("percent", "20 percent")),
        ("c: Silver Line called me", "en", ("competitor", "silver line")),
        ("c: 每个月九十九块", "zh", ("money", "99块")),
        ("a: 老客户打八折", "zh", ("percent", "8折")),
        ("a: the Family Bundle then", "en", ("plan", "family plan")),
        ("a: the family plan then", "en", ("plan", "family plan")),
        ("c: 家里的宽带", "zh", ("plan", "家庭宽带")),
        ("c: 每月１２９元", "zh", ("money", "129元")),
    ],
)
def test_a_slot_is_found_with_a_normalised_value(line: str, language: str, expected: tuple[str, str]) -> None:
    assert expected in found(line, language)


def test_the_quote_is_as_it_was_said() -> None:
    (money,) = list(find_entities(talk("c: only Ten dollars"), shipped("telecom").edition("en").taxonomy.entities))
    assert money.evidence.quote == "Ten dollars"


def test_a_place_is_given_to_a_slot_once_and_the_first_pattern_wins() -> None:
    plan = EntityDefinition(name="plan", title="Plan", patterns=(r"big plan", r"plan", r"plan"))
    assert [one.said for one in find_entities(talk("c: the big plan or a plan"), [plan])] == ["big plan", "plan"]


def test_slots_come_in_order_of_what_was_said() -> None:
    assert [name for name, _ in found("c: blue sky takes ten dollars for the family plan")] == [
        "competitor",
        "money",
        "plan",
    ]


PATTERNS = ["a+b", "^b|c$", r"\bab\b", "(a)\\1", "(?i)CA", "(?P<n>b)", "a(?=b)|c", "[^a]b"]


@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=4), st.text("abcABC ", min_size=1, max_size=12))
def test_several_patterns_find_together_what_they_find_alone(patterns: list[str], text: str) -> None:
    segments = [talk("c: said")[0].model_copy(update={"text": text})]
    slot = EntityDefinition(name="slot", title="Slot", patterns=tuple(patterns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entities, "_joined", lambda _: None)
        alone = find_entities(segments, [slot])
    assert find_entities(segments, [slot]) == alone
