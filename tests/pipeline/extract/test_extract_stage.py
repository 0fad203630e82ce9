from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from talks import talk

from pipeline.errors import Config, Poison
from pipeline.extract.findings import Conversation, Findings, IntentExtractor
from pipeline.extract.lexical import LexicalExtractor
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build
from pipeline.handling import Handler, Inbound, Position
from pipeline.scenarios.load import shipped
from pipeline.settings import ExtractSettings, LlmSettings, Settings
from pipeline.stages import intents
from schemas.envelope import message
from schemas.insight import CallInsight, ComplianceKind, FollowUpKind, Handling, Medium, ToneChange
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallFacts, Lane, Payload, Role, Sentiment

LINES = (
    "a: good morning this is daniel from the service team",
    "a: this call is recorded for training",
    "c: it is too expensive for me and i want to cancel my contract",
    "a: i can offer you ten dollars off for six months",
    "c: okay then i will stay with you",
)


LEXICAL = LexicalExtractor()  # fitted once for all tests


class Untouched:
    """An extractor that must not be asked."""

    async def extract(self, conversation: Conversation) -> Findings:
        raise AssertionError(conversation)

    async def close(self) -> None:
        """Nothing is held open."""


def transcript(*lines: str, **changes: Any) -> TranscriptCompleted:
    known = {"call_id": "c1", "language": "en", "duration_ms": 60_000, "engine": "test", "segments": talk(*lines)}
    return TranscriptCompleted.model_validate(known | changes)


def handler(extractor: IntentExtractor | None = None) -> Handler:
    return build(extractor=extractor or LEXICAL, scenarios=shipped, default_scenario="telecom")


def inbound(payload: Payload, tenant: str = "t1") -> Inbound:
    made = message(payload, id="e1", source="/t", time=datetime(2026, 1, 1, tzinfo=UTC), subject="c1", tenant_id=tenant)
    return Inbound(made, Position("calls.transcripts.batch", 0, 1))


async def insight_of(payload: TranscriptCompleted, extractor: IntentExtractor | None = None) -> CallInsight:
    (out,) = await handler(extractor)(inbound(payload))
    assert out.topic == intents(payload.lane)
    assert isinstance(out.message.payload, CallInsight)
    return out.message.payload


async def test_a_transcript_becomes_an_insight_with_evidence_for_everything() -> None:
    insight = await insight_of(transcript(*LINES, call=CallFacts(agent="daniel")))
    assert [intent.name for intent in insight.intents] == [
        "agent_opening",
        "recording_notice",
        "price_objection",
        "cancel_contract",
        "make_offer",
        "agree_to_stay",
    ]
    texts = {segment.segment_id: segment.text for segment in talk(*LINES)}
    assert all(intent.evidence[0].quote in texts[intent.evidence[0].segment_id] for intent in insight.intents)
    assert [(entity.name, entity.value) for entity in insight.entities] == [
        ("money", "10 dollars"),
        ("duration", "6 months"),
    ]
    assert insight.topics[0].topic == "conversation"
    assert {side.role: side.sentiment for side in insight.sentiments}[Role.CUSTOMER] is Sentiment.NEGATIVE
    assert insight.outcome_inferred is not None
    assert insight.outcome_inferred.name == "retained"
    assert insight.compliance == ()
    assert "Outcome: Customer stays." in insight.summary
    assert insight.call.agent == "daniel"


async def test_the_same_transcript_gives_the_same_event_and_ids_again() -> None:
    payload = transcript(*LINES)
    assert await handler()(inbound(payload)) == await handler()(inbound(payload))


@pytest.mark.parametrize(("tenant", "revision"), [("t2", 1), ("t1", 2)])
async def test_ids_differ_between_tenants_and_revisions(tenant: str, revision: int) -> None:
    (one,) = await handler()(inbound(transcript(*LINES)))
    (other,) = await handler()(inbound(transcript(*LINES, revision=revision), tenant))
    found = [out.message.payload for out in (one, other)]
    assert all(isinstance(payload, CallInsight) for payload in found)
    ids = [{intent.intent_id for intent in payload.intents} for payload in found if isinstance(payload, CallInsight)]
    assert not ids[0] & ids[1]


async def test_an_empty_transcript_gives_an_insight_that_says_so_and_asks_nobody() -> None:
    insight = await insight_of(transcript(empty_because="both channels are silent"), Untouched())
    assert insight.intents == ()
    assert insight.summary == "No words were heard: both channels are silent."
    assert insight.compliance == ()


async def test_segments_without_words_are_an_empty_transcript() -> None:
    insight = await insight_of(transcript("c:  ", "a:"), Untouched())
    assert insight.summary.startswith("No words were heard")


async def test_a_missing_notice_is_a_hit() -> None:
    insight = await insight_of(transcript(*LINES[2:]))
    assert [hit.kind for hit in insight.compliance] == [ComplianceKind.MISSING_PHRASE]


async def test_the_language_of_the_transcript_chooses_the_edition() -> None:
    insight = await insight_of(transcript("c: 我要投诉 让你们主管来接电话", language="zh-CN"))
    assert [intent.name for intent in insight.intents] == ["request_supervisor"]
    assert insight.language == "zh-CN"


async def test_an_unknown_scenario_is_poison_that_names_it() -> None:
    with pytest.raises(Poison, match="no scenario 'bakery'"):
        await handler()(inbound(transcript(*LINES, call=CallFacts(scenario="bakery"))))


async def test_what_else_travels_on_the_topic_is_passed_over() -> None:
    insight = await insight_of(transcript(*LINES))
    assert await handler(Untouched())(inbound(insight)) == ()


async def test_a_live_transcript_is_answered_in_its_lane() -> None:
    insight = await insight_of(transcript(*LINES, lane=Lane.LIVE))
    assert insight.lane is Lane.LIVE


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        (Settings(extract=ExtractSettings(scenario="bakery")), "CONVMINE_EXTRACT_SCENARIO"),
        (Settings(extract=ExtractSettings(extractor="llm"), llm=LlmSettings()), "CONVMINE_LLM_API_KEY"),
    ],
)
def test_wrong_settings_stop_at_start(settings: Settings, setting: str) -> None:
    with pytest.raises(Config) as caught:
        build_extractor(settings, shipped)
    assert caught.value.setting == setting


async def test_objections_follow_ups_and_talk_are_found_without_a_model_and_days_count_from_the_call() -> None:
    started = datetime(2026, 3, 4, 23, 30, tzinfo=timezone(timedelta(hours=8)))
    lines = (*LINES, "a: i will send you the papers tomorrow for ten dollars")
    insight = await insight_of(transcript(*lines, call=CallFacts(started_at=started)))
    assert [(one.topic, one.handling, one.evidence[0].segment_id) for one in insight.objections] == [
        ("price", Handling.ANSWERED, "seg2"),
        ("contract", Handling.ANSWERED, "seg2"),
    ]
    assert [one.answer[0].segment_id for one in insight.objections] == ["seg3", "seg3"]
    (promise,) = insight.follow_ups
    assert (promise.kind, promise.due, promise.due_said) == (FollowUpKind.PROMISE, date(2026, 3, 5), "tomorrow")
    assert [(one.amount, one.unit, one.day) for one in insight.entities][-2:] == [
        (None, None, date(2026, 3, 5)),
        (10, "USD", None),
    ]
    customer = next(side for side in insight.sentiments if side.role is Role.CUSTOMER)
    assert customer.turn is not None
    assert (customer.turn.change, customer.turn.at_ms) == (ToneChange.BETTER, 20_000)
    assert insight.talk is not None
    assert {side.role: side.turns for side in insight.talk.sides} == {Role.AGENT: 3, Role.CUSTOMER: 2}


async def test_without_the_day_of_the_call_no_day_is_made_up() -> None:
    insight = await insight_of(transcript("a: i will send you the papers tomorrow"))
    assert [(one.due, one.due_said) for one in insight.follow_ups] == [(None, "tomorrow")]


async def test_a_chinese_chat_has_the_same_parts() -> None:
    started = datetime(2026, 3, 4, 9, tzinfo=UTC)
    told = transcript(
        "c: 月租太贵了",
        "a: 我给您推荐畅享套餐 每月五十九元",
        "a: 我会在三天内发短信给您",
        language="zh",
        call=CallFacts(started_at=started),
    )
    messages = tuple(one.model_copy(update={"end_ms": one.start_ms}) for one in told.segments)
    insight = await insight_of(told.model_copy(update={"segments": messages}))
    assert [(one.topic, one.handling) for one in insight.objections] == [("price", Handling.ANSWERED)]
    assert [(one.due, one.what) for one in insight.follow_ups] == [(date(2026, 3, 7), "我会在三天内发短信给您")]
    assert ("money", 59, "CNY") in [(one.name, one.amount, one.unit) for one in insight.entities]
    assert insight.talk is not None
    assert insight.talk.medium is Medium.TEXT
