"""Which hosts recordings may come from: listed ones alone, on public addresses unless the port is listed, too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult

from pipeline.errors import Poison, Retryable

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: the last four bytes are the IPv4 address that a gateway connects to."""
_COMPATIBLE: Final = IPv6Network("::/96")
"""RFC 4291, 2.5.5.1: an IPv4 address after 96 zeros, given up since."""
_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA has given to the public internet. What lies beyond is of a site, of translators (RFC 2765 has
::ffff:0:0:0/96), or nobody's, whatever a version of Python knows of it."""
_OF_CLOUDS: Final = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Where clouds answer their own machines though the address is public by its number: Azure's wire server, and the
network of RFC 6890 in which Oracle had its metadata."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: one checked address of a host, so that a second look-up cannot lead elsewhere."""

    scheme: str
    host: str
    port: int
    address: str

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, address and port, as a URL starts."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{address}:{self.port}"


class AllowedHosts:
    """Turns addresses of recordings into checked targets.

    Args:
        hosts: ``name`` allows the default ports of a public host, ``name:port`` exactly that port, on a private
            address, too.
        listed_in: the setting or option that names them, for messages.
    """

    def __init__(self, hosts: Sequence[str], *, listed_in: str = "CONVMINE_AUDIO_ALLOWED_HOSTS") -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._listed_in = listed_in

    async def target(self, uri: SplitResult, *, dependency: str) -> Target:
        """Look the host up, once.

        Raises:
            Poison: the host is not listed, an address of it is private, or the URI holds credentials.
            Retryable: of ``dependency``; the name cannot be resolved.
        """
        host, port, named = self._listed(uri)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Retryable(f"the name {host!r} cannot be resolved: {error}", dependency=dependency) from error
        addresses = [str(entry[4][0]) for entry in found]
        if not named and (private := next((it for it in addresses if not is_public(it)), None)):
            raise Poison(
                f"the host {host} has the private address {private}",
                hint=f"if that is meant, name {host}:{port} in {self._listed_in}",
            )
        return Target(uri.scheme, host, port, addresses[0])

    def _listed(self, uri: SplitResult) -> tuple[str, int, bool]:
        """Host, port, and whether they are listed together."""
        if uri.scheme not in _PORTS:
            raise Poison(f"the scheme {uri.scheme!r} is none of the web: use https:// or http://")
        try:
            host, port = (uri.hostname or "").lower(), uri.port or _PORTS[uri.scheme]
        except ValueError as error:
            raise Poison(f"the address of the recording is no URI: {error}") from error
        if uri.username is not None or uri.password is not None:
            raise Poison(f"the address of the recording on {host} holds a user name: events must carry no credentials")
        named = f"{host}:{port}" in self._hosts
        if not named and not (host in self._hosts and port == _PORTS[uri.scheme]):
            raise Poison(
                f"the host {host}:{port} is not in {self._listed_in}",
                hint="name it there as host, or as host:port",
            )
        return host, port, named


def is_public(address: str) -> bool:
    """Whether an address, and every IPv4 address that a gateway would read out of it, is of the public internet."""
    return all(
        it.is_global and not it.is_multicast and not _is_of_somebody(it)
        for it in _meant(ip_address(address.partition("%")[0]))
    )


def _is_of_somebody(address: IPv4Address | IPv6Address) -> bool:
    """Of a cloud or a site, though it is written like any public address."""
    if isinstance(address, IPv6Address):
        return address not in _UNICAST
    return any(address in network for network in _OF_CLOUDS)


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The IPv4 addresses that an IPv6 address stands for or leads to; else the address itself."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _COMPATIBLE or any(address in network for network in _NAT64):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    elif address.sixtofour is not None:
        yield address.sixtofour
    else:
        yield address
