"""What a handler masks is in the vault before its outputs leave the process: masking notes it, a wrapper keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Generic, Protocol, TypeVar

from pydantic import BaseModel

from pipeline.handling import Ending, Handled, Handler, Holding, Inbound, Outbound
from pipeline.privacy.masking import masked_and_found
from pipeline.privacy.placeholders import Found
from pipeline.privacy.vault import Subject, Vault
from schemas.transcript import Segment

S = TypeVar("S", bound=BaseModel)

_NOTED: Final[ContextVar[list[Found] | None]] = ContextVar("found", default=None)


class LiveHandler(Holding[S], Ending, Protocol[S]):
    """What the live lane of asr is."""


def mask_and_note(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    """As ``mask``; what was replaced is noted for whoever is ``noting``."""
    masked, found = masked_and_found(segments, language)
    if (noted := _NOTED.get()) is not None:
        noted.extend(found)
    return masked


@contextmanager
def noting() -> Iterator[list[Found]]:
    """What ``mask_and_note`` replaces inside, also in tasks and threads begun there."""
    noted: list[Found] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def kept_in(vault: Vault, handler: Handler) -> Handler:
    """The same handler; what it masks is kept when it returns.

    Raises:
        Retryable: the vault is away.
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        with noting() as found:
            outputs = await handler(inbound)
        await vault.keep(_subject(inbound), found)
        return outputs

    return handle


class KeptLive(Generic[S]):
    """The same handler of the live lane; what it masks is kept when it returns.

    Of words that are still being said it may keep a part; the whole follows with the final ones.

    Raises:
        Retryable: the vault is away.
    """

    def __init__(self, vault: Vault, handler: LiveHandler[S]) -> None:
        self.remembers = handler.remembers
        self.drop = handler.drop
        self.forget = handler.forget
        self.ends = handler.ends
        self._vault = vault
        self._handler = handler

    async def __call__(self, inbound: Inbound, state: S | None) -> Handled[S]:
        with noting() as found:
            handled = await self._handler(inbound, state)
        await self._vault.keep(_subject(inbound), found)
        return handled

    async def let_go(self, key: str, state: S | None) -> Handled[S]:
        with noting() as found:
            handled = await self._handler.let_go(key, state)
        tenant_id, _, call_id = key.partition(":")
        await self._vault.keep(Subject(tenant_id, call_id), found)
        return handled


def _subject(inbound: Inbound) -> Subject:
    return Subject(inbound.tenant_id, inbound.message.envelope.subject)
