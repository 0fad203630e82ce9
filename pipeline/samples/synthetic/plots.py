"""What happens in a made-up call, before anybody has words for it: who calls whom when, and which moves are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from pipeline.samples.synthetic.effects import PLANTED, WEEKS, Effects
from schemas.call import OutcomeResult
from schemas.wire import CallFacts, Direction, Role

SCENARIO: Final = "telecom"
CAMPAIGN: Final = "synthetic"
OFFERS: Final = ("loyalty_discount", "smaller_plan", "free_data")
TEAMS: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    ("north", ("agent-01", "agent-02", "agent-03", "agent-04")),
    ("south", ("agent-05", "agent-06", "agent-07", "agent-08")),
    ("east", ("agent-09", "agent-10", "agent-11", "agent-12")),
)
_QUEUES: Final = {
    "price_objection": "retention",
    "cancel_contract": "retention",
    "competitor_offer": "retention",
    "network_problem": "service",
    "billing_problem": "service",
    "roaming_question": "service",
    "upgrade_interest": "sales",
    "ask_plan_details": "sales",
}
"""Why people call, the most frequent reason first, and where they are put through to."""
_ANSWERS: Final = {"network_problem": "explain_benefit", "billing_problem": "schedule_callback"}
"""What an agent says to it before there is an offer."""
_BEFORE_ANSWER: Final = 4
"""Moves between why somebody calls and the first answer to it."""
_SPREAD: Final = 0.45
"""Of the logarithm of the number of utterances; lengths of calls are log-normal (Brown et al., "Statistical Analysis
of a Telephone Call Center", 2005).
"""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """Something that is said: by whom, with which intent of the taxonomy, and which offer, if it has one."""

    role: Role
    intent: str | None = None
    offer: str | None = None


@dataclass(frozen=True, slots=True)
class Plot:
    """A made-up call: its facts, its moves, and what the customer's records say of it later, if they say anything.

    ``reacts`` is whether the agent says what became of the advice, ``accepts_advice`` what.
    """

    number: int
    facts: CallFacts
    moves: tuple[Move, ...]
    result: OutcomeResult
    observed: OutcomeResult | None
    fails: bool
    reacts: bool
    accepts_advice: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """Which share of the calls is in Chinese, has an observed outcome, feedback to its advice, failed."""

    chinese: float = 0.2
    observed: float = 0.6
    feedback: float = 0.7
    failed: float = 0.02


def plot_of(  # noqa: PLR0913 - one argument a condition
    number: int, calls: int, random: Random, *, until: datetime, utterances: int, shares: Shares
) -> Plot:
    """The plot of one of so many calls; they are in order of their starts."""
    age = 1 - (number - random.random()) / calls
    started_at = _start(until, age, random)
    reason = _reason(age, random, PLANTED)
    team, agents = random.choice(TEAMS)
    agent = random.choice(agents)
    facts = CallFacts(
        scenario=SCENARIO,
        language="zh" if random.random() < shares.chinese else "en",
        direction=Direction.OUTBOUND if reason == "upgrade_interest" and random.random() < 0.5 else Direction.INBOUND,  # noqa: PLR2004 - one in two
        agent=agent,
        team=team,
        queue=_QUEUES[reason],
        campaign=CAMPAIGN,
        customer_id=f"cust-{random.randrange(10_000, 10_000 + max(2, calls * 3 // 4))}",
        started_at=started_at,
    )
    offer = random.choice(OFFERS) if random.random() < PLANTED.handles(agent) else None
    result = _result(reason, offer, random)
    length = round(utterances * math.exp(random.gauss(-(_SPREAD**2) / 2, _SPREAD)))
    return Plot(
        number=number,
        facts=facts,
        moves=_moves(reason, offer, result, length, random),
        result=result,
        observed=_observed(result, random) if random.random() < shares.observed else None,
        fails=random.random() < shares.failed,
        reacts=random.random() < shares.feedback,
        accepts_advice=offer is not None and random.random() < 0.8,  # noqa: PLR2004 - four in five
    )


def _start(until: datetime, age: float, random: Random) -> datetime:
    """In office hours of its day, and before the end of the weeks."""
    day = (until - age * WEEKS * 7 * _DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day + timedelta(seconds=round((8 + 12 * random.betavariate(2, 2)) * 3_600))
    return start if start < until - timedelta(hours=1) else start - _DAY


def _reason(age: float, random: Random, effects: Effects) -> str:
    weights = [effects.weight(reason, rank, age) for rank, reason in enumerate(_QUEUES, start=1)]
    return random.choices(list(_QUEUES), weights)[0]


def _result(reason: str, offer: str | None, random: Random) -> OutcomeResult:
    open_share = 0.35 if _QUEUES[reason] == "service" else 0.1
    if random.random() < open_share:
        return OutcomeResult.OPEN
    return OutcomeResult.WON if random.random() < PLANTED.wins(offer) else OutcomeResult.LOST


def _observed(result: OutcomeResult, random: Random) -> OutcomeResult:
    """The records mostly agree; of the calls that were left open most are lost in the end."""
    if result is OutcomeResult.OPEN:
        return random.choices([OutcomeResult.WON, OutcomeResult.LOST], [1, 2])[0]
    if random.random() < 0.1:  # noqa: PLR2004 - one in ten is told otherwise
        return OutcomeResult.LOST if result is OutcomeResult.WON else OutcomeResult.WON
    return result


def _moves(reason: str, offer: str | None, result: OutcomeResult, length: int, random: Random) -> tuple[Move, ...]:
    """What is said, with as much talk between as the length asks for; an objection and its answer are not far apart."""
    agent, customer = Role.AGENT, Role.CUSTOMER
    notice = [Move(agent, "recording_notice")] if random.random() < 0.85 else []  # noqa: PLR2004 - some forget it
    begin = [Move(agent, "agent_opening"), *notice, Move(customer, reason)]
    middle = _negotiation(reason, offer)
    end = [*_ending(reason, result, random), Move(agent, "close_call")]
    talk = _talk(length - len(begin) - len(middle) - len(end), random)
    return (*begin, *talk[:_BEFORE_ANSWER], *middle, *talk[_BEFORE_ANSWER:], *end)


def _talk(length: int, random: Random) -> list[Move]:
    """Pairs of what has to be asked, then of anything."""
    agent, customer = Role.AGENT, Role.CUSTOMER
    question = random.choice(("ask_price", "ask_plan_details"))
    needed = [Move(agent, "verify_identity"), Move(customer), Move(agent, "ask_needs"), Move(customer)]
    asked = [Move(customer, question), Move(agent)] if random.random() < 0.7 else []  # noqa: PLR2004 - most ask something
    anything = [Move(agent), Move(customer)] * (max(0, length) // 2)
    return [*needed, *asked, *anything][: max(0, length) // 2 * 2]


def _negotiation(reason: str, offer: str | None) -> list[Move]:
    """What is held against it, and what the agent says to it: the answers and an offer, or talk that goes past it."""
    answers = [Move(Role.AGENT, _ANSWERS[reason])] if reason in _ANSWERS else []
    answer = [Move(Role.AGENT)] if offer is None else [*answers, Move(Role.AGENT, "make_offer", offer)]
    objection = [] if reason == "price_objection" or reason in _ANSWERS else [Move(Role.CUSTOMER, "price_objection")]
    return [*objection, *answer, Move(Role.CUSTOMER)]


def _ending(reason: str, result: OutcomeResult, random: Random) -> list[Move]:
    agent, customer = Role.AGENT, Role.CUSTOMER
    retention = _QUEUES[reason] == "retention"
    if result is OutcomeResult.WON:
        return [Move(customer, "agree_to_stay" if retention else "accept_offer")]
    if result is OutcomeResult.LOST:
        gone = reason == "cancel_contract"
        return [Move(agent, "confirm_cancel_done") if gone else Move(customer, "refuse_offer")]
    if random.random() < 0.2:  # noqa: PLR2004 - one in five is put through
        return [Move(customer, "request_supervisor"), Move(agent, "transfer_supervisor")]
    return [Move(customer, "request_callback"), Move(agent, "schedule_callback")]
