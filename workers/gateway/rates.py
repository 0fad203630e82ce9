"""How often a key, an address, and whoever shows no valid key may ask: token buckets, in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, Self

from prometheus_client import CollectorRegistry, Counter

from pipeline.settings import GatewaySettings
from workers.gateway.addresses import Addresses

Why = Literal["key", "address", "failures"]
_MOST: Final = 20_000
"""Keys or addresses that are remembered, in about 5 MB. One that is forgotten begins with a full bucket."""
_MINUTE_S: Final = 60.0


class Buckets:
    """A bucket of tokens each, full at first: it holds a minute's worth, and is filled all the time.

    Args:
        per_minute: tokens.
        now: seconds that only grow.
        most: buckets that are remembered.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        self._size = float(per_minute)
        self._now = now
        self._most = most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take a token; 0, or the seconds until there is one, where there is none."""
        left, at = self._filled(name), self._now()
        self._left[name] = (left - 1 if left >= 1 else left, at)
        self._left.move_to_end(name)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else self._until_one(left)

    def wait_s(self, name: str) -> float:
        """The seconds until there is a token; 0 where there is one."""
        left = self._filled(name)
        return 0.0 if left >= 1 else self._until_one(left)

    def _filled(self, name: str) -> float:
        left, at = self._left.get(name, (self._size, 0.0))
        return min(self._size, left + (self._now() - at) * self._size / _MINUTE_S)

    def _until_one(self, left: float) -> float:
        return (1 - left) * _MINUTE_S / self._size


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody asks too often; ``wait_s`` are whole seconds."""

    why: Why
    wait_s: int

    @classmethod
    def after(cls, why: Why, wait_s: float) -> Self | None:
        """None where there is nothing to wait for."""
        return cls(why, max(1, ceil(wait_s))) if wait_s else None


class Rates:
    """Who may ask now. It counts in this process alone: with so many gateways, so many times as much passes.

    Whoever shows no valid key too often is refused before it is looked at what else he shows, so that keys cannot be
    tried out. Keys that were good from that address before stay good: behind a proxy that is not named in the settings
    all have one address, and must not be locked out by one of them.

    Args:
        per_key: requests a minute of one key.
        per_address: requests a minute from one address, with any keys or none.
        failures: requests a minute from one address without a valid key.
        proxies: networks of proxies of ours, whose ``X-Forwarded-For`` is believed.
        registry: where refusals are counted.
        now: seconds that only grow.

    Raises:
        Config: one of the proxies is no network.
    """

    def __init__(  # noqa: PLR0913 - its parts, each by name
        self,
        *,
        per_key: int,
        per_address: int,
        failures: int,
        proxies: Iterable[str] = (),
        registry: CollectorRegistry | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._addresses = Buckets(per_key, now), Buckets(per_address, now)
        self._failures = Buckets(failures, now)
        self._good: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._callers = Addresses(proxies)
        self._refused = Counter(
            "convmine_gateway_limited", "Requests refused for how many came.", ("by",), registry=registry
        )

    @classmethod
    def of(cls, settings: GatewaySettings, registry: CollectorRegistry) -> Self:
        """Those of the settings.

        Raises:
            Config: one of the proxies is no network.
        """
        return cls(
            per_key=settings.key_per_minute,
            per_address=settings.address_per_minute,
            failures=settings.failures_per_minute,
            proxies=settings.proxies,
            registry=registry,
        )

    def address(self, peer: str, forwarded: str) -> str:
        """Whose request it is, as ``Addresses`` tells it."""
        return self._callers.of(peer, forwarded)

    def came(self, address: str) -> Refused | None:
        """A request has come from an address."""
        return self._counted(Refused.after("address", self._addresses.take(address)))

    def failed(self, address: str) -> Refused | None:
        """It showed no valid key."""
        return self._counted(Refused.after("failures", self._failures.take(address)))

    def guessing(self, address: str) -> Refused | None:
        """Whether so many failed from there that nobody new is let in."""
        return Refused.after("failures", self._failures.wait_s(address))

    def good(self, address: str, key: str) -> Refused | None:
        """It showed this valid key."""
        known = (address, key)
        if known not in self._good and (refused := self.guessing(address)):
            return self._counted(refused)
        self._good[known] = None
        self._good.move_to_end(known)
        if len(self._good) > _MOST:
            self._good.popitem(last=False)
        return self._counted(Refused.after("key", self._keys.take(key)))

    def _counted(self, refused: Refused | None) -> Refused | None:
        if refused:
            self._refused.labels(refused.why).inc()
        return refused
