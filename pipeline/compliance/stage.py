"""The compliance stage: while a call is on, required phrases tick off a checklist, and broken rules are told."""

from __future__ import annotations

from typing import Final

import structlog

from pipeline.compliance.alerts import Scene, of_late, of_words
from pipeline.compliance.checklist import digest, items, late, ticks
from pipeline.compliance.rules import Rules, remembering
from pipeline.compliance.watched import Watched, rule_of
from pipeline.conversation import segment_of
from pipeline.handling import Handled, Inbound, Remembering, follow
from pipeline.privacy.entry import REACH_MS, masked_among
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Scenarios
from pipeline.stages import SUGGESTIONS
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.compliance import CallAlert, ChecklistUpdated
from schemas.transcript import ConversationMessage, Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, Payload

STAGE: Final = "compliance"

log = structlog.get_logger()


def build(*, scenarios: Scenarios, default_scenario: str) -> Remembering[Watched]:
    """The handler of a call that goes on: its segments, its messages, and the events of its life.

    - ``checklist.updated`` when the call begins, all open, and whenever an item is said; where there is no required
      phrase, there is none. An item is ticked when it is said late, too. A higher revision of a segment that no longer
      says it opens it again.
    - ``call.alert`` at once when a forbidden phrase or a sensitive word is said, once a rule and minute of the call;
      and once when an item was not said in its time, at the first event that shows it: there is no clock but that of
      the events, so that a replay tells the same.
    - Partial segments are passed over: their words may be taken back, and which of them there are is chance.

    Nothing is told, and no words are kept, of a customer who has not consented. Of a call whose scenario is not known
    nothing is told either; the extract stage reports it as failed.

    Args:
        scenarios: whose word lists there are, each in the call's language, else in the scenario's default one.
        default_scenario: for calls that name none.
    """
    return _Compliance(scenarios, default_scenario)


class _Compliance:
    remembers: type[Watched] = Watched

    def __init__(self, scenarios: Scenarios, default_scenario: str) -> None:
        self._scenarios = scenarios
        self._default_scenario = default_scenario
        self._rules_of = remembering()

    async def __call__(self, inbound: Inbound, state: Watched | None) -> Handled[Watched]:
        """Take one event of a call; raises nothing."""
        before = state or Watched()
        now, new = _after(inbound, before)
        rules = self._rules(inbound, now) if now.call.origin and now.call.may_be_mined else None
        if rules is None:
            return Handled(state=None if now is before else now)
        return _told(inbound, before, now, new, rules)

    def _rules(self, inbound: Inbound, now: Watched) -> Rules | None:
        """The rules of the call, None where its scenario is not known."""
        facts = now.call.call
        try:
            scenario = self._scenarios(facts.scenario or self._default_scenario, inbound.tenant_id)
        except ScenarioError as error:
            log.warning("compliance.no_scenario", reason=str(error))
            return None
        return self._rules_of(scenario.edition(facts.language).words)


def _after(inbound: Inbound, before: Watched) -> tuple[Watched, Segment | None]:
    """What is known after an event, and the words that it brought, masked, where they are new."""
    call, at = before.call, inbound.message.envelope.time
    match inbound.payload:
        case CallStarted() | CallUpdated() as event:
            told = call.told(event.call, may_consent=True)
            return before.knowing(told.starting(at) if isinstance(event, CallStarted) else told), None
        case TranscriptSegment(final=True) as event:
            return _heard(before.knowing(call.told(event.call).starting(at)), event.segment, event.revision)
        case ConversationMessage() as event:
            now = before.knowing(call.told(event.call).starting(event.sent_at))
            return _heard(now, segment_of(event, inbound.tenant_id, now.call.start), 1)
        case TranscriptGap(end_ms=ms) | CallHeld(at_ms=ms) | CallResumed(at_ms=ms) | CallEnded(duration_ms=ms):
            return before.until(ms or 0), None
        case _:
            return before, None


def _heard(now: Watched, segment: Segment, revision: int) -> tuple[Watched, Segment | None]:
    earlier = now.call.turn(segment.segment_id)
    if not now.call.may_be_mined or (earlier is not None and earlier.revision >= revision):
        return now, None
    changed = masked_among(segment, now.call.near(segment, REACH_MS), now.call.call.language)
    new = next(one for one in changed if one.segment_id == segment.segment_id)
    return now.heard(changed, new, revision), new if new.text.strip() else None


def _told(inbound: Inbound, before: Watched, now: Watched, new: Segment | None, rules: Rules) -> Handled[Watched]:
    """What is to be told after an event, and remembered; a state that has not changed is not written again."""
    payload = inbound.payload
    assert isinstance(payload, CallEvent)
    scene = Scene(inbound.tenant_id, payload.call_id, now.call.call, inbound.message.envelope.time)
    alerts: list[CallAlert] = []
    if new is not None:
        now = now.ticked(ticks(rules, new, now.call.turns, now.said))
        alerts = [it for it in of_words(scene, new, rules) if now.may_alert(rule_of(it), it.at_ms)]
    checklist = items(rules, now.said)
    overdue = [item for item in late(checklist, now.at_ms, new) if item.name not in now.overdue]
    told: list[Payload] = [*alerts, *(of_late(scene, item, now.at_ms) for item in overdue)]
    if (stands := digest(checklist)) != now.told:
        told.insert(0, ChecklistUpdated(call_id=scene.call_id, call=scene.call, at_ms=now.at_ms, items=checklist))
    outputs = tuple(follow(inbound, it, stage=STAGE, topic=SUGGESTIONS, part=_part(it)) for it in told)
    now = now.having_told(stands, alerts, [item.name for item in overdue])
    return Handled(outputs, None if now is before else now)


def _part(payload: Payload) -> str:
    """What tells the alerts of one event apart."""
    return rule_of(payload) if isinstance(payload, CallAlert) else ""
