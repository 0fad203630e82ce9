from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.answer_key import answer_key
from pipeline.ports import Account, ChatMessage, ChatRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REQUEST = ChatRequest(
    messages=(ChatMessage("system", "mine"), ChatMessage("user", "the call")),
    json_schema={"type": "object", "required": ["a", "b"]},
    schema_name="extract_v1",
    prompt_version="extract.v1",
)
OTHER: dict[str, Any] = {
    "messages": (ChatMessage("system", "mine"), ChatMessage("user", "the call.")),
    "json_schema": {"type": "object", "required": ["b", "a"]},
    "schema_name": "extract_v2",
    "temperature": 0.1,
    "max_tokens": 2_001,
    "prompt_version": "extract.v2",
    "model": "m2",
}


def key(request: ChatRequest = REQUEST, model: str = "m1", server: str = "http://a/v1") -> str:
    return answer_key(request, model=model, server=server)


def test_it_is_the_same_in_every_process() -> None:
    assert key() == "5887c3e6d2c56a8c541b223ab423ddace0db90bd2074a1fa6fb87567eef44835"


@pytest.mark.parametrize("field", [field.name for field in fields(ChatRequest) if field.name != "account"])
def test_every_field_of_a_request_counts(field: str) -> None:
    assert key(replace(REQUEST, **{field: OTHER[field]})) != key()


def test_who_pays_does_not_count() -> None:
    assert key(replace(REQUEST, account=Account("acme", "call-1", "extract", "telecom"))) == key()


def test_the_model_and_where_it_is_served_count() -> None:
    assert len({key(), key(model="m2"), key(server="http://b/v1"), key(model="http://a/v1", server="m1")}) == 4


def test_who_said_a_message_and_where_it_ends_count() -> None:
    pairs = [("user", "ab"), ("assistant", "ab"), ("user", "a"), ("user", "")]
    asked = [(ChatMessage("user", "x"), ChatMessage(role, content)) for role, content in pairs]  # type: ignore[arg-type]  # mypy sees str
    joined = (ChatMessage("user", "xab"),)
    assert len({key(replace(REQUEST, messages=messages)) for messages in [*asked, joined]}) == 5


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_the_order_of_names_in_the_schema_does_not_count(schema: dict[str, Any]) -> None:
    turned = dict(reversed(list(schema.items())))
    assert key(replace(REQUEST, json_schema=schema)) == key(replace(REQUEST, json_schema=turned))


@given(JSON, JSON)
def test_different_schemas_have_different_keys(one: object, other: object) -> None:
    same = repr(one) == repr(other) or one == other
    keys = {key(replace(REQUEST, json_schema={"x": value})) for value in (one, other)}
    assert len(keys) == 2 or same
