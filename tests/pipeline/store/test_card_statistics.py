"""The figures of cards, as the index stage counts and publishes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mined_calls import START, TENANT, feedback, inbound, outcome, suggestion

from pipeline.errors import Retryable
from pipeline.handling import Handler, Outbound
from pipeline.ports import Where
from pipeline.stages import CARDS
from pipeline.store.card_statistics import counting
from pipeline.store.collections import SUGGESTIONS
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.call import OutcomeResult
from schemas.reference import CardStatistics
from schemas.suggestion import FeedbackKind, SuggestionCreated
from schemas.wire import CallEvent

SHOWN, ACCEPTED, EDITED, DISMISSED = FeedbackKind
KEY = f"{TENANT}:telecom:en:offer-discount:statistics"


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds


def indexing(store: InMemoryStore, clock: Clock) -> Handler:
    return counting(build(store=store), store, apart_s=2.0, clock=clock, sleep=clock.sleep)


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture
def index(store: InMemoryStore) -> Handler:
    return indexing(store, Clock())


def suggested(call_id: str, suggestion_id: str = "g1", *, card: str = "offer-discount") -> SuggestionCreated:
    return suggestion(call_id, suggestion_id).model_copy(
        update={"scenario": "telecom", "language": "en", "card_id": card}
    )


async def last(index: Handler, *payloads: CallEvent) -> CardStatistics | None:
    """What was published last."""
    sent: list[Outbound] = []
    for payload in payloads:
        sent += await index(inbound(payload))
    return figures(sent[-1]) if sent else None


def figures(sent: Outbound) -> CardStatistics:
    assert sent.topic == CARDS
    assert isinstance(sent.message.payload, CardStatistics)
    return sent.message.payload


def counts(found: CardStatistics | None) -> tuple[int, ...]:
    assert found is not None
    return found.shown, found.accepted, found.edited, found.dismissed


async def test_a_card_is_counted_by_what_agents_did_with_its_suggestions(index: Handler) -> None:
    told = await last(
        index,
        *(suggested(f"c{number}") for number in range(5)),
        feedback("c0", SHOWN),
        feedback("c1", ACCEPTED),
        feedback("c2", EDITED),
        feedback("c3", DISMISSED),
    )
    assert counts(told) == (4, 1, 1, 1)


async def test_the_record_has_the_cards_own_key_and_the_time_of_the_event(index: Handler) -> None:
    await index(inbound(suggested("c0")))
    sent = await index(inbound(feedback("c0", ACCEPTED), at=START + timedelta(seconds=9)))
    envelope = sent[0].message.envelope
    assert (envelope.partitionkey, envelope.subject, envelope.tenantid) == (KEY, "offer-discount", TENANT)
    assert envelope.time == figures(sent[0]).counted_at == START + timedelta(seconds=9)


async def test_a_suggestion_that_nobody_has_seen_yet_is_not_counted_and_nothing_is_told(index: Handler) -> None:
    assert await last(index, suggested("c0"), suggested("c1"), outcome("c0")) is None


@pytest.mark.parametrize("order", [(SHOWN, ACCEPTED), (ACCEPTED, SHOWN)])
async def test_that_it_was_seen_takes_nothing_away_from_what_the_agent_did(
    index: Handler, order: Sequence[FeedbackKind]
) -> None:
    later = [feedback("c0", kind, at=START + timedelta(seconds=number)) for number, kind in enumerate(order)]
    assert counts(await last(index, suggested("c0"), *later)) == (1, 1, 0, 0)


async def test_of_two_reactions_the_later_one_counts_whenever_it_comes(index: Handler) -> None:
    dismissed, accepted = feedback("c0", DISMISSED), feedback("c0", ACCEPTED, at=START + timedelta(seconds=5))
    assert counts(await last(index, suggested("c0"), accepted, dismissed)) == (1, 1, 0, 0)


async def test_feedback_that_comes_before_its_suggestion_is_counted_with_it(index: Handler) -> None:
    assert await last(index, feedback("c0", ACCEPTED)) is None
    assert counts(await last(index, suggested("c0"))) == (1, 1, 0, 0)


async def test_which_card_it_was_the_suggestion_says_and_not_the_feedback(index: Handler, store: InMemoryStore) -> None:
    of_another = feedback("c0", ACCEPTED).model_copy(update={"card_id": "never-suggested"})
    told = await last(index, suggested("c0"), of_another)
    assert (told and told.card_id, counts(told)) == ("offer-discount", (1, 1, 0, 0))
    hits, _ = await store.page(SUGGESTIONS, Where(), 10)
    assert [hit.payload["card_id"] for hit in hits] == ["offer-discount"]


async def test_passages_are_counted_as_cards_are(index: Handler) -> None:
    of_passage = feedback("c0", DISMISSED).model_copy(update={"card_id": "kb:p1"})
    sent = [*await index(inbound(suggested("c0", card="kb:p1"))), *await index(inbound(of_passage))]
    assert [one.message.envelope.partitionkey for one in sent] == [f"{TENANT}:telecom:en:kb:p1:statistics"]
    assert counts(figures(sent[0])) == (1, 0, 0, 1)


async def test_a_suggestion_that_says_no_playbook_is_stored_and_not_counted(
    index: Handler, store: InMemoryStore
) -> None:
    of_old = suggestion("c0")
    unknown = of_old.model_copy(update={"call": of_old.call.model_copy(update={"scenario": None})})
    assert await last(index, unknown, feedback("c0", ACCEPTED)) is None
    assert await store.count(SUGGESTIONS, Where(equal={"feedback": "accepted"})) == 1


async def test_won_and_lost_are_calls_by_their_observed_outcome_in_which_it_was_seen(index: Handler) -> None:
    events: list[CallEvent] = []
    for call_id, result in (("won", OutcomeResult.WON), ("lost", OutcomeResult.LOST), ("open", OutcomeResult.OPEN)):
        events += [suggested(call_id), feedback(call_id, SHOWN), outcome(call_id, str(result), result)]
    twice = feedback("won", ACCEPTED).model_copy(update={"suggestion_id": "g2"})
    told = await last(index, *events, suggested("won", "g2"), twice, suggested("unseen"), outcome("unseen"))
    assert told is not None
    assert (told.shown, told.won, told.lost) == (4, 1, 1)


async def test_an_outcome_that_comes_later_counts_every_card_seen_in_the_call_anew(index: Handler) -> None:
    second = feedback("c0", ACCEPTED).model_copy(update={"suggestion_id": "g2"})
    await last(index, suggested("c0"), feedback("c0", SHOWN), suggested("c0", "g2", card="other"), second)
    sent = await index(inbound(outcome("c0", "lost", OutcomeResult.LOST)))
    told = [figures(one) for one in sent]
    assert [(one.card_id, one.won, one.lost) for one in told] == [("offer-discount", 0, 1), ("other", 0, 1)]


async def test_tenants_scenarios_and_languages_are_counted_apart(index: Handler) -> None:
    for update in ({"scenario": "support"}, {"language": "zh"}, {"card_id": "another"}):
        call = "-".join(update.values())
        await last(index, suggested(call).model_copy(update=update), feedback(call, ACCEPTED))
    await index(inbound(suggested("c0"), tenant="other"))
    await index(inbound(feedback("c0", ACCEPTED), tenant="other"))
    assert counts(await last(index, suggested("c1"), feedback("c1", DISMISSED))) == (1, 0, 0, 1)


async def test_what_comes_while_a_count_waits_for_its_turn_is_counted_by_it_and_done_at_once(
    store: InMemoryStore,
) -> None:
    clock = Clock()
    index = indexing(store, clock)
    for number in range(30):
        await index(inbound(suggested(f"c{number}")))
    first = await index(inbound(feedback("c0", ACCEPTED)))
    later = [index(inbound(feedback(f"c{number}", DISMISSED))) for number in range(1, 30)]
    sent = [one for outputs in await asyncio.gather(*later) for one in outputs]
    assert counts(figures(first[0])) == (1, 1, 0, 0)
    assert [counts(figures(one)) for one in sent] == [(30, 1, 0, 29)]
    assert clock.slept == [2.0]


async def test_a_count_that_fails_or_is_given_up_keeps_nobody_waiting(store: InMemoryStore) -> None:
    class Failing(InMemoryStore):
        fails = False

        async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
            if self.fails:
                raise Retryable("away", dependency="qdrant")
            return await super().values(collection, field, where, limit)

    failing, clock = Failing(), Clock()
    index = indexing(failing, clock)
    await index(inbound(suggested("c0")))
    failing.fails = True
    with pytest.raises(Retryable):
        await index(inbound(feedback("c0", ACCEPTED)))
    waiting = asyncio.ensure_future(index(inbound(feedback("c0", ACCEPTED))))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    failing.fails = False
    assert counts(await last(index, feedback("c0", ACCEPTED))) == (1, 1, 0, 0)


EVENTS: Sequence[Callable[[str, int], CallEvent]] = (
    lambda call, _: suggested(call),
    lambda call, at: feedback(call, SHOWN, at=START + timedelta(seconds=at)),
    lambda call, at: feedback(call, ACCEPTED, at=START + timedelta(seconds=at)),
    lambda call, at: feedback(call, DISMISSED, at=START + timedelta(seconds=at)),
    lambda call, at: outcome(call, "won", OutcomeResult.WON, at=START + timedelta(seconds=at)),
    lambda call, at: outcome(call, "lost", OutcomeResult.LOST, at=START + timedelta(seconds=at)),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.sampled_from(["c0", "c1", "c2"])), max_size=15, unique_by=lambda it: it
    ).flatmap(lambda events: st.tuples(st.just(events), st.permutations(range(len(events)))))
)
async def test_in_whichever_order_and_however_often_events_come_the_last_figures_are_the_same(
    drawn: tuple[list[tuple[Callable[[str, int], CallEvent], str]], Sequence[int]],
) -> None:
    events, order = drawn
    made = [event(call, 2 * number) for number, (event, call) in enumerate(events)]

    async def ends_with(these: Sequence[CallEvent]) -> tuple[int, ...] | None:
        told = await last(indexing(InMemoryStore(), Clock()), *these)
        return None if told is None else (*counts(told), told.won, told.lost)

    once = await ends_with(made)
    assert await ends_with([made[place] for place in order]) == once
    assert await ends_with([*made, *made]) == once
    if once is not None:
        shown, *reactions, won, lost = once
        assert sum(reactions) <= shown <= 3
        assert won + lost <= shown
