from __future__ import annotations

from functools import cache

import pytest
from mined_calls import TENANT
from planted_calls import UNTIL, planted, shuffled
from pydantic import TypeAdapter

from pipeline.ports import VectorStore
from pipeline.questions.answering import KINDS, StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.differences.comparing import Compared, Overlap
from pipeline.questions.differences.contrasts import Contrast
from pipeline.questions.fields import OutcomeSource
from pipeline.questions.question import Compare
from pipeline.store.collections import CALLS
from pipeline.store.filters import of_tenant
from pipeline.testing import InMemoryStore

ENDED = ("outcome_inferred", "outcome_inferred_result")


async def compared(
    store: VectorStore,
    a: str = "outcome=won",
    b: str = "outcome=lost",
    *where: str,
    observed: bool = False,
    agent: str | None = None,
) -> Compared:
    source: OutcomeSource = "observed" if observed else "inferred"
    question = Compare(
        a=(parse_condition(a),), b=(parse_condition(b),), where=tuple(map(parse_condition, where)), outcomes=source
    )
    answer = await StoredAnswers(store, Asker(TENANT, agent), lambda: UNTIL).answer(question)
    assert isinstance(answer, Compared)
    return answer


def sure(contrasts: tuple[Contrast, ...]) -> dict[str, Contrast]:
    return {one.name: one for one in contrasts if one.is_sure}


_ANSWER: list[Compared] = []


async def of_outcomes() -> Compared:
    """The answer that most tests look at; it takes a second to make."""
    if not _ANSWER:
        _ANSWER.append(await compared(store()))
    return _ANSWER[0]


@cache
def store() -> InMemoryStore:
    return planted()


async def test_what_goes_with_calls_won_is_found_with_words_that_were_said() -> None:
    found = await of_outcomes()
    assert sure(found.intents)["make_offer"].points > 0.1
    assert sure(found.intents)["make_offer"].role == "agent"
    assert sure(found.handling)["price"].points > 0.1
    (said,) = [one for name, one in sure(found.phrases).items() if "loyalty discount" in name]
    assert said.role == "agent"
    assert said.points > 0.1
    assert said.example is not None
    assert "loyalty discount" in said.example.text
    assert said.example.call_id.startswith("synthetic-")


async def test_shares_are_those_that_counting_gives() -> None:
    found = await of_outcomes()
    scope = of_tenant(TENANT)
    of_won = await store().values(CALLS, "outcome_inferred_result", scope)
    assert (found.a.calls, found.b.calls) == (of_won["won"], of_won["lost"])
    offer = sure(found.intents)["make_offer"]
    offered = await store().count(CALLS, type(scope)({**scope.equal, "intents": "make_offer"}))
    assert offer.a.of == found.a.calls
    assert offer.a.calls + offer.b.calls <= offered


@pytest.mark.parametrize("seed", [1, 2])
async def test_where_nothing_goes_together_nothing_is_sure(seed: int) -> None:
    found = await compared(shuffled(*ENDED, seed=seed))
    lists = (found.intents, found.objections, found.topics, found.handling, found.phrases)
    assert [one for contrasts in lists for one in sure(contrasts)] == []
    assert found.tested_phrases > 500


async def test_calls_in_both_sets_are_refused_with_their_number() -> None:
    with pytest.raises(Overlap, match=r"\d+ calls are in both sets"):
        await compared(store(), "intent=make_offer", "outcome=lost")


async def test_an_empty_side_says_which_condition_emptied_it() -> None:
    found = await compared(store(), "outcome=won", "started<2020-01-01")
    assert (found.b.calls, found.intents, found.emptied_by) == (0, (), "started<2020-01-01")


async def test_small_sets_and_samples_are_told() -> None:
    few = await compared(store(), "outcome=won", "outcome=lost", "agent=agent-07", "queue=service")
    assert any(note.startswith("a has only") for note in few.notes)
    many = await compared(store(), "language=en", "language=zh")
    assert many.a.calls > many.a.read == 250
    assert any(note.startswith("phrases are of 250 of") for note in many.notes)


async def test_inferred_and_observed_outcomes_are_kept_apart_and_named() -> None:
    inferred, observed = await of_outcomes(), await compared(store(), observed=True)
    assert (inferred.outcomes, observed.outcomes) == ("inferred", "observed")
    assert any("inferred from what was said" in note for note in inferred.notes)
    assert not any("inferred" in note for note in observed.notes)
    assert observed.a.calls == 0  # no record of a customer's system is stored
    teams = await compared(store(), "agent=agent-01", "agent=agent-02", "queue=service")
    assert teams.outcomes is None


async def test_an_agent_compares_calls_of_their_own() -> None:
    own = await compared(store(), agent="agent-01")
    assert own.a.calls + own.b.calls <= await store().count(
        CALLS, type(of_tenant(TENANT))({"tenant_id": TENANT, "agent": "agent-01"})
    )
    assert {one.example.call_id for one in own.phrases if one.example} <= {
        point.payload["call_id"] for point in store().points[CALLS].values() if point.payload.get("agent") == "agent-01"
    }


async def test_the_answer_can_be_sent_and_read_back() -> None:
    found = await of_outcomes()
    adapter: TypeAdapter[Compared] = TypeAdapter(KINDS[Compare].answers(None))
    assert adapter.validate_json(adapter.dump_json(found)) == found
