"""A call that comes in at a gateway is one trace over all stages, on real Kafka, and the picture of it is drawn."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from processes import convmine, environment
from traced_call import CALLER, traced_call

from pipeline.stages import stages_of
from schemas.wire import Lane
from workers.tracing.hops import pseudonym
from workers.tracing.span_file import WrittenSpan, read_spans

STAGES = {stage.name for stage in stages_of(Lane.BATCH)} - {"webhook"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Path:
    return traced_call(tmp_path_factory.mktemp("traced"), kafka_servers)


@pytest.fixture(scope="module")
def trace(file: Path) -> list[WrittenSpan]:
    """The trace that the request began."""
    spans = read_spans(file)
    request = next(
        span for span in spans if span.kind == "server" and span.attributes["http.response.status_code"] == 201
    )
    return [span for span in spans if span.trace_id == request.trace_id]


@pytest.mark.timeout(400)
def test_all_stages_of_a_call_are_in_the_trace_that_its_request_began(trace: list[WrittenSpan]) -> None:
    request = trace[0]
    assert request.name == "POST /v1/calls/{call_id}/recordings"
    assert (request.parent_id, request.service) == ("", "convmine-gateway")
    assert request.links == [{"trace_id": CALLER.split("-")[1], "span_id": CALLER.split("-")[2]}]
    processed = {span.attributes["convmine.stage"] for span in trace if span.kind == "consumer"}
    assert processed >= STAGES
    known = {span.span_id for span in trace}
    assert {span.parent_id for span in trace[1:]} <= known, "no hop of it is missing"


def test_the_language_model_and_the_store_are_in_it_and_no_words(file: Path, trace: list[WrittenSpan]) -> None:
    (asked, *_) = (span for span in trace if span.name.startswith("chat "))
    assert asked.attributes["gen_ai.provider.name"] == "openai"
    assert asked.attributes["gen_ai.usage.input_tokens"] > 100
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    stored = {span.attributes["db.collection.name"] for span in trace if span.attributes.get("db.system.name")}
    assert {"calls", "utterances", "intents"} <= stored
    assert {span.attributes.get("convmine.call") for span in trace if span.kind == "consumer"} == {
        pseudonym("acme", "traced-1")
    }
    assert "traced-1" not in file.read_text()


def test_the_trace_is_drawn_and_told(file: Path, trace: list[WrittenSpan], tmp_path: Path) -> None:
    env = environment({"CONVMINE_TENANT": "acme"})
    convmine("trace", "show", str(file), "--call", "traced-1", "--out", str(tmp_path / "t.svg"), env=env)
    texts = {found.text for found in ET.parse(tmp_path / "t.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert STAGES | {"process calls.recordings"} <= texts
    table = convmine("trace", "show", str(file), "--trace", trace[0].trace_id[:8], env=env).stdout
    assert table.count("\n") == len(trace) + 1
