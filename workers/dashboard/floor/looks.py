"""Who looks at the floor: changes of a tenant are gathered and written once, and each page takes them at its own pace.

No page has a queue of its own. The last changes are kept a while for all; a page that is so slow that its next ones are
gone gets the whole floor again. So it holds up nobody, costs no memory, and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from schemas.envelope import Message
from workers.dashboard.floor.board import Board
from workers.gateway.outgoing.events import Frame, Wanted
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.marks import Reached
from workers.gateway.outgoing.subscription import Subscription

GATHER_S: Final = 0.5
"""Seconds for which changes are gathered: soon enough for who looks at a list, and one line a call at most."""
_MOST_KEPT: Final = 4_000_000
"""Bytes of changes of a tenant that are kept: some seconds of 5,000 busy calls. Who is further back takes the whole
floor, which is about as much."""


class _Told:
    """What the pages of one tenant were told of late, in order of its sequence, and the whole floor as of now."""

    def __init__(self) -> None:
        self.changes: deque[tuple[int, Frame]] = deque()
        self.bytes = 0
        self.whole: tuple[int, Frame] | None = None

    def add(self, sequence: int, frame: Frame) -> None:
        self.changes.append((sequence, frame))
        self.bytes += len(frame.data)
        while self.bytes > _MOST_KEPT:
            self.bytes -= len(self.changes.popleft()[1].data)


class Looks:
    """The pages that show the floor; nothing is gathered for a tenant at whose floor nobody looks.

    Args:
        board: what is on.
        hub: tells events, whether its source is away, and when to end.
    """

    def __init__(self, board: Board, hub: Hub) -> None:
        self.board = board
        self._hub = hub
        self._told: dict[str, _Told] = {}
        self._open: set[Look] = set()
        self._timer: asyncio.TimerHandle | None = None
        hub.tell_all(self._take)
        hub.tell_forgotten(board.forget)

    def open(self, tenant_id: str) -> Look:
        """A page begins to look."""
        look = Look(self, tenant_id)
        self._open.add(look)
        self._hub.join(look)
        if self._timer is None:
            self._later()
        return look

    def gather(self, tenant_id: str) -> None:
        """Tell all pages of a tenant what has changed."""
        changes = self.board.changes(tenant_id)
        told = self._told.get(tenant_id)
        if changes is None or told is None:
            return
        sequence = self.board.sequence(tenant_id)
        told.add(sequence, Frame("changes", b"%d" % sequence, changes))
        for look in self._open:
            if look.wanted.tenant_id == tenant_id:
                look.wake()

    def has_more(self, tenant_id: str, sequence: int | None) -> bool:
        """Whether there is anything to tell a page that knows all up to there."""
        return sequence is None or self.board.sequence(tenant_id) > sequence

    def since(self, tenant_id: str, sequence: int | None) -> list[tuple[int, Frame]]:
        """What to tell a page next that knows all up to there; to one that knows too little, the whole floor."""
        told = self._told.setdefault(tenant_id, _Told())
        if sequence is not None:
            first = told.changes[0][0] if told.changes else self.board.sequence(tenant_id) + 1
            if first <= sequence + 1:
                return [one for one in told.changes if one[0] > sequence]
        self.gather(tenant_id)
        now = self.board.sequence(tenant_id)
        if told.whole is None or told.whole[0] != now:
            told.whole = now, Frame("snapshot", b"%d" % now, self.board.whole(tenant_id))
        return [told.whole]

    def _take(self, message: Message) -> None:
        self.board.take(message)

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._round)

    def _round(self) -> None:
        self._open = {look for look in self._open if look.reason is None}
        self._timer = None
        tenants = {look.wanted.tenant_id for look in self._open}
        self._told = {tenant_id: told for tenant_id, told in self._told.items() if tenant_id in tenants}
        for tenant_id in tenants:
            self.gather(tenant_id)
        if self._open:
            self._later()


class Look(Subscription):
    """One page: it wants no events, the hub tells it how it is and when to end, and what it sends is the floor."""

    def __init__(self, looks: Looks, tenant_id: str) -> None:
        super().__init__(Wanted(tenant_id, of=frozenset()), Reached())
        self._looks = looks
        self._sequence: int | None = None

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def frames(self, wait_s: float) -> list[Frame] | None:
        """What is to be sent next: what the hub says, then the floor, or what has changed on it."""
        tenant_id = self.wanted.tenant_id
        said = await super().frames(0 if self._looks.has_more(tenant_id, self._sequence) else wait_s)
        if said is None or self.reason is not None:
            return said
        floor = self._looks.since(tenant_id, self._sequence)
        if floor:
            self._sequence = floor[-1][0]
        return [*said, *(frame for _, frame in floor)]
