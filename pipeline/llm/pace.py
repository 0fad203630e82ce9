"""When to send the next request: within our own limit, within what the server says is left, first come first served.

Times are the event loop's, in seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from typing import Final

from pipeline.errors import Retryable
from pipeline.llm.limit_headers import UNITS, Told, told_of, wait_s

_MINUTE_S: Final = 60.0
_SHARE: Final = 0.98
"""Of a limit: with the slack below, no minute has more requests than the limit, wherever a server lets it begin."""
_SLACK_S: Final = 0.5
"""How far the schedule may be behind and is still caught up with: a busy event loop wakes up late."""
_PATIENCE_S: Final = 120.0
"""Where the server lets nothing through for longer than this, the event is given back to the runtime."""
_UNTOLD_WAIT_S: Final = 1.0
"""After a 429 that does not say how long to wait."""
_LESS: Final = 0.8
_MORE: Final = 0.1
"""A limit that is only guessed is lowered to so much of itself by a 429, and raised by so much with each request."""
_LEAST: Final = 12.0
"""Requests a minute that are tried in any case: a server that was overloaded may be well again."""
_CALM_S: Final = 20.0
_DOUBLED_S: Final = 10.0
"""A guess is doubled every so many seconds after the server has refused nothing for as long as ``_CALM_S``."""
_MOST_DOUBLINGS: Final = 20
_NO_LIMIT: Final = 100_000.0
"""Requests a minute: a guess that is higher is none."""
_AWAY_S: Final = 10.0
"""Refused for less long, somebody else had the turn: workers that share a server's limit do not know of each other."""
_JUST_S: Final = 3.0
"""What passed in the last few seconds is what the server lets through just now."""
_DOUBT_S: Final = 5.0
"""Where nothing is left until a time that is later than this, one request finds out: servers mean different times."""
_REFILLED_S: Final = 0.9 * _MINUTE_S
"""Where it takes a whole minute from the last request until all are there again, some come back all the time (a bucket,
a sliding window): then it is no minute that ends, and the next one is tried soon.
"""
_REFILLED_SLOTS: Final = 1.5
"""How soon, in times of one request's share of the limit."""


@dataclass(slots=True)
class Turn:
    """One request that may be sent now; ``limited_s`` is how long to wait where the server refused it for its rate."""

    pace: Pace
    taken: Mapping[str, float]
    tokens: int
    sent_at: float
    limited_s: float | None = None

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """The server has answered this request."""
        self.pace.heard(self, headers, passed=status < HTTPStatus.BAD_REQUEST)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked_s = wait_s(headers)
            self.limited_s = _UNTOLD_WAIT_S if asked_s is None else asked_s
            self.pace.refused(self.limited_s)

    def used(self, tokens: int) -> None:
        """The request took so many tokens, and not as many as was thought."""
        self.pace.corrected(self.tokens - tokens)


_TURN: Final[ContextVar[Turn | None]] = ContextVar("turn", default=None)


def heard(status: int, headers: Mapping[str, str]) -> None:
    """A server has answered the request of the turn that this is called in, if in any, with this status and headers."""
    if (turn := _TURN.get()) is not None:
        turn.heard(status, headers)


class Pace:
    """Gives out turns; one pace is shared by all that ask the same server.

    - Our own limits are spread evenly.
    - What a server says is left is spread over the time until all is there again, or over a minute by its limit where
      that is faster; where nothing is left, nothing is sent.
    - After a 429 nothing is sent for as long as the server asks, and then, if it has not told its limit, about as fast
      as it let requests through before.

    Args:
        requests_per_minute: our own limit, if any.
        tokens_per_minute: likewise.
    """

    def __init__(self, *, requests_per_minute: int | None = None, tokens_per_minute: int | None = None) -> None:
        own = {"requests": requests_per_minute, "tokens": tokens_per_minute}
        self._own = {unit: _Spread(limit) for unit, limit in own.items() if limit is not None}
        self._quotas = {unit: _Quota() for unit in UNITS}
        self._guess: _Spread | None = None
        self._raised_at = -inf
        self._held_until = -inf
        self._refusing_since: float | None = None
        self._passed: deque[float] = deque()
        self._queue = asyncio.Lock()
        self._news = asyncio.Event()

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[Turn]:
        """Wait for the turn of a request that may take so many tokens, and send it inside the block.

        Raises:
            Retryable: the server lets nothing through for minutes; carries how long.
        """
        amounts = {"requests": 1.0, "tokens": max(1.0, tokens)}
        async with self._queue:
            while (wait := self._due(amounts) - _now()) > 0:
                await self._news_within(wait)
            taken = self._take(amounts)
        turn = Turn(self, taken, tokens, _now())
        token = _TURN.set(turn)
        try:
            yield turn
        finally:
            _TURN.reset(token)

    def heard(self, turn: Turn, headers: Mapping[str, str], *, passed: bool) -> None:
        """What the server says with its answer to this turn's request, and whether it let it through."""
        now = _now()
        if passed:
            self._passed.append(now)
            self._refusing_since = None
        while self._passed and self._passed[0] < now - _MINUTE_S:
            self._passed.popleft()
        for unit in UNITS:
            if (told := told_of(unit, headers)) is not None:
                self._quotas[unit].hear(told, turn.taken[unit], turn.sent_at)
        self._news.set()

    def refused(self, seconds: float) -> None:
        """The server lets nothing through for so long."""
        now = _now()
        if self._refusing_since is None:
            self._refusing_since = now
        if now >= self._held_until:  # and not another one that was sent with the one before
            self._guess = self._guessed(now, seconds)
        self._raised_at = now + seconds + _CALM_S
        self._held_until = max(self._held_until, now + seconds)
        for quota in self._quotas.values():
            quota.refused_until(now + seconds)
        self._news.set()

    def _guessed(self, now: float, held_s: float) -> _Spread | None:
        """The limit of a server that does not tell it: what it let through in the last minute, or since it was asked.

        A guess that is refused is lowered, but not below what the server has just let through.
        """
        if self._quotas["requests"].limit is not None:
            return None
        if not self._passed:
            return self._guess
        seen = self._passed_a_minute(_MINUTE_S, now, held_s)
        if self._guess is None:
            return _Spread(max(seen, _LEAST), now + held_s)
        just = self._passed_a_minute(_JUST_S, now, held_s)
        return _Spread(max(min(seen, _LESS * self._guess.per_minute), _SHARE * just, _LEAST), now + held_s)

    @property
    def is_away(self) -> bool:
        """Whether the server has refused everything for a while: then it is not only busy."""
        return self._refusing_since is not None and _now() - self._refusing_since > _AWAY_S

    def corrected(self, tokens: int) -> None:
        """So many tokens less were used than was thought."""
        if (own := self._own.get("tokens")) is not None:
            own.give_back(tokens)
            self._news.set()

    def _due(self, amounts: Mapping[str, float]) -> float:
        now = _now()
        held_s = self._held_until - now
        if held_s > _PATIENCE_S or (held_s > 0 and self.is_away):  # the runtime waits, and says what for
            message = f"the model's server lets nothing through for another {held_s:.0f} s"
            raise Retryable(message, dependency="llm", retry_after_s=held_s)
        theirs = max(quota.due(amounts[unit], now) for unit, quota in self._quotas.items())
        guess = -inf if self._guess is None else self._guess.next_at
        return max(self._held_until, theirs, guess, *(own.next_at for own in self._own.values()))

    def _take(self, amounts: Mapping[str, float]) -> Mapping[str, float]:
        now = _now()
        for unit, own in self._own.items():
            own.take(amounts[unit], now)
        if self._guess is not None:
            self._raise(self._guess, now)
            self._guess.take(1.0, now)
        return {unit: quota.take(amounts[unit], now) for unit, quota in self._quotas.items()}

    def _raise(self, guess: _Spread, now: float) -> None:
        """A little with each request, and soon by much where nothing is refused any more: an outage is no limit."""
        guess.per_minute += _MORE
        if (calm_s := now - self._raised_at) > 0:
            guess.per_minute *= 2 ** min(calm_s / _DOUBLED_S, _MOST_DOUBLINGS)
            self._raised_at = now
        if guess.per_minute > _NO_LIMIT:
            self._guess = None

    def _passed_a_minute(self, window_s: float, now: float, held_s: float) -> float:
        asked_s = min(window_s, now - self._passed[0]) + held_s
        passed = sum(at >= now - window_s for at in self._passed)
        return passed * _MINUTE_S / max(_SLACK_S, min(_MINUTE_S, asked_s))

    async def _news_within(self, seconds: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return


class _Spread:
    """A limit a minute, spread evenly."""

    def __init__(self, per_minute: float, next_at: float = -inf) -> None:
        self.per_minute = per_minute
        self.next_at = next_at

    def take(self, amount: float, now: float) -> None:
        self.next_at = max(self.next_at, now - _SLACK_S) + amount * _apart_s(self.per_minute)

    def give_back(self, amount: float) -> None:
        self.next_at -= amount * _apart_s(self.per_minute)


class _Quota:
    """What a server says is left of one unit, and what we have taken since it counted."""

    def __init__(self) -> None:
        self.limit: float | None = None
        self._remaining = inf
        self._counted = -inf
        self._taken = 0.0
        self._refills = False
        self._reset_at = -inf
        self._last_at = -inf

    def hear(self, told: Told, taken: float, sent_at: float) -> None:
        """The server had counted what was taken up to ``taken``; older news than we have is passed over.

        Its times are taken to be from when the request was sent: servers count when one comes in.
        """
        if taken < self._counted:
            return
        self._counted = taken
        self.limit = told.limit or self.limit
        if told.remaining is None or told.reset_s is None:
            self._reset_at = -inf
        else:
            self._remaining, self._reset_at = told.remaining, sent_at + told.reset_s
            self._refills = told.reset_s >= _REFILLED_S

    def refused_until(self, time: float) -> None:
        """Whatever was told: from then on the server lets requests through.

        What was refused has taken nothing, so that the next turn is then and no whole slot after the one refused.
        """
        self._reset_at = min(self._reset_at, time)
        if self.limit is not None:
            self._last_at = min(self._last_at, time - _apart_s(self.limit))

    def due(self, amount: float, now: float) -> float:
        """When so much may be taken, as far as is known now; more than the limit is taken like all of it."""
        amount = min(amount, self.limit or amount)
        slowest_s = 0.0 if self.limit is None else amount * _apart_s(self.limit)
        if now >= self._reset_at:
            return self._last_at + slowest_s
        if self._remaining < amount:
            refilled_s = _REFILLED_SLOTS * slowest_s if self._refills else 0.0
            return min(self._reset_at, self._last_at + (refilled_s or max(_DOUBT_S, slowest_s)))
        usable = self._remaining - (self._taken - self._counted)
        spread_s = amount * (self._reset_at - now) / max(amount, usable)
        # What was taken since it counted may be there again by now; if it is not, the first refusal says so.
        if self.limit is not None and (usable < amount or slowest_s < spread_s):
            return self._last_at + slowest_s
        return self._last_at + spread_s

    def take(self, amount: float, now: float) -> float:
        """Take it; gives all that was taken so far."""
        self._last_at = max(self.due(amount, now), now - _SLACK_S)
        self._taken += amount
        return self._taken


def _apart_s(per_minute: float) -> float:
    return _MINUTE_S / (per_minute * _SHARE)


def _now() -> float:
    return asyncio.get_running_loop().time()
