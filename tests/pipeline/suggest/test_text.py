# ruff: noqa: RUF001 - Chinese text has full-width marks
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.suggest.text import fill, values_at
from schemas.insight import Entity, Evidence
from schemas.wire import Role


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("Name {plan}.", {"plan": "the smart plan"}, "Name the smart plan."),
        ("They named {competitor}. Compare a year.", {}, "Compare a year."),
        ("Put the time ({date}) in. Call once.", {}, "Put the time in. Call once."),
        ("Put the time ({date}) in.", {"date": "friday"}, "Put the time (friday) in."),
        ("It is {a} and {b}.", {"a": "1"}, None),
        ("Costs 12.50 for {plan}! Why? Ask.", {}, "Why? Ask."),
        ("客户提到{competitor}。问清流量。", {}, "问清流量。"),
        ("客户提到{competitor}。问清流量。", {"competitor": "蓝天"}, "客户提到蓝天。问清流量。"),
        ("把约定时间（{date}）记入日程。", {}, "把约定时间记入日程。"),
        ("No slot (but brackets) here.", {}, "No slot (but brackets) here."),
    ],
)
def test_slots_are_filled_or_left_out_with_what_depends_on_them(
    template: str, values: dict[str, str], expected: str | None
) -> None:
    assert fill(template, values) == expected


def test_values_are_data_and_no_templates() -> None:
    assert fill("Ask about {plan}.", {"plan": "{price} \\1 {plan}", "price": "9"}) == "Ask about {price} \\1 {plan}."


@given(st.text(max_size=60), st.dictionaries(st.sampled_from(["a", "b"]), st.text(min_size=1, max_size=9)))
def test_any_text_can_be_filled(template: str, values: dict[str, str]) -> None:
    text = fill(template, values)
    assert text is None or text.strip()


def entity(value: str, start_ms: int, name: str = "plan") -> Entity:
    said = Evidence(segment_id="s", role=Role.CUSTOMER, start_ms=start_ms, end_ms=start_ms + 10, quote="q")
    return Entity(entity_id=f"e{start_ms}", name=name, value=value, role=Role.CUSTOMER, evidence=(said,))


def test_a_slot_takes_what_was_said_last_before_the_moment() -> None:
    entities = [entity("third", 30), entity("first", 10), entity("second", 20)]
    assert values_at(entities, 25) == {"plan": "second"}


def test_a_slot_takes_what_was_said_first_after_it_if_nothing_was_said_before() -> None:
    assert values_at([entity("third", 30), entity("second", 20)], 5) == {"plan": "second"}


def test_a_value_is_one_short_line_and_an_empty_one_is_none() -> None:
    values = values_at([entity("a\n b" + "c" * 200, 1), entity("  ", 2, "date")], 5)
    assert values == {"plan": "a b" + "c" * 77}
