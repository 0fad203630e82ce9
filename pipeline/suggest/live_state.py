"""What the suggest stage of the live lane remembers of a call, and the call's own clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipeline.suggest.known import last_said
from pipeline.suggest.policy import Screen, Standing
from schemas.insight import Entity, IntentExtracted
from schemas.transcript import Segment
from schemas.wire import Role

SET_BACK: Final = timedelta(seconds=5)
"""Events of one call come out of order by less. Newer words whose time is further back than that show that a clock was
set back, and not that words are late.
"""
NEWEST_MS: Final = 30_000
"""How far back words are still the newest: what an agent is at is said within half a minute."""
_MOST_TURNS: Final = 8
_LONGEST_TURN: Final = 400


class Shown(BaseModel):
    """Advice that the agent was shown; a call sees it once. ``passages`` are the ids of those that were shown with it.

    Times are of the call's own clock.
    """

    model_config = ConfigDict(frozen=True)

    card_id: str
    suggestion_id: str
    at_ms: int
    created_at: AwareDatetime
    expires_at: AwareDatetime
    withdrawn: bool = False
    priority: int = 0
    passages: tuple[str, ...] = ()


class Said(BaseModel):
    """One of the newest turns."""

    model_config = ConfigDict(frozen=True)

    segment_id: str
    role: Role
    end_ms: int
    text: str


class LiveAdvice(BaseModel):
    """What is remembered of a call: advice shown, of what was said the last of each kind, and the newest turns.

    ``now`` is the call's own clock: the time of the newest event, and ``ahead_s`` by how much it is ahead of the times
    of events since a clock was set back. ``until_ms`` is how far the call has been heard.
    """

    model_config = ConfigDict(frozen=True)

    now: AwareDatetime
    shown: tuple[Shown, ...] = ()
    last_said: dict[str, int] = {}
    entities: tuple[Entity, ...] = ()
    turns: tuple[Said, ...] = ()
    until_ms: int = 0
    ahead_s: float = 0.0
    ended: bool = False

    def standing(self) -> tuple[Shown, ...]:
        """What the agent has on the screen: neither withdrawn nor expired."""
        return tuple(one for one in self.shown if not one.withdrawn and one.expires_at > self.now)

    def screen(self, without: Iterable[str] = ()) -> Screen:
        """What the policy looks at; ``without`` are suggestions that are withdrawn now."""
        gone = set(without)
        there = [one for one in self.standing() if one.suggestion_id not in gone]
        top = max(there, key=lambda one: (one.priority, one.created_at), default=None)
        return Screen(
            shown=len(self.shown),
            last_at=max((one.created_at for one in self.shown), default=None),
            standing=None if top is None else Standing(top.priority, top.created_at),
        )

    def time_of(self, at: datetime) -> datetime:
        """The time of an event on the call's own clock; that of words that come late lies before ``now``."""
        return at + timedelta(seconds=self.ahead_s)

    def agents_newest(self, after_ms: int = -1) -> str:
        """What the agent said last, as long as it is new and was not over by then."""
        since_ms = max(self.until_ms - NEWEST_MS, after_ms + 1)
        newest = (one for one in self.turns if one.role is Role.AGENT and one.end_ms >= since_ms)
        return " ".join(one.text for one in newest)

    def withdrawing(self, gone: Iterable[str]) -> LiveAdvice:
        """The same with these suggestions withdrawn."""
        ids = set(gone)
        return self.model_copy(
            update={
                "shown": tuple(
                    one.model_copy(update={"withdrawn": True}) if one.suggestion_id in ids else one
                    for one in self.shown
                )
            }
        )


def heard_on(state: LiveAdvice | None, heard: IntentExtracted, at: datetime) -> LiveAdvice:
    """What is remembered, with the newest words.

    The call's clock follows the events and never goes back: late words leave it as it is. Where a clock was set back,
    newer words come with older times; then it goes on by as much as was spoken, so that nothing waits for the time to
    come again, and nothing comes sooner either.
    """
    before = state or LiveAdvice(now=at)
    until_ms = max([before.until_ms, *(segment.end_ms for segment in heard.segments)])
    spoken = timedelta(milliseconds=until_ms - before.until_ms)
    now, ahead_s = before.time_of(at), before.ahead_s
    if spoken and before.now - now > SET_BACK:
        now = before.now + spoken
        ahead_s = (now - at).total_seconds()
    return before.model_copy(
        update={
            "now": max(now, before.now),
            "last_said": last_said(heard.intents, before.last_said),
            "entities": _latest((*before.entities, *heard.entities)),
            "turns": _newest((*before.turns, *map(_said, heard.segments))),
            "until_ms": until_ms,
            "ahead_s": ahead_s,
        }
    )


def _latest(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Of each slot the value that was said last: the one that a card is filled with."""
    found: dict[str, Entity] = {}
    for entity in entities:
        if entity.name not in found or _start(entity) >= _start(found[entity.name]):
            found[entity.name] = entity
    return tuple(found.values())


def _start(entity: Entity) -> int:
    return min(evidence.start_ms for evidence in entity.evidence)


def _said(segment: Segment) -> Said:
    text = " ".join(segment.text.split())[-_LONGEST_TURN:]
    return Said(segment_id=segment.segment_id, role=segment.role, end_ms=segment.end_ms, text=text)


def _newest(turns: Iterable[Said]) -> tuple[Said, ...]:
    """The last turns in order of time; one that is said anew stands once."""
    latest = {turn.segment_id: turn for turn in turns if turn.text}
    return tuple(sorted(latest.values(), key=lambda turn: (turn.end_ms, turn.segment_id))[-_MOST_TURNS:])
