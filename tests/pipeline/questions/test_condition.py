from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.questions.condition import Condition, number_of, parse_condition
from pipeline.questions.fields import FIELDS, NoField, countable

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = [field.name for field in FIELDS.values() if field.type == "name" and not field.values]
VALUE = st.text("abcxyz_-. 价格0189", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.sampled_from(NAMES), st.sampled_from(["is", "is_not"]), st.lists(VALUE, min_size=1, max_size=4))
def test_a_condition_reads_as_it_is_written(field: str, op: str, values: list[str]) -> None:
    condition = Condition.model_validate({"field": field, "op": op, "values": values})
    assert parse_condition(str(condition)) == condition


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("price", "is no condition"),
        ("role=", "is no condition"),
        ("role=,", "is no condition"),
        ("rolle=agent", "there is no field 'rolle'"),
        ("role=agnet", "role is never 'agnet'"),
        ("role>=agent", "role is compared with = or !="),
        ("started=7d", "started is compared with >= or <"),
        ("confidence>=high", "'high' is no number"),
        ("confidence>=nan", "'nan' is no number"),
        ("confidence>=0.1,0.2", "one value is compared with"),
        ("started>=yesterday", "neither a time ago such as"),
    ],
)
def test_what_cannot_be_asked_is_said(written: str, said: str) -> None:
    with pytest.raises(NoField, match=said):
        parse_condition(written)


@pytest.mark.parametrize(("wrong", "nearest"), [("agnet=x", "agent"), ("sentiment=negativ", "negative")])
def test_the_nearest_names_are_offered(wrong: str, nearest: str) -> None:
    with pytest.raises(NoField) as caught:
        parse_condition(wrong)
    assert (caught.value.hint or "").startswith(f"nearest: {nearest}")


def test_what_is_compared_becomes_a_number() -> None:
    assert number_of(parse_condition("duration>=300"), NOW) == 300
    assert number_of(parse_condition("started>=7d"), NOW) == (NOW - timedelta(days=7)).timestamp()
    assert number_of(parse_condition("started<2026-03-01"), NOW) == datetime(2026, 3, 1, tzinfo=UTC).timestamp()


def test_things_are_counted_by_fields_that_they_have() -> None:
    assert countable("intent", "intents") == "name"
    assert countable("intent", "calls") == "intents"
    for name, of, said in (("role", "calls", "calls have no field role"), ("started", "calls", "nothing to count by")):
        with pytest.raises(NoField, match=said):
            countable(name, of)  # type: ignore[arg-type]  # one of a table
