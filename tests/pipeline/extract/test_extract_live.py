from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import START, TENANT, Scripted, inbound, payloads, run, run_in_memory, said, segment

from pipeline.errors import Poison
from pipeline.extract.live import build
from pipeline.extract.live_state import LiveConversation
from pipeline.extract.stage import build as build_whole
from pipeline.handling import Inbound, Remembering
from pipeline.ids import stable_id
from pipeline.scenarios.load import shipped
from schemas.call import CallEnded, CallHeld, CallStarted, CallUpdated
from schemas.insight import CallInsight, IntentExtracted
from schemas.transcript import ConversationMessage, Segment, TranscriptCompleted, TranscriptGap
from schemas.wire import CallEvent, CallFacts, Lane, Role

ENDED = CallEnded(call_id="c1", duration_ms=60_000)


def live(extractor: Scripted | None = None, context_turns: int = 2) -> Remembering[LiveConversation]:
    return build(
        extractor=extractor or Scripted(),
        scenarios=shipped,
        default_scenario="telecom",
        context_turns=context_turns,
    )


def events(*payloads: CallEvent) -> list[Inbound]:
    return [inbound(payload, offset, at_s=offset) for offset, payload in enumerate(payloads)]


async def published(*sent: CallEvent, extractor: Scripted | None = None) -> list[object]:
    outputs, _ = await run(live(extractor), events(*sent))
    return payloads(outputs)


async def remembered(*sent: CallEvent) -> LiveConversation:
    _, state = await run(live(), events(*sent))
    assert state is not None
    return state


def found(payload: object) -> list[str]:
    assert isinstance(payload, IntentExtracted | CallInsight)
    return [intent.name for intent in payload.intents]


def texts(payload: object) -> list[str]:
    assert isinstance(payload, IntentExtracted)
    return [one.text for one in payload.segments]


def insight_in(sent: Sequence[object]) -> CallInsight:
    (one,) = (payload for payload in sent if isinstance(payload, CallInsight))
    return one


async def test_a_final_segment_gives_what_was_found_in_it_with_its_words() -> None:
    outputs, _ = await run(live(), events(said(1, "it is too expensive"), said(2, "i will cancel it")))
    assert [output.topic for output in outputs] == ["calls.intents.live"] * 2
    first, second = payloads(outputs)
    assert (found(first), texts(first)) == (["price_objection"], ["it is too expensive"])
    assert (found(second), texts(second)) == (["cancel_contract"], ["i will cancel it"])
    assert isinstance(second, IntentExtracted)
    assert (second.revision, second.language, [one.name for one in second.entities]) == (1, "en", ["plan"])


async def test_words_in_which_nothing_was_found_are_published_too() -> None:
    (one,) = await published(said(1, "good morning"))
    assert (found(one), texts(one)) == ([], ["good morning"])


async def test_the_extractor_is_shown_the_newest_turns_and_no_more() -> None:
    extractor = Scripted()
    await published(*(said(n, f"turn {n}") for n in range(5)), extractor=extractor)
    assert extractor.asked[-1] == ("turn 2", "turn 3", "turn 4")


async def test_a_partial_segment_and_other_events_of_a_call_give_nothing() -> None:
    extractor = Scripted()
    gap = TranscriptGap(call_id="c1", channel=0, start_ms=0, end_ms=5)
    sent = (said(1, "it is exp", final=False), gap, CallHeld(call_id="c1", at_ms=5))
    assert await published(*sent, extractor=extractor) == []
    assert extractor.asked == []


async def test_a_text_without_words_is_not_mined() -> None:
    extractor = Scripted()
    assert await published(said(1, " "), ENDED, extractor=extractor) == []
    assert extractor.asked == []


async def test_a_higher_revision_replaces_a_segment_and_a_lower_one_is_passed_over() -> None:
    sent = (said(1, "expensive", revision=2), said(1, "cancel", revision=1), said(1, "stay", revision=3), ENDED)
    first, second, whole = await published(*sent)
    assert (found(first), found(second), found(whole)) == (["price_objection"], ["agree_to_stay"], ["agree_to_stay"])


async def test_a_segment_that_turns_out_to_hold_no_words_takes_its_intents_back() -> None:
    extractor = Scripted()
    first, second = await published(said(1, "expensive"), said(1, "", revision=2), extractor=extractor)
    assert (found(first), found(second), texts(second)) == (["price_objection"], [], [""])
    assert len(extractor.asked) == 1


async def test_the_end_gives_the_insight_that_the_batch_lane_gives_of_the_same_words() -> None:
    facts = CallFacts(agent="ann", language="en")
    sent = (CallStarted(call_id="c1", call=facts), said(1, "too expensive"), said(2, "then i stay"), ENDED)
    whole = insight_in(await published(*sent))
    transcript = TranscriptCompleted(
        call_id="c1",
        call=facts,
        lane=Lane.LIVE,
        duration_ms=60_000,
        engine="live",
        segments=(segment(1, "too expensive"), segment(2, "then i stay")),
    )
    batch = build_whole(extractor=Scripted(), scenarios=shipped, default_scenario="telecom")
    (expected,) = await batch(inbound(transcript, 0))
    assert whole == expected.message.payload
    assert (whole.lane, whole.revision, whole.duration_ms) == (Lane.LIVE, 1, 60_000)


async def test_what_is_found_has_the_same_ids_as_it_falls_and_at_the_end() -> None:
    first, second, whole = await published(said(1, "too expensive"), said(2, "expensive, i cancel"), ENDED)
    assert isinstance(first, IntentExtracted)
    assert isinstance(second, IntentExtracted)
    assert isinstance(whole, CallInsight)
    assert (*first.intents, *second.intents) == whole.intents
    assert {one.entity_id for one in (*first.entities, *second.entities)} == {one.entity_id for one in whole.entities}


async def test_a_call_in_which_nobody_spoke_has_no_insight() -> None:
    assert await published(CallStarted(call_id="c1"), ENDED) == []


async def test_a_call_that_ends_twice_has_one_insight() -> None:
    assert len(await published(said(1, "expensive"), ENDED, ENDED.model_copy(update={"reason": "again"}))) == 2


async def test_what_comes_after_the_end_is_put_in_its_place_in_a_new_revision() -> None:
    *_, first, second = await published(said(1, "expensive"), said(3, "i stay"), ENDED, said(2, "i cancel"))
    assert isinstance(first, CallInsight)
    assert isinstance(second, CallInsight)
    assert (first.revision, found(first)) == (1, ["price_objection", "agree_to_stay"])
    assert (second.revision, found(second)) == (2, ["price_objection", "cancel_contract", "agree_to_stay"])
    assert not {one.intent_id for one in first.intents} & {one.intent_id for one in second.intents}


async def test_the_words_of_a_call_that_ended_without_any_are_its_first_revision() -> None:
    (whole,) = await published(ENDED, said(1, "expensive"))
    assert isinstance(whole, CallInsight)
    assert whole.revision == 1


async def test_a_segment_that_comes_late_into_a_call_that_goes_on_is_put_in_its_place() -> None:
    extractor = Scripted()
    sent = (said(1, "one"), said(3, "three"), said(2, "cancel"), ENDED)
    *_, late, _ = await published(*sent, extractor=extractor)
    assert found(late) == ["cancel_contract"]
    assert extractor.asked[2:] == [("one", "cancel"), ("one", "cancel", "three")]


async def test_facts_add_up_and_travel_with_every_event() -> None:
    sent = (
        CallStarted(call_id="c1", call=CallFacts(agent="ann", language="zh")),
        CallUpdated(call_id="c1", call=CallFacts(agent="bob", team="north")),
        said(1, "expensive", call=CallFacts(queue="q", language="en")),
    )
    (one,) = await published(*sent)
    assert isinstance(one, IntentExtracted)
    assert one.call == CallFacts(agent="bob", team="north", queue="q", language="en")


async def test_a_customer_who_refuses_is_not_mined_and_the_words_are_forgotten() -> None:
    extractor = Scripted()
    no = CallUpdated(call_id="c1", call=CallFacts(consent=False))
    on_its_way = said(2, "cancel", call=CallFacts(consent=True))
    sent = (said(1, "expensive"), no, on_its_way)
    assert len(await published(*sent, ENDED, extractor=extractor)) == 1
    assert len(extractor.asked) == 1
    assert (await remembered(*sent)).turns == ()


async def test_consent_that_is_given_later_counts_from_then_on() -> None:
    no, yes = (CallUpdated(call_id="c1", call=CallFacts(consent=consent)) for consent in (False, True))
    *_, whole = await published(no, said(1, "expensive"), yes, said(2, "cancel"), ENDED)
    assert found(whole) == ["cancel_contract"]


def chat(number: int, text: str, *, facts: CallFacts | None = None) -> ConversationMessage:
    return ConversationMessage(
        call_id="c1",
        call=facts or CallFacts(language="en"),
        message_id=f"m{number}",
        role=Role.CUSTOMER,
        sent_at=START + timedelta(seconds=number),
        text=text,
    )


async def test_a_message_is_a_segment_whose_time_counts_from_the_first_one() -> None:
    first, second = await published(chat(60, "hello"), chat(62, "i cancel"))
    assert found(second) == ["cancel_contract"]
    assert isinstance(first, IntentExtracted)
    assert isinstance(second, IntentExtracted)
    assert (first.segments[0].start_ms, second.segments[0].start_ms) == (0, 2_000)
    assert second.segments[0].segment_id == stable_id("segment", TENANT, "c1", "m62")


@pytest.mark.parametrize(
    "start", [CallStarted(call_id="c1"), CallStarted(call_id="c1", call=CallFacts(started_at=START))]
)
async def test_times_of_messages_count_from_the_calls_start_where_it_is_known(start: CallStarted) -> None:
    (one,) = await published(start, chat(7, "hello"))
    assert isinstance(one, IntentExtracted)
    assert one.segments[0].start_ms == 7_000


async def test_a_message_that_is_sent_twice_counts_once() -> None:
    assert len(await published(chat(1, "expensive"), chat(1, "expensive"))) == 1


async def test_a_number_in_pieces_is_masked_in_the_pieces_before_too() -> None:
    sent = (said(1, "my card is 4111", Role.CUSTOMER), said(2, "1111 1111 1111"))
    first, second = await published(*sent)
    assert texts(first) == ["my card is 4111"]
    assert texts(second) == ["my card is [CARD]", "[CARD]"]
    assert "1111" not in (await remembered(*sent)).model_dump_json()


async def test_a_code_is_masked_by_the_question_before_it() -> None:
    *_, code = await published(said(1, "what is the security code", Role.AGENT), said(2, "it is 123"))
    assert texts(code) == ["it is [CODE]"]


async def test_a_whole_transcript_in_this_lane_is_masked_and_mined() -> None:
    transcript = TranscriptCompleted(
        call_id="c1",
        lane=Lane.LIVE,
        duration_ms=9_000,
        engine="text",
        segments=(segment(1, "cancel, i am at 555 0142 777"),),
    )
    assert found(insight_in(await published(transcript))) == ["cancel_contract"]
    refused = transcript.model_copy(update={"call": CallFacts(consent=False)})
    assert await published(refused) == []


async def test_an_unknown_scenario_is_poison() -> None:
    with pytest.raises(Poison, match="no scenario 'bakery'"):
        await published(said(1, "hello", call=CallFacts(scenario="bakery")))


async def test_what_is_remembered_names_no_field_for_each_segment() -> None:
    """A call of 600 segments is written 600 times."""
    short, long = [await remembered(*(said(n, "x" * 60) for n in range(turns))) for turns in (1, 101)]
    added = (len(long.model_dump_json()) - len(short.model_dump_json())) / 100
    assert added < 60 + len("s100") + 45


SEGMENTS = st.builds(
    said,
    st.integers(0, 6),
    st.sampled_from(["", "too expensive", "i cancel", "i stay", "well", "my number is 555 0142", "777 0142"]),
    st.sampled_from([Role.AGENT, Role.CUSTOMER]),
    revision=st.integers(1, 3),
    final=st.sampled_from([True, True, True, False]),
)
MESSAGES = st.builds(chat, st.integers(0, 9), st.sampled_from(["i cancel", "hello", " "]))
LIFE = st.sampled_from(
    [
        CallStarted(call_id="c1", call=CallFacts(agent="ann")),
        CallUpdated(call_id="c1", call=CallFacts(consent=False)),
        CallUpdated(call_id="c1", call=CallFacts(consent=True, team="north")),
        ENDED,
    ]
)
CALLS = st.lists(st.one_of(SEGMENTS, SEGMENTS, SEGMENTS, MESSAGES, LIFE), max_size=14)


@settings(max_examples=60)
@given(CALLS, st.sets(st.integers(0, 14)))
async def test_a_call_gives_the_same_however_often_its_worker_is_killed(
    sent: list[CallEvent], killed_at: set[int]
) -> None:
    undisturbed = await run_in_memory(live(), events(*sent))
    assert (await run(live(), events(*sent), killed_at=killed_at))[0] == undisturbed
    assert len({output.message.envelope.id for output in undisturbed}) == len(undisturbed)


@settings(max_examples=40)
@given(st.permutations(range(5)), st.integers(0, 5))
async def test_the_last_insight_is_the_same_in_whatever_order_the_segments_came(order: list[int], end: int) -> None:
    spoken = ("too expensive", "i cancel", "well", "i stay", "good bye")
    sent: list[CallEvent] = [said(n, spoken[n]) for n in order]
    sent.insert(end, ENDED)
    whole = (await published(*sent))[-1]
    in_time = insight_in(await published(*(said(n, text) for n, text in enumerate(spoken)), ENDED))
    assert isinstance(whole, CallInsight)
    assert found(whole) == found(in_time)
    assert whole.duration_ms == in_time.duration_ms


def test_a_segment_without_its_confidence_is_what_was_kept_of_it() -> None:
    spoken = segment(1, "hello").model_copy(update={"confidence": 0.5})
    (kept,) = LiveConversation().heard([spoken], spoken.segment_id, 1).segments()
    assert kept == Segment(**spoken.model_dump(exclude={"confidence"}))
