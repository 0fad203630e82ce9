"""What agents say to suggestions: of which calls, how often, and what it becomes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from live_desk import Desk, live_desk

from pipeline.errors import Retryable
from pipeline.stages import FEEDBACK
from schemas.suggestion import FeedbackKind, SuggestionFeedback
from workers.in_process import InProcessBroker
from workers.records import NewRecord, read_event


async def tell(desk: Desk, suggestion: str, key: str = "bob", **body: Any) -> httpx.Response:
    sent = {"kind": "accepted", "call_id": "call-1", **body}
    async with httpx.AsyncClient(base_url=desk.url, headers={"Authorization": f"Bearer {key}"}) as client:
        return await client.post(f"/v1/suggestions/{suggestion}/feedback", json=sent)


def written(desk: Desk) -> list[SuggestionFeedback]:
    events = [read_event(one) for one in desk.broker.records(FEEDBACK)]
    return [event.payload for event in events if event and isinstance(event.payload, SuggestionFeedback)]


async def test_feedback_is_an_event_of_the_agent_whose_key_it_is() -> None:
    async with live_desk() as desk:
        await desk.suggest(1)
        said = await tell(desk, "s1", kind="edited", text="Take the annual plan, if you like.")
        (event,) = written(desk)
        (one,) = desk.broker.records(FEEDBACK)
    assert said.status_code == 201
    assert (event.suggestion_id, event.card_id, event.agent, event.kind) == ("s1", "card-1", "bob", FeedbackKind.EDITED)
    assert event.text == "Take the annual plan, if you like."
    assert one.key == b"acme:call-1"
    assert dict(one.headers)["ce_id"].decode() == said.json()["feedback_id"]


async def test_the_same_feedback_again_has_the_same_id_and_another_has_not() -> None:
    async with live_desk() as desk:
        await desk.suggest(1)
        ids = [(await tell(desk, "s1", kind=kind)).json()["feedback_id"] for kind in ("shown", "shown", "accepted")]
    assert ids[0] == ids[1] != ids[2]


async def test_a_suggestion_that_is_stored_but_not_recent_takes_feedback() -> None:
    async with live_desk() as desk:
        async with httpx.AsyncClient(base_url=desk.url, headers={"Authorization": "Bearer supervisor"}) as client:
            stored = (await client.get("/v1/calls/call-bob")).json()["suggestions"][0]
        said = await tell(desk, stored["suggestion_id"], call_id="call-bob")
        (event,) = written(desk)
    assert said.status_code == 201
    assert (event.card_id, event.agent) == (stored["card_id"], "bob")


async def test_feedback_of_an_expired_suggestion_is_taken() -> None:
    async with live_desk() as desk:
        await desk.suggest(1)  # it expired in March
        assert (await tell(desk, "s1", kind="dismissed")).status_code == 201


async def test_a_supervisors_feedback_is_counted_for_the_agent_of_the_call() -> None:
    async with live_desk() as desk:
        await desk.suggest(1, agent="ann")
        assert (await tell(desk, "s1", "supervisor")).status_code == 201
        assert [event.agent for event in written(desk)] == ["ann"]


async def test_a_colleagues_suggestion_is_not_told_apart_from_none() -> None:
    async with live_desk() as desk:
        await desk.suggest(1, call_id="hers", agent="ann")
        await desk.suggest(2, call_id="theirs", agent="bob", tenant="umbrella")
        answers = [
            await tell(desk, "s1", call_id="hers"),
            await tell(desk, "s1", call_id="call-1"),
            await tell(desk, "s2", call_id="theirs"),
            await tell(desk, "s9", call_id="hers"),
            await tell(desk, "s9", call_id="none"),
            await tell(desk, "s9", call_id="call-one"),
        ]
        assert {one.status_code for one in answers} == {404}
        said = {one.text for one in answers if "hers" in one.text}
        assert len({text.replace("s1", "s9").replace("s2", "s9") for text in said if "'hers'" in text}) == 1
        assert written(desk) == []


@pytest.mark.parametrize("key", ["analyst", "publisher"])
async def test_who_only_reads_or_only_publishes_gives_no_feedback(key: str) -> None:
    async with live_desk() as desk:
        await desk.suggest(1)
        assert (await tell(desk, "s1", key)).status_code == 403


@pytest.mark.parametrize(
    "body", [{"kind": "loved"}, {"call_id": ""}, {"call_id": None}, {"text": "x" * 5_001}, {"agent": "ann"}]
)
async def test_feedback_that_is_not_valid_is_refused(body: dict[str, Any]) -> None:
    async with live_desk() as desk:
        await desk.suggest(1)
        assert (await tell(desk, "s1", **body)).status_code == 422


class Away(InProcessBroker):
    """A broker that can be read and takes no feedback."""

    async def publish(self, records: Any) -> None:
        if any(isinstance(one, NewRecord) and one.topic == FEEDBACK for one in records):
            raise Retryable("away", dependency="kafka", retry_after_s=3)
        await super().publish(records)


async def test_while_kafka_is_away_the_answer_is_to_ask_again() -> None:
    async with live_desk(Away()) as desk:
        await desk.suggest(1)
        said = await tell(desk, "s1")
    assert said.status_code == 503
    assert said.headers["retry-after"] == "3"
