from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import Config, Retryable
from pipeline.privacy.masking import masked_and_found
from pipeline.privacy.placeholders import Found
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import VAULT_KEY, SqliteVault
from schemas.transcript import Segment
from schemas.wire import Role

CALL = Subject("acme", "call-1")
SAID = (
    "my card is 4242 4242 4242 4242, cvv 737",
    "write to j.doe@example.com or call 415-555-2671",
    "nothing here",
)


def segments(*texts: str) -> tuple[Segment, ...]:
    return tuple(
        Segment(segment_id=str(n), role=Role.CUSTOMER, start_ms=n * 90_000, end_ms=n * 90_000 + 900, text=text)
        for n, text in enumerate(texts)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "vault.sqlite"


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def phone(value: str = "415-555-2671", start: int = 5) -> Found:
    return Found("phone", "1", start, start + len(value), start, value)


async def test_what_was_masked_is_given_back_but_for_the_verification_code(path: Path) -> None:
    masked, found = masked_and_found(segments(*SAID), "en")
    vault = SqliteVault(path, new_key())
    tokens = await vault.keep(CALL, found)
    kept = await vault.reveal("call-1", tenant_id="acme", who="ann")
    await vault.close()
    assert [(one.token, one.kind, one.value) for one in kept] == [
        (tokens[0], "card", "4242 4242 4242 4242"),
        (tokens[1], "email", "j.doe@example.com"),
        (tokens[2], "phone", "415-555-2671"),
    ]
    text = {one.segment_id: one.text for one in masked}
    assert [text[one.segment_id].find(f"[{one.kind.upper()}]") for one in kept] == [one.place for one in kept]


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242 0428 737",
        "42424242424242420428737",
        "four two four two four two four two four two four two four two four two seven three seven",
        "the security code is 737, 0428",
        "the security code is 7 3 7 0 4 2 8",
        "737 is the cvv",
        "4242 4242 4242 4241 737",
    ],
)
async def test_no_verification_code_gets_into_the_vault(text: str, path: Path) -> None:
    _, found = masked_and_found(segments(text), "en")
    vault = SqliteVault(path, new_key())
    await vault.keep(CALL, found)
    kept = await vault.reveal("call-1", tenant_id="acme", who="ann")
    await vault.close()
    digits = ["".join(char for char in one.value if char.isdigit()) for one in kept]
    assert found
    assert not any("737" in one for one in digits)
    assert not any("seven" in one.value for one in kept)


async def test_one_thing_is_revealed_by_its_token_and_to_its_tenant_alone(path: Path) -> None:
    vault = SqliteVault(path, new_key())
    first, second = await vault.keep(CALL, [phone(), phone(start=30)])
    (kept,) = await vault.reveal(second, tenant_id="acme", who="ann")
    assert (kept.token, kept.place) == (second, 30)
    assert await vault.reveal(first, tenant_id="other", who="ann") == ()
    await vault.close()


async def test_the_same_thing_kept_again_is_kept_once(path: Path) -> None:
    vault = SqliteVault(path, new_key())
    assert await vault.keep(CALL, [phone()]) == await vault.keep(CALL, [phone()])
    assert len(await vault.reveal("call-1", tenant_id="acme", who="ann")) == 1
    await vault.close()


async def test_no_value_lies_open_in_the_file_and_only_its_owner_may_read_it(path: Path) -> None:
    vault = SqliteVault(path, new_key())
    await vault.keep(CALL, [phone("nobody-may-read-this")])
    assert b"nobody-may-read-this" not in on_disk(path)
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.parent.iterdir())
    await vault.close()


async def test_what_is_erased_is_gone_from_the_file_and_others_stay(path: Path) -> None:
    vault = SqliteVault(path, new_key())
    (token,) = await vault.keep(CALL, [phone()])
    await vault.keep(Subject("acme", "call-2"), [phone()])
    assert await vault.erase(str(CALL), who="privacy.erasures") == 1
    assert await vault.reveal(token, tenant_id="acme", who="ann") == ()
    assert token.encode() not in on_disk(path).replace(b"reveal " + token.encode(), b"").replace(
        f"acme:{token}".encode(), b""
    )
    assert len(await vault.reveal("call-2", tenant_id="acme", who="ann")) == 1
    await vault.close()


async def test_every_look_and_every_erasure_is_recorded(path: Path) -> None:
    vault = SqliteVault(path, new_key(), now=lambda: 7.0)
    await vault.keep(CALL, [phone()])
    await vault.reveal("call-1", tenant_id="acme", who="ann")
    await vault.reveal("nothing", tenant_id="acme", who="bob")
    await vault.reveal("call-1", tenant_id="acme2", who="eve")
    await vault.erase("acme:call-1", who="eve")
    await vault.close()
    again = SqliteVault(path, new_key())
    found = await again.accesses("acme")
    await again.close()
    assert [(one.at_s, one.who, one.what, one.subject, one.count) for one in found] == [
        (7.0, "ann", "reveal call-1", "acme:call-1", 1),
        (7.0, "bob", "reveal nothing", "acme:nothing", 0),
        (7.0, "eve", "erase", "acme:call-1", 1),
    ]


async def test_another_key_opens_nothing_and_the_setting_is_named(path: Path) -> None:
    vault = SqliteVault(path, new_key())
    await vault.keep(CALL, [phone()])
    await vault.close()
    other = SqliteVault(path, new_key())
    with pytest.raises(Config) as raised:
        await other.reveal("call-1", tenant_id="acme", who="ann")
    await other.close()
    assert raised.value.setting == VAULT_KEY


async def test_a_place_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    vault = SqliteVault(tmp_path / "file" / "vault.sqlite", new_key())
    with pytest.raises(Retryable, match="vault"):
        await vault.keep(CALL, [phone()])
    await vault.close()


def test_a_value_does_not_show_in_what_is_logged() -> None:
    assert "415" not in repr(phone())
