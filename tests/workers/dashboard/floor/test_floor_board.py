"""What the floor knows of calls: silence, hold, tone, alerts, suggestions; whatever order events come in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_floor import (
    T0,
    advice,
    alert,
    answered,
    begun,
    ended,
    flow,
    held,
    resumed,
    sent,
    spoken,
    withdrawn,
    written,
)

from pipeline.store.known import Unknown
from schemas.call import CallStarted
from schemas.envelope import Message
from schemas.suggestion import FeedbackKind
from schemas.wire import CallEvent, CallFacts, Lane, Role, Sentiment
from workers.dashboard.floor.board import GONE_MS, HELD_GONE_MS, Board
from workers.dashboard.floor.call_state import LATELY, MOST_ALERTS, CallState, heard


class Floor:
    """A board whose clock a test moves, in seconds after ``T0``."""

    def __init__(self, most: int = 20_000) -> None:
        self.at_s = 0.0
        self.board = Board(15.0, lambda: T0.timestamp() + self.at_s, most)

    def tell(self, *events: CallEvent, at_s: float | None = None, tenant: str = "acme") -> None:
        self.at_s = self.at_s if at_s is None else at_s
        for event in events:
            self.board.take(sent(event, self.at_s, tenant))

    def shown(self, tenant: str = "acme") -> dict[str, Any]:
        self.board.changes(tenant)
        found: dict[str, Any] = json.loads(self.board.whole(tenant, ordered=True))
        return found

    def line(self, call_id: str = "c1") -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.shown()["calls"] if one["call_id"] == call_id)
        return found


def test_a_call_is_shown_from_its_first_event_to_its_end_and_what_comes_later_does_not_bring_it_back() -> None:
    floor = Floor()
    floor.tell(begun(), flow())
    line = floor.line()
    assert (line["agent"], line["scenario"], line["step"], line["topic"]) == (
        "ann",
        "telecom",
        "price_objection",
        "price",
    )
    assert line["started_at"] == "2026-03-02T09:00:00Z"
    floor.tell(ended(), at_s=20)
    floor.tell(flow(), alert(at_s=21), spoken(), at_s=21)
    assert floor.shown()["calls"] == []
    assert floor.shown()["totals"] == {"calls": 0, "alerts": 0, "silent": 0, "negative": 0, "held": 0}
    floor.tell(begun(), at_s=30)
    assert floor.shown()["totals"]["calls"] == 1


def test_a_call_is_silent_once_nobody_has_spoken_for_so_long_by_the_times_of_events() -> None:
    floor = Floor()
    floor.tell(begun())
    floor.tell(spoken(), at_s=10)
    floor.at_s = 24.9
    assert "silent_since" not in floor.line()
    floor.at_s = 25
    assert floor.line()["silent_since"] == "2026-03-02T09:00:10Z"
    assert floor.shown()["totals"]["silent"] == 1
    floor.tell(spoken(text=" "), at_s=26)
    assert "silent_since" in floor.line(), "a segment without a word is no speech"
    floor.tell(spoken(role=Role.AGENT), at_s=27)
    assert "silent_since" not in floor.line()


def test_nobody_speaking_from_the_beginning_is_silence_and_of_a_call_that_only_an_alert_tells_of_none() -> None:
    floor = Floor()
    floor.tell(begun("c1"), alert(call_id="c2"))
    floor.at_s = 15
    assert "silent_since" in floor.line("c1")
    assert "silent_since" not in floor.line("c2")


def test_silence_is_counted_less_what_words_come_late_by() -> None:
    floor = Floor()
    floor.tell(begun())
    for number in range(200):
        floor.at_s = 20 + number
        floor.board.take(sent(spoken(), floor.at_s - 8))
    floor.at_s += 10
    assert "silent_since" not in floor.line(), "words of 18 s ago came 10 s ago"
    floor.at_s += 5.1
    assert "silent_since" in floor.line()


def test_a_call_on_hold_is_held_and_not_silent_and_a_chat_is_never_silent() -> None:
    floor = Floor()
    floor.tell(begun("c1"), spoken("c1"), begun("c2"), written("c2"))
    floor.tell(held("c1"), at_s=5)
    floor.at_s = 100
    line = floor.line("c1")
    assert line["held_since"] == "2026-03-02T09:00:05Z"
    assert "silent_since" not in line
    assert floor.line("c2")["medium"] == "text"
    assert "silent_since" not in floor.line("c2")
    floor.tell(resumed("c1"), at_s=110)
    assert "held_since" not in floor.line("c1")
    assert "silent_since" not in floor.line("c1"), "the time on hold is no silence"
    floor.at_s = 126
    assert "silent_since" in floor.line("c1")


NEGATIVE, NEUTRAL, POSITIVE = Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE


def test_the_tone_is_the_mean_of_the_customers_newest_intents_that_have_one() -> None:
    floor = Floor()
    floor.tell(begun(), flow(NEUTRAL))
    assert "sentiment" not in floor.line()
    floor.tell(flow(NEGATIVE, NEGATIVE, segment_id="g2"), flow(POSITIVE, POSITIVE, segment_id="g3", role=Role.AGENT))
    assert (floor.line()["sentiment"], floor.line()["score"]) == ("negative", -1.0)
    floor.tell(flow(POSITIVE, segment_id="g4"))
    assert (floor.line()["sentiment"], floor.line()["score"]) == ("negative", -0.33)
    floor.tell(flow(*[POSITIVE] * LATELY, segment_id="g5"))
    assert (floor.line()["sentiment"], floor.line()["score"]) == ("positive", 1.0)
    floor.tell(flow(NEUTRAL, segment_id="g5"))
    assert "sentiment" not in floor.line() or floor.line()["score"] < 1, "found anew, it takes the place of what was"


def test_a_suggestion_stands_until_it_is_answered_withdrawn_or_over() -> None:
    floor = Floor()
    floor.tell(begun(), advice("s1"))
    assert floor.line()["suggestion"] is True
    floor.tell(answered(FeedbackKind.SHOWN))
    assert floor.line()["suggestion"] is True
    floor.tell(answered(FeedbackKind.ACCEPTED))
    assert floor.line()["suggestion"] is False
    floor.tell(advice("s2", at_s=1), at_s=1)
    assert floor.line()["suggestion"] is True
    floor.tell(withdrawn("s2"))
    assert floor.line()["suggestion"] is False
    floor.tell(advice("s3", at_s=2), at_s=2)
    floor.at_s = 61.9
    assert floor.line()["suggestion"] is True
    floor.at_s = 62
    assert floor.line()["suggestion"] is False
    floor.tell(advice("s4", call_id="stored", at_s=62, lane=Lane.BATCH), withdrawn("x", "unheard-of"))
    assert floor.shown()["totals"]["calls"] == 1, "advice on a recorded call is of no call that is on"


def test_the_agents_share_is_of_what_both_spoke() -> None:
    floor = Floor()
    floor.tell(begun(), spoken(role=Role.AGENT, end_ms=3_000), spoken(role=Role.CUSTOMER, start_ms=3_000, end_ms=4_000))
    assert floor.line()["agent_share"] == 0.75
    floor.tell(spoken(role=Role.AGENT, end_ms=3_000))
    assert floor.line()["agent_share"] == 0.75, "heard again, it is not counted again"


def test_the_newest_alert_is_shown_with_its_words_and_seen_with_all_before_it() -> None:
    floor = Floor()
    floor.tell(begun(), alert("a1", at_s=1), alert("a2", title="Recording", quote=None, at_s=2), at_s=2)
    floor.tell(alert("a1", at_s=1))
    line = floor.line()
    assert (line["alerts"], line["unseen"]) == (2, 2)
    assert (line["alert"]["title"], line["alert"]["quote"], line["alert"]["kind"]) == (
        "Recording",
        "",
        "overdue_phrase",
    )
    floor.at_s = 5
    told = json.loads(floor.board.acknowledge("acme", "c1", "a2", "Sue"))
    assert (told["alerts"], told["unseen"], told["alert"]["seen_by"]) == (2, 0, "Sue")
    assert told["alert"]["seen_at"] == "2026-03-02T09:00:05Z"
    floor.board.acknowledge("acme", "c1", "a2", "Tom")
    assert floor.line()["alert"]["seen_by"] == "Sue", "who was first stays"
    floor.tell(alert("a3", at_s=6), at_s=6)
    assert (floor.line()["alerts"], floor.line()["unseen"]) == (3, 1)
    for tenant, call, one in (("umbrella", "c1", "a1"), ("acme", "c9", "a1"), ("acme", "c1", "zz")):
        with pytest.raises(Unknown):
            floor.board.acknowledge(tenant, call, one, "Eve")


def test_those_that_need_somebody_come_first() -> None:
    floor = Floor()
    for call_id in ("plain-old", "cross", "crosser", "silent", "silent-longer", "alarm", "alarm-newer", "seen"):
        floor.tell(begun(call_id))
    floor.at_s = 1
    floor.tell(begun("plain-new"))
    floor.tell(spoken("silent-longer"), at_s=2)
    floor.tell(spoken("silent"), at_s=4)
    for call_id in ("plain-old", "plain-new", "cross", "crosser", "alarm", "alarm-newer", "seen"):
        floor.tell(spoken(call_id), at_s=19)
    floor.tell(flow(NEGATIVE, NEGATIVE, POSITIVE, call_id="cross"), flow(NEGATIVE, call_id="crosser"))
    floor.tell(alert("a1", "alarm", at_s=5), alert("a2", "alarm-newer", at_s=6), alert("a3", "seen", at_s=7))
    floor.board.acknowledge("acme", "seen", "a3", "Sue")
    assert [line["call_id"] for line in floor.shown()["calls"]] == [
        *("alarm-newer", "alarm", "silent-longer", "silent", "crosser", "cross", "plain-old", "seen", "plain-new")
    ]
    assert floor.shown()["totals"] == {"calls": 9, "alerts": 2, "silent": 2, "negative": 2, "held": 0}


def test_changes_tell_each_call_once_and_only_those_that_differ() -> None:
    floor = Floor()
    floor.tell(begun("c1"), begun("c2"), spoken("c1"), spoken("c1", start_ms=1_000, end_ms=2_000))
    first = json.loads(floor.board.changes("acme") or b"")
    assert sorted(line["call_id"] for line in first["calls"]) == ["c1", "c2"]
    assert (first["sequence"], first["gone"]) == (1, [])
    floor.tell(spoken("c1", start_ms=2_000, end_ms=3_000), at_s=1)
    assert floor.board.changes("acme") is None, "more words of a call that was not silent change nothing that is shown"
    floor.tell(ended("c2"))
    last = json.loads(floor.board.changes("acme") or b"")
    assert (last["calls"], last["gone"], last["totals"]["calls"], last["sequence"]) == ([], ["c2"], 1, 2)


def test_memory_is_bounded_and_calls_that_are_heard_of_no_more_go() -> None:
    floor = Floor(most=10)
    for number in range(25):
        floor.tell(begun(f"c{number}"))
    assert {line["call_id"] for line in floor.shown()["calls"]} == {f"c{number}" for number in range(15, 25)}
    floor.tell(held("c20"), ended("c24"), at_s=1)
    floor.at_s = GONE_MS / 1_000 + 2
    assert [line["call_id"] for line in floor.shown()["calls"]] == ["c20"]
    floor.tell(flow(call_id="c24"))
    assert "c24" in {line["call_id"] for line in floor.shown()["calls"]}, "that it has ended is forgotten, too"
    floor.at_s = HELD_GONE_MS / 1_000 + 2
    assert floor.shown()["calls"] == []


def test_calls_that_have_ended_are_among_those_that_are_remembered() -> None:
    floor = Floor(most=10)
    for number in range(10):
        floor.tell(begun(f"c{number}"))
    floor.tell(*(ended(f"c{number}") for number in range(5)), at_s=1)
    floor.tell(*(begun(f"c{number}") for number in range(10, 15)), at_s=2)
    assert {line["call_id"] for line in floor.shown()["calls"]} == {f"c{number}" for number in range(10, 15)}


def test_tenants_share_nothing() -> None:
    floor = Floor()
    floor.tell(begun("c1", agent="ann"), alert())
    floor.tell(begun("c1", agent="eve"), tenant="umbrella")
    assert floor.line()["agent"] == "ann"
    assert [line["agent"] for line in floor.shown("umbrella")["calls"]] == ["eve"]
    assert floor.shown("umbrella")["totals"]["alerts"] == 0
    assert floor.shown("nobody")["calls"] == []


def test_times_beyond_all_clocks_are_no_fault_and_end_nothing_for_ever() -> None:
    floor = Floor()
    never = datetime.max.replace(tzinfo=UTC)
    for at in (never, datetime.min.replace(tzinfo=UTC)):
        early = CallStarted(call_id="c1", call=CallFacts(agent="ann", started_at=at))
        message = sent(early)
        floor.board.take(Message(message.envelope.model_copy(update={"time": at}), early))
        strange = alert(f"a-{at.year}").model_copy(update={"raised_at": at})
        floor.tell(strange)
    stuck = sent(held())
    floor.board.take(Message(stuck.envelope.model_copy(update={"time": never}), stuck.payload))
    floor.at_s = 1
    floor.tell(resumed(), at_s=1)
    assert "held_since" not in floor.line()


CALLS = st.sampled_from(["c1", "c2", "c3"])
EVENTS = st.one_of(
    st.builds(begun, CALLS),
    st.builds(ended, CALLS),
    st.builds(held, CALLS),
    st.builds(resumed, CALLS),
    st.builds(spoken, CALLS, st.sampled_from(Role), st.integers(0, 5_000), st.integers(5_000, 9_000)),
    st.builds(written, CALLS),
    st.builds(
        lambda call, tones, segment: flow(*tones, call_id=call, segment_id=f"g{segment}"),
        CALLS,
        st.lists(st.sampled_from(Sentiment), max_size=7),
        st.integers(0, 4),
    ),
    st.builds(
        lambda call, number, at: alert(f"a{number}", call, at_s=at), CALLS, st.integers(0, 40), st.integers(0, 99)
    ),
    st.builds(lambda call, number, at: advice(f"s{number}", call, at), CALLS, st.integers(0, 5), st.integers(0, 99)),
    st.builds(lambda call, number: withdrawn(f"s{number}", call), CALLS, st.integers(0, 5)),
    st.builds(
        lambda call, kind, number: answered(kind, f"s{number}", call),
        CALLS,
        st.sampled_from(FeedbackKind),
        st.integers(0, 5),
    ),
)
MESSAGES = st.lists(st.tuples(EVENTS, st.integers(-100, 200)).map(lambda one: sent(*one)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, again=st.randoms(use_true_random=False), clock=st.lists(st.integers(-50, 300), max_size=10))
def test_whatever_comes_in_whatever_order_and_however_often_the_floor_holds_together(
    messages: list[Message], again: Any, clock: list[int]
) -> None:
    floor = Floor()
    seen: dict[str, dict[str, Any]] = {}
    for number, one in enumerate([*messages, *(again.sample(messages, len(messages)))]):
        floor.at_s = clock[number % len(clock)] if clock else 0
        floor.board.take(one)
        if number % 3 == 0 and (changes := floor.board.changes("acme")) is not None:
            apply(seen, json.loads(changes))
    if (changes := floor.board.changes("acme")) is not None:
        apply(seen, json.loads(changes))
    whole = json.loads(floor.board.whole("acme"))
    assert {line["call_id"]: line for line in whole["calls"]} == seen, "changes add up to the whole"
    lines = list(seen.values())
    assert whole["totals"] == {
        "calls": len(lines),
        "alerts": sum(line["unseen"] > 0 for line in lines),
        "silent": sum("silent_since" in line for line in lines),
        "negative": sum(line.get("sentiment") == "negative" for line in lines),
        "held": sum("held_since" in line for line in lines),
    }
    for line in lines:
        assert not ("silent_since" in line and ("held_since" in line or line["medium"] == "text"))
        assert 0 <= line["unseen"] <= line["alerts"]
        assert line["unseen"] <= MOST_ALERTS
        assert (line["alerts"] > 0) == ("alert" in line)
        assert -1 <= line.get("score", 0) <= 1
        assert 0 <= line.get("agent_share", 0) <= 1


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, mixed=st.randoms(use_true_random=False))
def test_the_order_of_events_that_have_different_times_does_not_matter(messages: list[Message], mixed: Any) -> None:
    of_one = [
        m
        for m in messages
        if m.envelope.subject == "c1"
        and m.payload.event_name
        not in {"flow.state", "transcript.segment", "suggestion.withdrawn", "suggestion.feedback"}
    ]
    once = list({m.envelope.time: m for m in of_one if m.payload.event_name != "call.alert"}.values())
    late_ms = int((T0.timestamp() + 1_000) * 1_000)

    def state_of(some: list[Message]) -> CallState | None:
        state: CallState | None = None
        for one in some:
            state = heard(state, one, late_ms)
        return state

    assert state_of(once) == state_of(mixed.sample(once, len(once)))


def apply(known: dict[str, dict[str, Any]], changes: dict[str, Any]) -> None:
    for line in changes["calls"]:
        known[line["call_id"]] = line
    for call_id in changes["gone"]:
        del known[call_id]
