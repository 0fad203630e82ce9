from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import START, inbound, payloads, run, run_in_memory, said

from pipeline.compliance.checklist import UNDER_WAY_MS
from pipeline.compliance.stage import build
from pipeline.compliance.watched import APART_MS, Watched
from pipeline.handling import Remembering
from pipeline.scenarios.load import shipped
from schemas.call import CallEnded, CallHeld, CallStarted, CallUpdated
from schemas.compliance import AlertKind, CallAlert, ChecklistUpdated
from schemas.transcript import ConversationMessage, Segment, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Role

NOTICE = "before we start this call is recorded"
PRESSURE = "you must decide now"
BEGUN = CallStarted(call_id="c1", call=CallFacts(agent="ann", language="en"))
TURN_MS = 5_000


def stage() -> Remembering[Watched]:
    return build(scenarios=shipped, default_scenario="telecom")


async def told(*events: CallEvent) -> list[object]:
    """What is published of these events."""
    outputs, _ = await run(stage(), [inbound(event, offset, at_s=offset) for offset, event in enumerate(events)])
    return payloads(outputs)


def ticked(published: Sequence[object]) -> list[list[str]]:
    """The names that were said, checklist by checklist."""
    lists = [one for one in published if isinstance(one, ChecklistUpdated)]
    return [[item.name for item in one.items if item.said is not None] for one in lists]


def alerts(published: Iterable[object]) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.name) for one in published if isinstance(one, CallAlert)]


def agent(number: int, text: str, **changes: object) -> TranscriptSegment:
    return said(number, text, Role.AGENT, **changes)


async def test_the_checklist_is_there_when_the_call_begins_and_all_of_it_is_open() -> None:
    (only,) = await told(BEGUN, agent(0, "good morning"))
    assert isinstance(only, ChecklistUpdated)
    assert [(item.name, item.role, item.due_ms, item.when_outcome, item.said) for item in only.items] == [
        ("recording_notice", Role.AGENT, 30_000, None, None),
        ("cooling_off", Role.AGENT, None, "bought", None),
    ]
    assert only.call.agent == "ann"


async def test_an_item_is_ticked_off_with_the_words_that_say_it() -> None:
    published = await told(BEGUN, agent(0, "good morning"), agent(1, NOTICE))
    assert ticked(published) == [[], ["recording_notice"]]
    newest = published[-1]
    assert isinstance(newest, ChecklistUpdated)
    assert newest.items[0].said is not None
    assert (newest.items[0].said.quote, newest.items[0].said.segment_id) == ("call is recorded", "s1")
    assert newest.at_ms == 9_000


async def test_the_other_side_cannot_say_it_for_the_agent() -> None:
    assert ticked(await told(BEGUN, said(0, NOTICE))) == [[]]


async def test_a_phrase_that_is_cut_in_two_is_said_and_quoted_where_it_ends() -> None:
    published = await told(BEGUN, agent(0, "before we start this call"), said(1, "yes"), agent(2, "is recorded okay"))
    newest = published[-1]
    assert isinstance(newest, ChecklistUpdated)
    assert newest.items[0].said is not None
    assert (newest.items[0].said.segment_id, newest.items[0].said.quote) == ("s2", "is recorded")


async def test_the_first_part_of_a_phrase_may_come_after_the_second() -> None:
    assert ticked(await told(BEGUN, agent(2, "is recorded"), agent(1, "this call")))[-1] == ["recording_notice"]


async def test_a_correction_that_takes_the_words_back_opens_the_item_again() -> None:
    published = await told(BEGUN, agent(0, NOTICE), agent(0, "before we start the ball is red", revision=2))
    assert ticked(published) == [[], ["recording_notice"], []]


async def test_an_older_revision_that_comes_late_changes_nothing() -> None:
    published = await told(BEGUN, agent(0, NOTICE, revision=2), agent(0, "hello", revision=1))
    assert ticked(published) == [[], ["recording_notice"]]


async def test_partial_words_tick_nothing_and_tell_nothing() -> None:
    partial = [agent(0, f"{NOTICE} {PRESSURE}", final=False), agent(30, "lawyer", final=False)]
    published = await told(BEGUN, *partial)
    assert (ticked(published), alerts(published)) == ([[]], [])


async def test_an_item_that_is_late_is_told_once_and_still_ticked_when_it_is_said() -> None:
    late = (AlertKind.OVERDUE_PHRASE, "recording_notice")
    turns = [agent(number, "well") for number in range(9)]
    published = await told(BEGUN, *turns, agent(9, NOTICE), CallEnded(call_id="c1", duration_ms=60_000))
    assert alerts(published) == [late]
    assert ticked(published) == [[], ["recording_notice"]]


async def test_words_that_began_in_time_are_waited_for() -> None:
    long = Segment(segment_id="long", role=Role.AGENT, start_ms=29_000, end_ms=41_000, text=f"now {NOTICE}")
    in_time = TranscriptSegment(call_id="c1", call=CallFacts(language="en"), segment=long, final=True)
    assert alerts(await told(BEGUN, said(6, "yes"), said(7, "hello"), in_time)) == []


@pytest.mark.parametrize(
    "event",
    [
        CallHeld(call_id="c1", at_ms=30_001 + UNDER_WAY_MS),
        CallEnded(call_id="c1", duration_ms=30_001 + UNDER_WAY_MS),
        said(9, "are you there"),
    ],
    ids=["hold", "end", "the other side"],
)
async def test_any_event_that_shows_the_time_is_over_tells_what_is_late(event: CallEvent) -> None:
    assert alerts(await told(BEGUN, said(0, "hello"), event)) == [(AlertKind.OVERDUE_PHRASE, "recording_notice")]


async def test_a_call_that_ends_before_the_time_is_over_has_nothing_late() -> None:
    assert alerts(await told(BEGUN, said(0, "wrong number"), CallEnded(call_id="c1", duration_ms=8_000))) == []


async def test_a_forbidden_phrase_is_told_at_once_with_its_words() -> None:
    published = await told(BEGUN, agent(0, NOTICE), agent(1, f"well {PRESSURE} really"))
    (alert,) = [one for one in published if isinstance(one, CallAlert)]
    assert (alert.kind, alert.name, alert.title) == (
        AlertKind.FORBIDDEN_PHRASE,
        "false_urgency",
        "False pressure of time",
    )
    assert [words.quote for words in alert.evidence] == [PRESSURE]
    assert (alert.at_ms, alert.raised_at, alert.call.agent) == (5_000, START + timedelta(seconds=2), "ann")


async def test_a_forbidden_phrase_is_no_matter_of_the_other_side_but_a_sensitive_word_is() -> None:
    published = await told(BEGUN, agent(0, NOTICE), said(1, PRESSURE), said(2, "i call my lawyer"))
    assert alerts(published) == [(AlertKind.SENSITIVE_WORD, "legal_action")]


async def test_a_rule_is_told_once_a_minute_of_the_call() -> None:
    turns = [said(number, "my lawyer will call your lawyer") for number in range(20)]
    published = [one for one in await told(BEGUN, *turns) if isinstance(one, CallAlert)]
    words = [one for one in published if one.kind is AlertKind.SENSITIVE_WORD]
    assert [one.at_ms for one in words] == [0, APART_MS]
    assert len(words[0].evidence) == 2
    assert len({one.alert_id for one in published}) == len(published)


async def test_a_correction_repeats_no_alert() -> None:
    published = await told(
        BEGUN, said(0, "a lawyer"), *[said(n, "so") for n in range(1, 20)], said(0, "the lawyer", revision=2)
    )
    assert alerts(published).count((AlertKind.SENSITIVE_WORD, "legal_action")) == 1


async def test_chinese_calls_have_their_own_lists() -> None:
    zh = CallFacts(language="zh-CN")
    begun = CallStarted(call_id="c1", call=zh)
    published = await told(begun, agent(0, "您好本次通话会被录音", call=zh), said(1, "不然我找律师", call=zh))
    assert ticked(published) == [[], ["recording_notice"]]
    assert alerts(published) == [(AlertKind.SENSITIVE_WORD, "legal_action")]


async def test_a_language_that_becomes_known_later_keeps_what_was_said() -> None:
    begun = CallStarted(call_id="c1", call=CallFacts(agent="ann"))
    updated = CallUpdated(call_id="c1", call=CallFacts(language="zh"))
    published = await told(begun, agent(0, NOTICE, call=CallFacts()), updated)
    newest = published[-1]
    assert isinstance(newest, ChecklistUpdated)
    assert next((item.title, item.said is not None) for item in newest.items) == ("告知录音或留存记录", True)


async def test_messages_of_a_chat_tick_and_alert_as_speech_does() -> None:
    messages = [
        ConversationMessage(call_id="c1", message_id=f"m{number}", role=role, sent_at=START, text=text)
        for number, (role, text) in enumerate([(Role.AGENT, NOTICE), (Role.CUSTOMER, "my lawyer")])
    ]
    published = await told(BEGUN, *messages)
    assert ticked(published) == [[], ["recording_notice"]]
    assert alerts(published) == [(AlertKind.SENSITIVE_WORD, "legal_action")]


async def test_without_consent_nothing_is_told_and_no_words_are_kept() -> None:
    refused = CallStarted(call_id="c1", call=CallFacts(consent=False, language="en"))
    events = [refused, agent(0, NOTICE), said(1, "my lawyer"), CallEnded(call_id="c1", duration_ms=90_000)]
    outputs, state = await run(stage(), [inbound(event, offset) for offset, event in enumerate(events)])
    assert outputs == []
    assert state is not None
    assert "lawyer" not in state.model_dump_json()


async def test_a_refusal_in_the_call_forgets_its_words_and_ends_what_is_told() -> None:
    refused = CallUpdated(call_id="c1", call=CallFacts(consent=False))
    events = [BEGUN, said(0, "hello there"), agent(1, NOTICE), refused, said(2, "my lawyer")]
    outputs, state = await run(stage(), [inbound(event, offset) for offset, event in enumerate(events)])
    assert alerts(payloads(outputs)) == []
    assert state is not None
    assert "hello" not in state.model_dump_json()
    assert "recorded" not in state.model_dump_json()


async def test_personal_numbers_are_masked_on_entry() -> None:
    events = [BEGUN, agent(0, "your card number please"), said(1, "4111 1111 1111 1111 or i sue you")]
    outputs, state = await run(stage(), [inbound(event, offset) for offset, event in enumerate(events)])
    assert alerts(payloads(outputs)) == [(AlertKind.SENSITIVE_WORD, "legal_action")]
    assert state is not None
    assert "4111" not in state.model_dump_json()


async def test_of_a_scenario_that_is_not_known_nothing_is_told() -> None:
    assert await told(CallStarted(call_id="c1", call=CallFacts(scenario="no-such")), said(0, "my lawyer")) == []


async def test_a_call_of_an_hour_is_remembered_by_its_last_minutes() -> None:
    turns = [said(number, f"word number {number}") for number in range(720)]
    _, state = await run(stage(), [inbound(event, offset) for offset, event in enumerate((BEGUN, *turns))])
    assert state is not None
    assert len(state.call.turns) <= 30


async def test_words_that_come_minutes_late_still_count() -> None:
    published = await told(BEGUN, agent(100, "well"), agent(0, NOTICE), said(1, "my lawyer"))
    assert ticked(published) == [[], ["recording_notice"]]
    assert (AlertKind.SENSITIVE_WORD, "legal_action") in alerts(published)


CALL = (
    BEGUN,
    agent(0, "good morning this call"),
    agent(1, "is recorded"),
    said(2, "my lawyer says no"),
    agent(3, PRESSURE, final=False),
    agent(3, PRESSURE),
    agent(3, "you might decide now", revision=2),
    said(8, "a lawyer"),
    agent(21, "fourteen days to withdraw"),
    CallEnded(call_id="c1", duration_ms=200_000),
    said(20, "the lawyer came late"),
)
EVENTS = [inbound(event, offset, at_s=offset * 5) for offset, event in enumerate(CALL)]


@settings(max_examples=20)
@given(st.sets(st.integers(0, len(CALL) - 1)))
async def test_the_same_is_told_however_often_the_worker_is_killed(killed_at: set[int]) -> None:
    undisturbed = await run_in_memory(stage(), EVENTS)
    outputs, _ = await run(stage(), EVENTS, killed_at=killed_at)
    assert outputs == undisturbed
    ids = [output.message.envelope.id for output in outputs]
    assert len(set(ids)) == len(ids)


@settings(max_examples=30)
@given(st.permutations(range(len(CALL))))
async def test_whatever_the_order_each_item_ends_ticked_and_no_rule_is_told_twice_in_a_minute(order: list[int]) -> None:
    outputs = await run_in_memory(stage(), [inbound(CALL[number], place) for place, number in enumerate(order)])
    assert set(ticked(payloads(outputs))[-1]) == {"recording_notice", "cooling_off"}
    told_at: dict[str, list[int]] = {}
    for one in payloads(outputs):
        if isinstance(one, CallAlert):
            told_at.setdefault(one.name, []).append(one.at_ms)
    assert all(b - a >= APART_MS for times in told_at.values() for a, b in pairwise(times))
