from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas.envelope import Envelope, encode, from_headers, payload_model, to_headers
from schemas.export import file_name, json_schemas
from schemas.registry import PAYLOADS
from schemas.wire import CallEvent

FOLDER = Path(schemas.__file__).parent / "examples"
CONTRACTS = json_schemas()
CHUNK = "convmine-chunk"


def example(name: str) -> dict[str, Any]:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def envelope_of(document: dict[str, Any]) -> Envelope:
    return from_headers((name, value.encode()) for name, value in document["headers"].items())


def value_of(document: dict[str, Any]) -> Any:
    """The payload's JSON; that of an audio chunk travels in a header."""
    headers = document["headers"]
    return json.loads(headers[CHUNK]) if CHUNK in headers else document["value"]


def test_every_event_has_an_example_and_every_example_an_event() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAYLOADS)


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_an_example_is_read_and_written_back_unchanged(name: str) -> None:
    document = example(name)
    envelope = envelope_of(document)
    model = payload_model(envelope)
    assert model is PAYLOADS[name]
    payload = model.model_validate(value_of(document))
    assert json.loads(encode(payload)) == value_of(document)
    written = {header: value.decode() for header, value in to_headers(envelope)}
    assert written == {header: value for header, value in document["headers"].items() if header != CHUNK}


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_an_example_is_valid_by_its_json_schema(name: str) -> None:
    schema = CONTRACTS[file_name(PAYLOADS[name])]
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(schema, format_checker=checker).validate(value_of(example(name)))


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_an_example_is_keyed_as_the_design_says(name: str) -> None:
    document = example(name)
    envelope = envelope_of(document)
    assert document["key"] == envelope.partitionkey
    if issubclass(PAYLOADS[name], CallEvent):
        # What waits for a receiver of webhooks waits in that receiver's own queue.
        whose = value_of(document)["receiver" if name == "webhook.pending" else "call_id"]
        assert document["key"] == f"{envelope.tenantid}:{whose}"
        assert envelope.subject == value_of(document)["call_id"]


def test_quotes_of_the_examples_stand_in_their_segments() -> None:
    value = example("intent.extracted")["value"]
    texts = {segment["segment_id"]: segment["text"] for segment in value["segments"]}
    quotes = [evidence for intent in value["intents"] for evidence in intent["evidence"]]
    assert quotes
    assert all(evidence["quote"] in texts[evidence["segment_id"]] for evidence in quotes)


def test_the_audio_example_holds_as_much_sound_as_a_20_ms_chunk_has() -> None:
    document = example("call.audio.chunk")
    raw = value_of(document)["raw"]
    assert len(base64.b64decode(document["value_base64"])) == raw["sample_rate_hz"] * raw["channels"] * 20 // 1_000


def test_a_flow_state_carries_a_whole_insight_or_the_newest_words_and_never_both() -> None:
    state, heard = example("flow.state")["value"], example("intent.extracted")["value"]
    model = PAYLOADS["flow.state"]
    neither = {name: value for name, value in state.items() if name != "insight"}
    assert json.loads(encode(model.model_validate(neither | {"heard": heard})))["heard"] == heard
    for wrong in (neither, state | {"heard": heard}):
        with pytest.raises(ValueError, match="carry either insight or heard"):
            model.model_validate(wrong)
