"""A call as a line of the floor: what supervisors see of it at one moment, and which lines need them first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from schemas.insight import Medium
from schemas.wire import Sentiment
from workers.dashboard.floor.call_state import CallState, Raised

_CLEAR: Final = 0.25
"""Between -0.25 and 0.25 somebody is neither glad nor cross, as in ``pipeline/extract/sentiment.py``."""
_STEP: Final = 0.05
"""Shares of talk are told in steps of 5 %, so that not every word changes a line."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of a call: the rule's title, the first words that gave rise to it, and who has seen it.

    ``at_ms`` is where in the call it was. An ``overdue_phrase`` was not said in its time and has no words.
    """

    alert_id: str
    kind: str
    title: str
    quote: str
    role: str | None
    at_ms: int
    raised_at: datetime
    seen_by: str | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A call that is on.

    ``silent_since`` is there where nobody has spoken for so long that it is called silent, ``held_since`` where it is
    on hold, which is never silent; a chat is never silent, either. ``score`` is the mean, from -1 to 1, of the
    customer's newest five intents that have a tone, and ``sentiment`` the same in a word. ``alerts`` are all,
    ``unseen`` those that nobody has acknowledged, ``alert`` is the newest. ``suggestion`` says whether one stands that
    was not answered. ``agent_share`` is the agent's part of what both sides spoke, in steps of 5 %.
    """

    call_id: str
    medium: Medium
    started_at: datetime
    agent: str | None = None
    scenario: str | None = None
    held_since: datetime | None = None
    silent_since: datetime | None = None
    step: str | None = None
    topic: str | None = None
    sentiment: Sentiment | None = None
    score: float | None = None
    alerts: int = 0
    unseen: int = 0
    alert: Alert | None = None
    suggestion: bool = False
    agent_share: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many calls are on, and how many of them need what.

    ``alerts`` have an alert that nobody has seen, in ``negative`` the customer is cross lately.
    """

    calls: int = 0
    alerts: int = 0
    silent: int = 0
    negative: int = 0
    held: int = 0

    def with_one(self, old: Line | None, new: Line | None) -> Totals:
        """With a line in place of another."""
        before, after = _counted(old), _counted(new)
        if before == after:
            return self
        now = (self.calls, self.alerts, self.silent, self.negative, self.held)
        return Totals(*(number - out + into for number, out, into in zip(now, before, after, strict=True)))


def _counted(line: Line | None) -> tuple[bool, bool, bool, bool, bool]:
    if line is None:
        return False, False, False, False, False
    is_negative = line.sentiment is Sentiment.NEGATIVE
    return True, line.unseen > 0, line.silent_since is not None, is_negative, line.held_since is not None


def line_of(state: CallState, now_ms: float, quiet_ms: float) -> tuple[Line, float]:
    """The line of a call, and when it changes next though nothing happens (ms since 1970)."""
    silent_from = _quiet_since(state)
    is_silent = silent_from is not None and now_ms - silent_from >= quiet_ms
    score = _score(state)
    stands = state.advice[1] != "" and state.advice[1] not in state.settled and state.advice[2] > now_ms
    newest = state.alerts[-1] if state.alerts else None
    line = Line(
        call_id=state.call_id,
        medium=Medium.TEXT if state.is_text else Medium.SPEECH,
        started_at=_moment(state.started[1] or state.begun_ms or state.first_ms),
        agent=state.agent[1] or None,
        scenario=state.scenario[1] or None,
        held_since=_moment(state.held_ms) if state.is_held else None,
        silent_since=_moment(silent_from) if is_silent and silent_from is not None else None,
        step=state.step[2] or None,
        topic=state.step[3] or None,
        sentiment=None if score is None else _word(score),
        score=score,
        alerts=len(state.alerts) + state.forgotten_alerts,
        unseen=sum(one.seen_by is None for one in state.alerts),
        alert=None if newest is None else _alert(newest),
        suggestion=stands,
        agent_share=_share(state),
    )
    falls_silent = silent_from + quiet_ms if silent_from is not None and not is_silent else float("inf")
    return line, min(falls_silent, state.advice[2] if stands else float("inf"))


def attention(line: Line) -> tuple[int, float, str]:
    """What sorts lines, those that need somebody first.

    Alerts that nobody has seen, the newest before others; then the longest silence; then the crossest customer; then
    the call that has gone on for longest.
    """
    if line.unseen and line.alert is not None:
        return 0, -line.alert.raised_at.timestamp(), line.call_id
    if line.silent_since is not None:
        return 1, line.silent_since.timestamp(), line.call_id
    if line.sentiment is Sentiment.NEGATIVE:
        return 2, line.score or 0.0, line.call_id
    return 3, line.started_at.timestamp(), line.call_id


def _quiet_since(state: CallState) -> int | None:
    """Since when nobody has spoken; None where that is not known, or is no silence."""
    if state.is_held or state.is_text:
        return None
    return max(state.spoken_ms, state.begun_ms, state.resumed_ms) or None


def _score(state: CallState) -> float | None:
    if not state.toned:
        return None
    return round(sum(sign for _, _, sign in state.toned) / len(state.toned), 2)


def _word(score: float) -> Sentiment:
    if score > _CLEAR:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if score < -_CLEAR else Sentiment.NEUTRAL


def _share(state: CallState) -> float | None:
    both = state.by_agent.ms + state.by_customer.ms
    return round(round(state.by_agent.ms / both / _STEP) * _STEP, 2) if both else None


def _alert(one: Raised) -> Alert:
    return Alert(
        one.alert_id,
        one.kind,
        one.title,
        one.quote,
        one.role or None,
        one.at_ms,
        _moment(one.raised_ms),
        one.seen_by,
        _moment(one.seen_ms) if one.seen_by else None,
    )


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)
