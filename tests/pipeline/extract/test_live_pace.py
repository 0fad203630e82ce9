"""A live call that is mined every so many seconds: what is asked when, and that nothing is lost between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import Scripted, inbound, payloads, run, run_in_memory, said

from pipeline.errors import Poison
from pipeline.extract.findings import Conversation, Findings
from pipeline.extract.live import build
from pipeline.extract.live_pace import MOST_WAITING, Pace
from pipeline.extract.live_state import LiveConversation
from pipeline.handling import Inbound, Remembering
from pipeline.scenarios.load import shipped
from schemas.call import CallEnded, CallHeld, CallResumed, CallUpdated
from schemas.insight import CallInsight, Extractor, IntentExtracted
from schemas.transcript import TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Role

EVERY_S = 15.0
ENDED = CallEnded(call_id="c1", duration_ms=60_000)


class Told(Scripted):
    """Says that it is a language model, with a summary; it keeps what it was told of the call so far."""

    def __init__(self, summary: str = "asked about {}", *, withheld: Collection[str] = ()) -> None:
        super().__init__()
        self.so_far: list[str] = []
        self._summary = summary
        self._withheld = withheld

    async def extract(self, conversation: Conversation) -> Findings:
        self.so_far.append(conversation.so_far)
        found = await super().extract(conversation)
        if any(word in text for text in self.asked[-1] for word in self._withheld):
            raise Poison("the model's answer was withheld by a content filter")
        made_by = found.provenance.model_copy(update={"extractor": Extractor.LLM})
        return replace(found, summary=self._summary.format(self.asked[-1][-1]), provenance=made_by)


def live(extractor: Scripted, every_s: float = EVERY_S, context_turns: int = 2) -> Remembering[LiveConversation]:
    return build(
        extractor=extractor,
        scenarios=shipped,
        default_scenario="telecom",
        context_turns=context_turns,
        every_s=every_s,
    )


def events(*sent: CallEvent, seconds_apart: float = 1.0) -> list[Inbound]:
    return [inbound(payload, offset, at_s=offset * seconds_apart) for offset, payload in enumerate(sent)]


async def heard(*sent: CallEvent, extractor: Scripted | None = None, every_s: float = EVERY_S) -> list[list[str]]:
    """The words of each event that is published."""
    outputs, _ = await run(live(extractor or Scripted(), every_s), events(*sent))
    return [words(payload) for payload in payloads(outputs)]


def words(payload: object) -> list[str]:
    if isinstance(payload, CallInsight):
        return ["the whole call"]
    assert isinstance(payload, IntentExtracted)
    return [segment.text for segment in payload.segments]


def turns(count: int) -> list[TranscriptSegment]:
    """One each five seconds; the first ends at 4 s."""
    return [said(number, f"turn {number}") for number in range(count)]


async def test_what_is_said_within_the_time_is_mined_with_the_turn_that_ends_after_it() -> None:
    assert await heard(*turns(8)) == [["turn 0"], ["turn 1", "turn 2", "turn 3"], ["turn 4", "turn 5", "turn 6"]]


async def test_with_no_time_between_each_turn_is_mined_by_itself() -> None:
    assert await heard(*turns(3), every_s=0) == [["turn 0"], ["turn 1"], ["turn 2"]]


async def test_the_call_times_decide_and_not_how_fast_its_events_come() -> None:
    asked = []
    for seconds_apart in (0.0, 60.0):
        extractor = Scripted()
        await run(live(extractor), events(*turns(9), seconds_apart=seconds_apart))
        asked.append(extractor.asked)
    assert asked[0] == asked[1]


async def test_what_waits_when_the_call_ends_is_in_its_insight() -> None:
    outputs, state = await run(live(Scripted()), events(said(0, "hello"), said(1, "i cancel"), ENDED))
    first, whole = payloads(outputs)
    assert words(first) == ["hello"]
    assert isinstance(whole, CallInsight)
    assert [intent.name for intent in whole.intents] == ["cancel_contract"]
    assert state is not None
    assert state.pace == Pace()


@pytest.mark.parametrize(
    "sign",
    [
        said(4, "turn fo", final=False),
        TranscriptGap(call_id="c1", channel=0, start_ms=6_000, end_ms=19_000),
        CallHeld(call_id="c1", at_ms=19_000),
        CallResumed(call_id="c1", at_ms=19_000),
    ],
)
async def test_any_event_that_tells_the_time_ends_the_waiting(sign: CallEvent) -> None:
    assert await heard(*turns(2), sign) == [["turn 0"], ["turn 1"]]


async def test_an_event_that_tells_an_earlier_time_ends_no_waiting() -> None:
    assert await heard(*turns(2), CallHeld(call_id="c1", at_ms=18_000)) == [["turn 0"]]


async def test_what_was_published_and_turns_out_to_be_a_number_is_masked_at_once() -> None:
    sent = (said(0, "my card is 4111", Role.CUSTOMER), said(1, "1111 1111 1111"))
    assert await heard(*sent) == [["my card is 4111"], ["my card is [CARD]", "[CARD]"]]


async def test_a_number_that_was_not_published_yet_waits_masked() -> None:
    sent = (said(0, "hello"), said(1, "my card is 4111"), said(2, "1111 1111 1111"), said(4, "right"))
    assert (await heard(*sent))[1:] == [["my card is [CARD]", "[CARD]", "right"]]


async def test_a_revision_of_a_turn_that_waits_is_mined_once() -> None:
    sent = (said(0, "hello"), said(1, "expensive"), said(1, "i cancel", revision=2), said(3, "well"))
    assert (await heard(*sent))[1:] == [["i cancel", "well"]]


async def test_the_words_of_a_customer_who_refuses_wait_no_longer_and_are_not_summed_up() -> None:
    extractor = Told("knows that {}")
    no = CallUpdated(call_id="c1", call=CallFacts(consent=False))
    outputs, state = await run(live(extractor), events(said(0, "a secret"), said(1, "another"), no, *turns(6)[4:]))
    assert len(outputs) == 1
    assert state is not None
    assert "secret" not in state.model_dump_json()
    assert "another" not in state.model_dump_json()


async def test_the_models_summary_of_the_call_so_far_goes_into_the_next_question() -> None:
    extractor = Told()
    await heard(*turns(8), extractor=extractor)
    assert extractor.so_far == ["", "asked about turn 0", "asked about turn 3"]


async def test_the_summary_so_far_stays_short() -> None:
    extractor = Told("well, " * 1_000)
    await heard(*turns(4), extractor=extractor)
    assert 500 < len(extractor.so_far[-1]) <= 600


async def test_the_lexical_extractor_leaves_no_summary_behind() -> None:
    _, state = await run(live(Scripted()), events(*turns(4)))
    assert state is not None
    assert state.pace.so_far == ""


async def test_words_that_are_withheld_are_left_to_the_end_and_spoil_no_later_turn() -> None:
    extractor = Told(withheld=["turn 1"])
    published = await heard(*turns(8), extractor=extractor)
    assert published == [["turn 0"], ["turn 3"], ["turn 4", "turn 5", "turn 6"]]


async def test_words_that_are_withheld_by_themselves_are_poison() -> None:
    with pytest.raises(Poison):
        await heard(*turns(4), extractor=Told(withheld=["turn 3"]))


async def test_words_that_are_withheld_are_asked_about_once_where_nothing_new_comes_with_them() -> None:
    extractor = Told(withheld=["turn 1"])
    held = [CallHeld(call_id="c1", at_ms=at_ms) for at_ms in (20_000, 40_000)]
    assert await heard(*turns(2), *held, extractor=extractor) == [["turn 0"]]
    assert len(extractor.asked) == 2


async def test_one_time_that_is_wrong_by_an_hour_stops_nothing() -> None:
    astray = said(720, "an hour later")
    assert (await heard(said(0, "hello"), astray, said(1, "i cancel"), said(5, "well")))[1:] == [
        ["an hour later"],
        ["i cancel"],
        ["well"],
    ]


async def test_so_many_turns_at_one_time_are_mined_in_any_case() -> None:
    same = [said(0, f"line {n}").model_copy(update={"segment": turn(n)}) for n in range(2 * MOST_WAITING)]
    published = await heard(*same)
    assert [len(texts) for texts in published] == [1, MOST_WAITING]


def turn(number: int) -> object:
    return said(0, f"line {number}").segment.model_copy(update={"segment_id": f"line-{number}"})


async def test_a_turn_that_comes_late_is_shown_with_what_was_said_around_it_and_no_more() -> None:
    extractor = Scripted()
    sent = [*(said(number, f"turn {number}") for number in range(19) if number != 3), said(3, "turn 3")]
    await heard(*sent, said(22, "turn 22"), extractor=extractor)
    assert extractor.asked[-2] == ("turn 1", "turn 2", "turn 3", "turn 15", "turn 16", "turn 17", "turn 18")
    assert extractor.asked[-1] == ("turn 17", "turn 18", "turn 22")


SEGMENTS = st.builds(
    said,
    st.integers(0, 12),
    st.sampled_from(["", "too expensive", "i cancel", "i stay", "well", "my number is 555 0142", "777 0142"]),
    st.sampled_from([Role.AGENT, Role.CUSTOMER]),
    revision=st.integers(1, 3),
    final=st.sampled_from([True, True, True, False]),
)
LIFE = st.sampled_from(
    [CallUpdated(call_id="c1", call=CallFacts(consent=consent)) for consent in (False, True)]
    + [CallHeld(call_id="c1", at_ms=30_000), ENDED]
)
CALLS = st.lists(st.one_of(SEGMENTS, SEGMENTS, SEGMENTS, LIFE), max_size=16)


@settings(max_examples=60)
@given(CALLS, st.sets(st.integers(0, 16)), st.sampled_from([5.0, 15.0, 40.0]))
async def test_a_paced_call_gives_the_same_however_often_its_worker_is_killed(
    sent: list[CallEvent], killed_at: set[int], every_s: float
) -> None:
    undisturbed = await run_in_memory(live(Told(), every_s), events(*sent))
    assert (await run(live(Told(), every_s), events(*sent), killed_at=killed_at))[0] == undisturbed
    assert len({output.message.envelope.id for output in undisturbed}) == len(undisturbed)


@settings(max_examples=60)
@given(st.lists(SEGMENTS, max_size=14), st.sampled_from([5.0, 15.0, 40.0]))
async def test_what_is_known_of_every_turn_in_the_end_does_not_depend_on_the_pace(
    sent: list[TranscriptSegment], every_s: float
) -> None:
    last = said(40, "good bye")
    assert await known_in_the_end([*sent, last], every_s) == await known_in_the_end([*sent, last], 0)


async def known_in_the_end(sent: list[TranscriptSegment], every_s: float) -> dict[str, tuple[str, list[str]]]:
    """The words of each turn, and the names of what was found in it, as they were published last."""
    outputs, state = await run(live(Scripted(), every_s), events(*sent))
    assert state is not None
    assert state.pace.waiting == ()
    known: dict[str, tuple[str, list[str]]] = {}
    for payload in payloads(outputs):
        assert isinstance(payload, IntentExtracted)
        for segment in payload.segments:
            found = [one.name for one in payload.intents if one.evidence[0].segment_id == segment.segment_id]
            known[segment.segment_id] = (segment.text, found)
    return {name: told for name, told in known.items() if told != ("", [])}


@settings(max_examples=15)
@given(st.integers(1, 80), st.integers(5, 60))
async def test_so_many_seconds_lie_between_two_questions(count: int, every_s: int) -> None:
    extractor = Scripted()
    await heard(*turns(count), extractor=extractor, every_s=every_s)
    assert len(extractor.asked) <= 1 + count * 5 / every_s
    assert all(len(window) <= 2 + every_s / 5 + 1 for window in extractor.asked)
