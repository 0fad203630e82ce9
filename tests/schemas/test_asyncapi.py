from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import schemas
from pipeline.stages import STAGES, TOPICS
from schemas.asyncapi import DEAD_LETTER, StageFacts, TopicFacts, asyncapi, key_of
from schemas.registry import PAYLOADS

HOME = Path(schemas.__file__).parent
DOCUMENT: dict[str, Any] = json.loads((HOME / "asyncapi.json").read_text(encoding="utf-8"))
# AsyncAPI 3.0.0: the fixed fields of the objects that we use, and which of them are required.
ROOT = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
CHANNEL = {"address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "bindings"}
OPERATION = {"action", "channel", "title", "summary", "description", "security", "tags", "bindings", "messages"}
MESSAGE = {
    *{"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags"},
    *{"bindings", "examples", "traits"},
}
COMPONENT_NAME = re.compile(r"^[\w.-]+$", re.ASCII)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def follow(reference: str) -> Any:
    """What a reference points to, in this document or in a file beside it."""
    file, _, pointer = reference.partition("#")
    node = json.loads((HOME / file).read_text(encoding="utf-8")) if file else DOCUMENT
    for part in pointer.strip("/").split("/") if pointer else ():
        node = node[part]
    return node


def test_the_document_has_the_required_fields_and_no_others() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) <= ROOT
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert all(set(channel) <= CHANNEL for channel in DOCUMENT["channels"].values())
    assert all(set(message) <= MESSAGE for message in DOCUMENT["components"]["messages"].values())
    for operation in DOCUMENT["operations"].values():
        assert {"action", "channel"} <= set(operation) <= OPERATION
        assert operation["action"] in {"send", "receive"}


def test_component_names_are_of_the_allowed_form() -> None:
    names = [name for kind in DOCUMENT["components"].values() for name in kind]
    assert names
    assert all(COMPONENT_NAME.match(name) for name in names)


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        assert follow(reference) is not None


def test_an_operation_only_names_messages_of_its_own_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        prefix = operation["channel"]["$ref"] + "/messages/"
        assert operation["messages"]
        assert all(message["$ref"].startswith(prefix) for message in operation["messages"])


def test_every_topic_is_a_channel_with_at_least_one_message() -> None:
    assert set(DOCUMENT["channels"]) == {topic.name for topic in TOPICS if not topic.internal}
    for name, channel in DOCUMENT["channels"].items():
        assert channel["address"] == name
        assert channel["messages"]
        assert "Key: " in channel["description"]
        assert "Lane: " in channel["description"]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.group)
def test_every_stage_receives_what_it_reads_and_sends_what_it_writes(stage: Any) -> None:
    mine = {name for name in DOCUMENT["operations"] if name.startswith(f"{stage.name}.{stage.lane}.")}
    assert {f"{stage.name}.{stage.lane}.receive.{topic}" for topic in stage.reads} <= mine
    sent = {*stage.writes, "calls.failed", *(stage.dead_letters(topic) for topic in stage.reads)}
    assert {f"{stage.name}.{stage.lane}.send.{topic}" for topic in sent} <= mine
    assert len(mine) == len(stage.reads) + len(sent)


def test_every_event_is_a_message_whose_payload_is_its_json_schema() -> None:
    messages = DOCUMENT["components"]["messages"]
    assert set(messages) == {*PAYLOADS, DEAD_LETTER}
    for name in PAYLOADS:
        schema = follow(messages[name]["payload"]["schema"]["$ref"])
        assert schema["title"] == name


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_headers_of_every_example_fit_their_message(name: str) -> None:
    registry = Registry[Any]().with_resource("doc:", Resource.opaque(DOCUMENT))
    pointer = {"$ref": f"doc:#/components/messages/{name}/headers"}
    inlined = json.loads(json.dumps(DOCUMENT).replace('"#/', '"doc:#/'))
    registry = registry.with_resource("doc:", Resource.opaque(inlined))
    validator: Any = Draft202012Validator(pointer, registry=registry)
    headers = json.loads((HOME / "examples" / f"{name}.json").read_text(encoding="utf-8"))["headers"]
    validator.validate(headers)
    assert not validator.is_valid(headers | {"ce_type": "io.convmine.other.v1"})
    assert not validator.is_valid({header: value for header, value in headers.items() if header != "ce_id"})


def test_a_stage_that_writes_an_unknown_topic_is_refused() -> None:
    stage = StageFacts("asr", "batch", "convmine.asr.batch", "CPU", ("a",), ("nowhere",))
    with pytest.raises(KeyError, match="nowhere"):
        asyncapi([TopicFacts("a", ("call.held",), compacted=False, retention_ms=1)], [stage], version="1")


def test_the_key_of_a_call_event_is_tenant_and_call() -> None:
    assert key_of(PAYLOADS["call.insight"]) == "tenant_id:call_id"
    assert key_of(PAYLOADS["flow.graph"]) == "tenant_id:scenario:partition"
