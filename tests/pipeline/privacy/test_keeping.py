from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline.handling import Handled, Inbound, Outbound, Position
from pipeline.privacy.keeping import KeptLive, kept_in, mask_and_note
from pipeline.privacy.masking import mask
from pipeline.privacy.sealing import new_key
from pipeline.privacy.vault import Subject, Vault
from pipeline.privacy.vault_sqlite import SqliteVault
from pipeline.testing import InMemoryVault
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.transcript import Segment
from schemas.wire import Role

SAID = Segment(segment_id="s1", role=Role.CUSTOMER, start_ms=0, end_ms=3_000, text="call me at 415-555-2671")


def event(call: str) -> Inbound:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ended = message(CallEnded(call_id=call), id=call, source="/t", time=at, subject=call, tenant_id="acme")
    return Inbound(ended, Position("calls.audio", 0, 0))


class State(BaseModel):
    """Nothing is remembered."""


class Live:
    """A handler of the live lane that masks with every event, and when it lets go."""

    remembers = State

    async def __call__(self, inbound: Inbound, state: State | None) -> Handled[State]:
        del inbound, state
        await asyncio.to_thread(mask_and_note, [SAID], "en")
        return Handled()

    def drop(self, key: str) -> None:
        """Nothing is held."""

    async def let_go(self, key: str, state: State | None) -> Handled[State]:
        del key, state
        mask_and_note([SAID.model_copy(update={"segment_id": "s2"})], "en")
        return Handled()

    def forget(self, partition: int) -> None:
        del partition

    def ends(self) -> Sequence[Outbound]:
        return ()


@pytest.fixture(params=["memory", "sqlite"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    return InMemoryVault() if request.param == "memory" else SqliteVault(tmp_path / "vault.sqlite", new_key())


async def test_what_a_handler_masks_is_in_the_vault_when_it_returns(vault: Vault) -> None:
    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        del inbound
        (masked,) = mask_and_note([SAID], "en")
        assert masked.text == "call me at [PHONE]"
        return ()

    await kept_in(vault, handle)(event("call-1"))

    (kept,) = await vault.reveal("call-1", tenant_id="acme", who="ann")
    assert (kept.value, kept.kind, kept.subject) == ("415-555-2671", "phone", Subject("acme", "call-1"))
    assert await vault.reveal("call-1", tenant_id="other", who="ann") == ()
    assert [access.count for access in await vault.accesses("acme")] == [1]
    assert [access.count for access in await vault.accesses("other")] == [0]
    await vault.close()


async def test_calls_that_are_handled_side_by_side_keep_their_own(vault: Vault) -> None:
    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        await asyncio.sleep(0)
        number = "415-555-2671" if inbound.message.envelope.subject == "a" else "415-555-9999"
        mask_and_note([SAID.model_copy(update={"text": f"call me at {number}"})], "en")
        await asyncio.sleep(0)
        return ()

    handler = kept_in(vault, handle)
    await asyncio.gather(handler(event("a")), handler(event("b")))
    kept = [await vault.reveal(call, tenant_id="acme", who="ann") for call in ("a", "b")]
    assert [[one.value for one in found] for found in kept] == [["415-555-2671"], ["415-555-9999"]]
    await vault.close()


async def test_a_live_call_keeps_what_is_masked_with_its_events_and_when_it_is_let_go(vault: Vault) -> None:
    handler = KeptLive(vault, Live())
    await handler(event("call-1"), None)
    await handler.let_go("acme:call-1", None)
    kept = await vault.reveal("call-1", tenant_id="acme", who="ann")
    assert [one.segment_id for one in kept] == ["s1", "s2"]
    assert await vault.erase("acme:call-1", who="ann") == 2
    assert await vault.reveal("call-1", tenant_id="acme", who="ann") == ()
    await vault.close()


async def test_without_a_vault_nothing_is_noted_and_the_words_are_masked_all_the_same() -> None:
    assert mask_and_note([SAID], "en") == mask([SAID], "en")
