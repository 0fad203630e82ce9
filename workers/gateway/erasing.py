"""Erasures at the gateway and the dashboard: a call that is erased leaves streams, lists and uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from pipeline.blobs.folder import BlobFolder
from pipeline.blobs.names import call_folder
from pipeline.erasure.erased import Erased
from pipeline.erasure.places import Cleared, Place, erase
from pipeline.errors import Config, Retryable
from pipeline.privacy.vault import Subject
from workers.beside import beside
from workers.erasures import Erasures
from workers.followed import Followed
from workers.gateway.kafka import end_as_refused
from workers.gateway.outgoing.hub import Hub

_AGAIN_S: Final = 5.0
"""Seconds until a broker that was away is asked again what is to be erased."""


@asynccontextmanager
async def obeying(followed: Followed, hub: Hub, uploads: Path | None = None) -> AsyncIterator[Erased]:
    """Erasures are followed until the block is left; gives what is erased, to be asked before a call is taken in.

    Streams and lists forget a call in the moment in which its erasure is read. Its uploads are deleted until that has
    worked. A broker that is away is waited for: streams come from the same one, and stand still then, too.

    Args:
        followed: the topic of erasures.
        hub: forgets the call, and takes nothing more of it.
        uploads: folder of uploaded recordings, where this process has one.
    """
    erasures = Erasures(followed)
    note = erasures.erased.told

    def told(tenant_id: str, call_id: str) -> None:
        hub.forget(tenant_id, call_id)
        note(tenant_id, call_id)

    erasures.erased.told = told
    hub.obey(erasures.erased)
    async with beside(_follow(erasures), erasures.clear((), partial(_clear, _places(uploads)))):
        yield erasures.erased


async def _follow(erasures: Erasures) -> NoReturn:
    while True:
        try:
            await erasures.read()
        except Retryable:  # streams tell it already
            await asyncio.sleep(_AGAIN_S)
        except Config as error:  # whoever may not read erasures must not show calls
            end_as_refused(error)
            raise
        else:
            await erasures.follow()


async def _clear(places: tuple[Place, ...], subject: Subject) -> Cleared:
    return await erase(places, [subject])


def _places(uploads: Path | None) -> tuple[Place, ...]:
    """The folder of uploads, in which each call has its own."""
    if uploads is None:
        return ()
    name, folder = f"uploads in {uploads}", BlobFolder(uploads)

    async def remove(subject: Subject) -> Mapping[str, int]:
        return {name: await folder.remove(call_folder(subject.tenant_id, subject.call_id))}

    return (Place(name, remove),)
