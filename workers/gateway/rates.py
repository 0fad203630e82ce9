"""How often a key, an address, and whoever shows no valid key may ask: token buckets, in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import ceil
from typing import Final, Literal, Self

from prometheus_client import CollectorRegistry, Counter

from pipeline.errors import Config
from pipeline.settings import GatewaySettings

Why = Literal["key", "address", "failures"]
_MOST: Final = 20_000
"""Keys or addresses that are remembered, in about 5 MB. One that is forgotten begins with a full bucket."""
_MINUTE_S: Final = 60.0
_PREFIX: Final = 64
"""Of IPv6 everybody has a whole network of that size (RFC 6177), so that single addresses bound nobody."""
_Network = IPv4Network | IPv6Network


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
        self._proxies = tuple(map(_network, proxies))
        self._refused = Counter(
            "convmine_gateway_limited", "Requests refused for how many came.", ("by",), registry=registry
        )

    @classmethod
    def of(cls, settings: GatewaySettings, registry: CollectorRegistry) -> Self:
        """Those of the settings."""
        return cls(
            per_key=settings.key_per_minute,
            per_address=settings.address_per_minute,
            failures=settings.failures_per_minute,
            proxies=settings.proxies,
            registry=registry,
        )

    def address(self, peer: str, forwarded: str) -> str:
        """Whose request it is: the last address of ``X-Forwarded-For`` that is no proxy of ours; of IPv6 its network.

        Everybody can send that header: what stands before a stranger's address is not believed.
        """
        found = peer
        for said in reversed(forwarded.split(",")):
            if not self._is_proxy(found) or not (said := said.strip()):
                break
            found = said
        return _whole(found)

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

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _network(written: str) -> _Network:
    try:
        return ip_network(written)
    except ValueError as error:
        raise Config("CONVMINE_GATEWAY_PROXIES", f"expected networks such as 10.0.0.0/8, not {written!r}") from error


def _whole(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if found.version == 4:  # noqa: PLR2004 - the protocol's number
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, _PREFIX), strict=False))
