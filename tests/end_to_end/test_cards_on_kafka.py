"""A card on its way from who writes it to a live call, and what agents did with it on its way back, on real Kafka."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka_node import free_port
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, is_idle, running, wait_until

from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import FEEDBACK, OUTCOMES, flow, stages_of
from schemas.call import CallOutcome, OutcomeResult
from schemas.envelope import message
from schemas.flow import FlowState
from schemas.insight import Evidence, Extractor, Intent, IntentExtracted, Provenance
from schemas.suggestion import FeedbackKind, SuggestionFeedback
from schemas.transcript import Segment
from schemas.wire import CallEvent, CallFacts, Lane, Role, Sentiment
from workers.edge import Edge
from workers.records import write_event

CARD = "answer-price-objection"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TAKEN_UP_S = 30.0
"""Seconds that a running worker may take to show what was published; it takes one or two."""
WORDS = "it is too expensive"
ADVISES = next(stage for stage in stages_of(Lane.LIVE) if stage.name == "suggest")


@dataclass(frozen=True)
class Desk:
    """A worker that advises live calls, one that stores and counts, and the store that both reach."""

    env: Mapping[str, str]
    folder: Path
    edge: Edge

    def wait(self, seconds: float, true: Any) -> None:
        wait_until(true, seconds=seconds, logs=self.folder)

    def says(self, call_id: str) -> dict[str, Any]:
        """What the customer said too much for leads to: the suggestion."""
        self.publish(flow(Lane.LIVE), heard(call_id))
        self.wait(60, lambda: is_idle(self.env, ADVISES) and self.suggested(call_id))
        return self.suggested(call_id)[0]

    def suggested(self, call_id: str) -> list[dict[str, Any]]:
        told = convmine_json_lines("topics", "tail", "sales.suggestions", env=self.env)
        created = [one["value"] for one in told if "expires_at" in one["value"]]
        return [one for one in created if one["call_id"] == call_id]

    def publish(self, topic: str, payload: CallEvent) -> None:
        told = message(
            payload,
            id=f"{topic}-{payload.model_dump_json()}"[:200],
            source="/test",
            time=AT,
            subject=payload.call_id,
            tenant_id="default",
        )
        self.edge.publish([write_event(Outbound(topic, told))])

    def row(self) -> dict[str, Any]:
        items = convmine_json(
            "cards", "list", "--scenario", "telecom", "--card", CARD, "--language", "en", env=self.env
        )
        found: dict[str, Any] = items["items"][0]
        return found

    def running(self) -> set[int]:
        """The versions of the card that workers say they show."""
        items = convmine_json("cards", "list", "--scenario", "telecom", "--running", env=self.env)["items"]
        return {row["version"] for row in items if row["card"] == CARD}


def convmine_json_lines(*arguments: str, env: Mapping[str, str]) -> list[dict[str, Any]]:
    told = convmine(*arguments, "--from-start", "--no-follow", "--json", env=env).stdout
    return [json.loads(line) for line in told.splitlines()]


def heard(call_id: str) -> FlowState:
    """A customer objects to the price in the first turn."""
    said = Segment(segment_id="s1", role=Role.CUSTOMER, start_ms=1_000, end_ms=4_000, text=WORDS)
    evidence = Evidence(segment_id="s1", role=Role.CUSTOMER, start_ms=1_000, end_ms=4_000, quote=WORDS)
    objection = Intent(
        intent_id=f"{call_id}-i1",
        name="price_objection",
        role=Role.CUSTOMER,
        topic="price",
        sentiment=Sentiment.NEGATIVE,
        confidence=0.9,
        evidence=(evidence,),
    )
    made = Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1)
    words = IntentExtracted(call_id=call_id, language="en", segments=(said,), intents=(objection,), provenance=made)
    return FlowState(call_id=call_id, call=CallFacts(agent="ann"), lane=Lane.LIVE, path=(), heard=words)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("cards")
    port = free_port()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{folder.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "QDRANT_URL": f"http://127.0.0.1:{port}",
        }
    )
    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
    with ExitStack() as stack:
        stack.enter_context(running(stand_in, env, folder / "qdrant.log"))
        wait_until(lambda: _answers(env["QDRANT_URL"]), seconds=60, logs=folder)
        convmine("topics", "apply", env=env)
        for stage, lane in (("index", "batch"), ("suggest", "live")):
            command = [*CONVMINE, "worker", stage, "--lane", lane]
            stack.enter_context(running(command, env, folder / f"{stage}.log"))
        kafka = KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"{folder.name}.", partitions=2)
        yield Desk(env, folder, Edge(kafka))


def _shown_and_won(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["shown"], row["won"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.mark.timeout(500)
def test_a_card_is_written_approved_shown_counted_and_withdrawn_while_workers_run(desk: Desk) -> None:
    before = desk.says("before")
    assert (before["card_id"], before["approved_by"]) == (CARD, "Head of Retention")
    place = ("--scenario", "telecom", "--language", "en")

    convmine("cards", "edit", CARD, *place, "--text", "Name the smart plan.", "--by", "ann", env=desk.env)
    convmine("cards", "approve", CARD, *place, "--version", "1", "--by", "bob", env=desk.env)
    desk.wait(TAKEN_UP_S, lambda: desk.running() == {1})
    convmine("cards", "edit", CARD, *place, "--text", "Nobody has approved this.", "--by", "ann", env=desk.env)
    shown = [desk.says(f"shown-{number}") for number in range(3)]
    assert {(one["text"], one["approved_by"]) for one in shown} == {("Name the smart plan.", "bob")}

    for number, kind in enumerate((FeedbackKind.SHOWN, FeedbackKind.ACCEPTED, FeedbackKind.DISMISSED)):
        reaction = SuggestionFeedback(
            call_id=shown[number]["call_id"],
            suggestion_id=shown[number]["suggestion_id"],
            card_id=CARD,
            agent="ann",
            kind=kind,
            at=AT,
        )
        desk.publish(FEEDBACK, reaction)
    won = CallOutcome(
        call_id="shown-1", name="sale_closed", result=OutcomeResult.WON, observed_at=AT, observed_by="crm"
    )
    desk.publish(OUTCOMES, won)
    desk.wait(60, lambda: _shown_and_won(desk.row()) == (3, 1))
    row = desk.row()
    assert (row["accepted"], row["dismissed"], row["lost"], row["version"]) == (1, 1, 0, 1)
    assert row["acceptance"]["of"] == 3
    assert row["draft"]["content"]["text"] == "Nobody has approved this."
    keys = {one["key"] for one in convmine_json_lines("topics", "tail", "config.cards", env=desk.env)}
    card = f"default:telecom:en:{CARD}"
    assert keys == {card, f"{card}:draft", f"{card}:statistics"}

    convmine("cards", "withdraw", CARD, *place, "--by", "bob", env=desk.env)
    desk.wait(TAKEN_UP_S, lambda: desk.running() == {3})
    desk.publish(flow(Lane.LIVE), heard("after"))
    desk.wait(60, lambda: is_idle(desk.env, ADVISES))
    assert desk.suggested("after") == []
