from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.call import CallHeld
from schemas.envelope import (
    TYPE_PREFIX,
    Envelope,
    EnvelopeError,
    UnknownMajor,
    dataschema_of,
    from_headers,
    message,
    payload_model,
    to_headers,
    type_of,
)
from schemas.registry import PAYLOADS

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=200)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ENVELOPES = st.builds(
    Envelope,
    id=WORDS,
    source=WORDS,
    type=WORDS,
    time=st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=OFFSETS),  # noqa: DTZ001 - hypothesis adds the zone
    subject=WORDS,
    partitionkey=WORDS,
    tenantid=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    dataschema=WORDS,
    traceparent=st.none() | WORDS,
    datacontenttype=WORDS,
)
NAMES = st.sampled_from(
    ["ce_id", "ce_type", "CE_TIME", "ce_time", "ce_specversion", "ce_tenantid", "ce_", "content-type", "traceparent"]
)


def held(**changes: str) -> Envelope:
    made = message(
        CallHeld(call_id="c-1", at_ms=5),
        id="e-1",
        source="/pbx",
        time=datetime(2026, 3, 12, tzinfo=UTC),
        subject="c-1",
        tenant_id="north",
    ).envelope
    return made.model_copy(update=changes)


@given(ENVELOPES)
def test_an_envelope_comes_back_from_its_headers(envelope: Envelope) -> None:
    assert from_headers(to_headers(envelope)) == envelope


@settings(max_examples=300)
@given(st.lists(st.tuples(NAMES | st.text(), st.none() | st.binary() | st.just(b"1.0"))))
def test_any_headers_are_an_envelope_or_an_envelope_error(headers: list[tuple[str, bytes | None]]) -> None:
    with suppress(EnvelopeError):
        assert isinstance(from_headers(headers), Envelope)


@settings(max_examples=300)
@given(st.sampled_from([name for name, _ in to_headers(held())]), st.binary() | st.text().map(str.encode))
def test_one_damaged_header_is_an_envelope_error_at_worst(name: str, value: bytes) -> None:
    headers = [*to_headers(held()), (name, value)]
    with suppress(EnvelopeError):
        assert payload_model(from_headers(headers)) in {None, CallHeld}


@pytest.mark.parametrize("name", [name for name, _ in to_headers(held()) if name != "ce_partitionkey"])
def test_a_missing_header_is_named(name: str) -> None:
    headers = [(header, value) for header, value in to_headers(held()) if header != name]
    if name == "content-type":
        assert from_headers(headers).datacontenttype == ""
        return
    with pytest.raises(EnvelopeError, match=rf"header {name}[: ]+is missing"):
        from_headers(headers)


def test_header_names_are_read_in_any_case_and_the_last_one_counts() -> None:
    headers = [*((name.upper(), value) for name, value in to_headers(held())), ("ce_id", b"e-2")]
    assert from_headers(headers).id == "e-2"


def test_a_traceparent_travels_only_when_it_is_there() -> None:
    assert "traceparent" not in dict(to_headers(held()))
    assert from_headers(to_headers(held(traceparent="00-a-b-01"))).traceparent == "00-a-b-01"


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_every_type_is_found_by_its_name_and_version(name: str) -> None:
    model = PAYLOADS[name]
    assert payload_model(held(type=type_of(model), dataschema=dataschema_of(model))) is model


@given(st.from_regex(r"[a-z_.]{1,30}", fullmatch=True).filter(lambda name: name not in PAYLOADS))
def test_an_unknown_type_of_ours_is_skipped(name: str) -> None:
    envelope = held(type=f"{TYPE_PREFIX}{name}.v1", dataschema=f"urn:convmine:schema:{name}:1.0")
    assert payload_model(envelope) is None


@given(WORDS.filter(lambda kind: not kind.startswith(TYPE_PREFIX)))
def test_a_type_that_is_not_ours_is_skipped(kind: str) -> None:
    assert payload_model(held(type=kind)) is None


@given(st.sampled_from(sorted(PAYLOADS)), st.integers(1, 9_999))
def test_a_newer_minor_version_is_skipped(name: str, ahead: int) -> None:
    model = PAYLOADS[name]
    major, minor = model.version
    newer = f"urn:convmine:schema:{name}:{major}.{min(minor + ahead, 9_999)}"
    assert payload_model(held(type=type_of(model), dataschema=newer)) is None


@given(st.sampled_from(sorted(PAYLOADS)), st.integers(0, 9_999))
def test_another_major_version_is_told_apart(name: str, major: int) -> None:
    model = PAYLOADS[name]
    if major == model.version[0]:
        return
    envelope = held(type=f"{TYPE_PREFIX}{name}.v{major}", dataschema=f"urn:convmine:schema:{name}:{major}.0")
    with pytest.raises(UnknownMajor, match=f"major version {major}, this program reads"):
        payload_model(envelope)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "io.convmine.call.held"},
        {"type": "io.convmine.call.held.vone"},
        {"dataschema": "call.held"},
        {"dataschema": "urn:convmine:schema:call.resumed:1.0"},
        {"dataschema": "urn:convmine:schema:call.held:2.0"},
    ],
)
def test_a_type_that_disagrees_with_its_schema_is_an_error(changes: dict[str, str]) -> None:
    with pytest.raises(EnvelopeError, match="header ce_"):
        payload_model(held(**changes))
