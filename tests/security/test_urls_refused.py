"""No address that an event, a page or a receiver gives leads into our own network, however it is written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from http_peer import peer, saying
from pydantic import SecretStr

from pipeline.asr.fetch import build_store
from pipeline.blobs.folder import BlobFolder
from pipeline.errors import ConvmineError, Poison
from pipeline.knowledge.adding import Added
from pipeline.knowledge.web_pages import WebPages
from pipeline.ports import ClaimCheck
from pipeline.recap.customers_http import HttpCustomers
from pipeline.settings import AudioSettings, CustomersSettings
from pipeline.webhooks.receivers import Receiver
from pipeline.webhooks.sending import Sender

NAMES = {
    "inside.example": ["10.0.0.8"],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "both.example": ["93.184.216.34", "10.0.0.8"],
    "six.example": ["fd00:ec2::254"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "good.example": ["93.184.216.34"],
}
"""What the names of these tests resolve to; all others are written addresses or do not exist."""

OURS = [
    # loopback, as browsers and resolvers read it
    *("https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/"),
    *("https://0177.0.0.1/", "https://017700000001/", "https://127.000.000.001/", "https://127.255.255.254/"),
    *("https://0.0.0.0/", "https://0/", "https://localhost/", "https://localhost./", "https://LOCALHOST/"),
    *("https://127.0.0.1./", "https://127\u30020\u30020\u30021/", "https://\uff11\uff12\uff17.0.0.1/"),
    *("https://\u2460\u2461\u2466.0.0.1/", "https://%31%32%37.0.0.1/"),
    *("https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/"),
    *("https://[::ffff:7f00:1]/", "https://[::ffff:0:7f00:1]/", "https://[::127.0.0.1]/", "https://[2002:7f00:1::]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::10.0.0.1]/"),
    # what clouds tell their machines
    *("https://169.254.169.254/", "https://2852039166/", "https://0xa9fea9fe/", "https://0251.0376.0251.0376/"),
    *("https://[fd00:ec2::254]/", "https://[::ffff:169.254.169.254]/", "https://100.100.100.200/"),
    *("https://168.63.129.16/", "https://192.0.0.192/", "https://metadata.google.internal/"),
    # private networks
    *("https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/"),
    *("https://100.64.0.1/", "https://198.18.0.1/", "https://192.0.2.1/", "https://240.0.0.1/", "https://224.0.0.1/"),
    *("https://255.255.255.255/", "https://[fe80::1]/", "https://[fe80::1%25lo]/", "https://[fe80::1%lo]/"),
    *("https://[fc00::1]/", "https://[fec0::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[100::1]/"),
    *("https://[4000::1]/", "https://[5f00::1]/"),
    # names that lead there
    *("https://inside.example/", "https://127.0.0.1.nip.example/", "https://both.example/", "https://six.example/"),
    *("https://mapped.example/", "https://INSIDE.example/"),
]
"""Addresses of our own networks. Whoever set the hosts has named each of them, so that only where it leads is left."""

TRICKS = [
    *("https://good.example@127.0.0.1/", "https://good.example:x@127.0.0.1/", "https://127.0.0.1#@good.example/"),
    *("https://good.example\\@127.0.0.1/", "https://127.0.0.1\\@good.example/", "https://good.example%2f@127.0.0.1/"),
    *("https://good.example%00.127.0.0.1/", "https://127.0.0.1%23.good.example/", "https://good.example.evil.example/"),
    *("https://good\u3002example/", "https://good.example\t@127.0.0.1/", "https://good.example\n.evil.example/"),
    *(
        "https://good.example:22/",
        "https://good.example:25/",
        "https://good.example:6379/",
        "https://good.example:99999/",
    ),
    *("https://good.example:-1/", "https://[good.example]/", "https://[::1/", "https:///good.example/", "https://"),
    *("file://good.example/etc/passwd", "file:///etc/passwd", "file:///proc/self/environ", "file:/etc/passwd"),
    *("ftp://good.example/a", "gopher://good.example:70/_x", "dict://good.example:11211/", "data:audio/wav;base64,AA"),
    *("jar:https://good.example!/a", "ldap://good.example/", "unix:///var/run/docker.sock", "//good.example/a"),
    *(
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
        "javascript:alert(1)",
        "good.example/a",
        "",
        " ",
        "https:good.example",
    ),
]
"""What only looks as if it led to the one host that may be asked, or is no address of the web at all."""

Attempts = list[tuple[str, int]]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Attempts:
    """Where it was tried to connect to; nothing is reached."""
    tried: Attempts = []
    real = socket.getaddrinfo

    async def connect(_loop: object, _protocol: object, host: str, port: int, **_: object) -> Any:
        tried.append((host, port))
        raise ConnectionRefusedError

    def lookup(host: Any, port: Any, *args: Any, **how: Any) -> list[Any]:
        found = NAMES.get(host.lower() if isinstance(host, str) else host)
        if found is None and isinstance(host, str) and host.lower().rstrip(".").endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "there is no such name")
        if found is None:
            return real(host, port, *args, **how)
        return [(_family(one), socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return tried


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def recording(url: str, hosts: tuple[str, ...]) -> None:
    """As a worker fetches what an event names."""
    async with build_store(AudioSettings(allowed_hosts=hosts)).fetch(ClaimCheck(url, None)):
        pass


async def page(url: str, hosts: tuple[str, ...]) -> None:
    """As ``convmine kb add`` fetches a page."""
    found = await WebPages(hosts).fetch(url)
    assert isinstance(found, Added), "a page was read"
    raise Poison(found.reason or "")


async def webhook(url: str, hosts: tuple[str, ...]) -> None:
    """As events are sent; a receiver may be any public host."""
    del hosts
    secret = SecretStr("whsec_" + "A" * 32)
    receiver = Receiver(name="crm", url=url, tenant="acme", events=frozenset({"call.recap"}), secret=(secret,))
    sender = Sender(receiver, timeout_s=5, allow_private=False)
    try:
        sent = await sender.send("m-1", b"{}")
    finally:
        await sender.close()
    assert sent.outcome != "delivered"
    raise Poison(sent.reason)


OPENERS: dict[str, Callable[[str, tuple[str, ...]], Awaitable[None]]] = {
    "recording": recording,
    "page": page,
    "webhook": webhook,
}


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len({*OURS, *TRICKS}) == len(OURS) + len(TRICKS) >= 80


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("url", OURS)
async def test_nothing_is_asked_of_an_address_of_our_own(attempts: Attempts, url: str, opener: str) -> None:
    host = (urlsplit(url).hostname or "").lower()
    with pytest.raises((ConvmineError, ValueError)):
        await OPENERS[opener](url, (host, host.rstrip(".")))
    assert attempts == []


@pytest.mark.parametrize("opener", ["recording", "page"])
@pytest.mark.parametrize("url", TRICKS)
async def test_only_the_host_that_is_named_is_asked(attempts: Attempts, url: str, opener: str) -> None:
    with pytest.raises((ConvmineError, ValueError)):
        await OPENERS[opener](url, ("good.example",))
    assert attempts == []


@pytest.mark.parametrize("url", TRICKS)
async def test_a_receiver_that_is_no_public_address_of_the_web_is_sent_nothing(attempts: Attempts, url: str) -> None:
    with pytest.raises((ConvmineError, ValueError)):
        await webhook(url, ())
    assert {host for host, _ in attempts} <= {"93.184.216.34"}, "it was sent to another than the host that is written"


@pytest.mark.parametrize("opener", OPENERS)
async def test_a_public_host_is_asked_at_the_address_that_was_checked(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch, opener: str
) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])

    def rebound(_host: object, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(ConvmineError):
        await OPENERS[opener]("https://good.example/call.wav", ("good.example",))
    assert attempts == [("93.184.216.34", 443)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("opener", ["recording", "page"])
async def test_a_redirect_into_our_own_network_is_not_followed(status: int, opener: str) -> None:
    async with peer(saying(status, Location="http://127.0.0.1:1/")) as it:
        host = it.origin.removeprefix("http://")
        with pytest.raises(Poison, match=r"redirects|another address"):
            await OPENERS[opener](f"{it.origin}/a", (host,))
        assert len(it.asked) == 1


@pytest.mark.parametrize(
    "id_", ["@169.254.169.254/", "../../admin", "..", "a?b=c", "a#b", "//evil.example", "a\\b", "%2e"]
)
async def test_the_id_of_a_customer_leads_to_no_other_page(id_: str) -> None:
    async with peer(saying(404)) as it:
        customers = HttpCustomers(CustomersSettings(url=f"{it.origin}/crm/{{tenant}}/{{customer}}/facts"))
        try:
            assert await customers.of("acme", id_) == ()
        finally:
            await customers.close()
    (asked,) = it.asked
    assert asked.path.startswith("/crm/acme/")
    assert asked.path.endswith("/facts")
    assert asked.path.count("/") == 4
    assert not {"?", "#", "\\"} & set(asked.path)


@pytest.mark.parametrize(
    "uri",
    [
        *("https://127.0.0.1/a", "http://good.example/a", "file://good.example/a", "file:///etc/passwd", "ftp://x/a"),
        *("file:///claims/../etc/passwd", "file:///claims/%2e%2e/secret", "file:///claims/a?x", "", "a\x00b", "file:a"),
    ],
)
async def test_a_claimed_value_is_read_from_its_folder_alone(tmp_path: Path, attempts: Attempts, uri: str) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(Poison):
        await BlobFolder(tmp_path / "claims").get(uri.replace("/claims", f"{tmp_path}/claims"))
    assert attempts == []


async def test_a_recording_in_no_allowed_folder_is_not_read(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "calls", tmp_path / "secret.wav"
    allowed.mkdir()
    secret.write_bytes(b"RIFF")
    (allowed / "link.wav").symlink_to(secret)
    store = build_store(AudioSettings(allowed_roots=(allowed,)))
    for uri in (secret.as_uri(), f"{allowed.as_uri()}/../secret.wav", f"{allowed.as_uri()}/link.wav"):
        with pytest.raises(Poison, match="outside"):
            async with store.fetch(ClaimCheck(uri, None)):
                pass
