"""Whose address a request comes from, behind proxies of ours or not."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from pipeline.errors import Config

_PREFIX: Final = 64
"""Of IPv6 everybody has a whole network of that size (RFC 6177), so that single addresses bound nobody."""
_LONGEST: Final = 100
"""Characters that are kept of what is no address."""


class Addresses:
    """Tells callers apart by address.

    Args:
        proxies: networks of proxies of ours, whose ``X-Forwarded-For`` is believed.

    Raises:
        Config: one of the proxies is no network.
    """

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        self._proxies = tuple(map(_network, proxies))

    def of(self, peer: str, forwarded: str) -> str:
        """Whose request it is: the last address of ``X-Forwarded-For`` that is no proxy of ours; of IPv6 its network.

        Everybody can send that header: what stands before a stranger's address is not believed.
        """
        found = peer
        for said in reversed(forwarded.split(",")):
            if not self._is_proxy(found) or not (said := said.strip()):
                break
            found = said
        return _whole(found)

    def _is_proxy(self, written: str) -> bool:
        found = _read(written)
        return found is not None and any(found in network for network in self._proxies)


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written)
    except ValueError as error:
        raise Config("CONVMINE_GATEWAY_PROXIES", f"expected networks such as 10.0.0.0/8, not {written!r}") from error


def _whole(written: str) -> str:
    found = _read(written)
    if found is None:
        return written[:_LONGEST]
    return str(found) if isinstance(found, IPv4Address) else str(ip_network((found, _PREFIX), strict=False))


def _read(written: str) -> IPv4Address | IPv6Address | None:
    """An address as sockets and proxies write it: with a zone, with a port as some proxies add it, or IPv4 in IPv6."""
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        found = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or found
