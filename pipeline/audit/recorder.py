"""Records what one person does; where the log cannot be written there is no answer, or a warning."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import uuid4

from pipeline.audit.act import Act, first_of
from pipeline.audit.entry import Actor, Entry
from pipeline.audit.log import AuditLog
from pipeline.errors import Config, Poison, Retryable

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)  # structlog's own default writes to standard output, and answers go there


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records what ``actor`` does; with ``required``, nothing is answered that cannot be recorded."""

    log: AuditLog
    actor: Actor
    required: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def around(self, act: Act, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, once it is recorded who has it; what is refused or fails is recorded, too.

        Raises:
            Retryable: it cannot be recorded, and must be; nothing is told then, not even why there was no answer.
        """
        try:
            answer = await ask()
        except Exception as error:
            await self.record(act.ending(error))
            raise
        await self.record(act.showing(answer))
        return answer

    async def record(self, act: Act) -> None:
        """Record something that was done, or is about to be.

        Raises:
            Retryable: it cannot be recorded, and must be.
        """
        try:
            await self.log.record(self._entry(act))
        except (Retryable, Config, Poison) as error:
            if self.required:
                raise Retryable(
                    f"who asks cannot be recorded, so there is no answer: {error.message}",
                    dependency="audit",
                    hint="CONVMINE_AUDIT_PLACE says where it is recorded; CONVMINE_AUDIT_REQUIRED=false only warns",
                ) from error
            _log.warning("not recorded in the audit log: %s: %s", act.action, error.in_one_line)

    def _entry(self, act: Act) -> Entry:
        return Entry(
            entry_id=str(uuid4()),
            at=self.now(),
            tenant_id=self.actor.tenant_id,
            who=self.actor.who,
            origin=self.actor.origin,
            action=act.action,
            about=act.about,
            calls=first_of(act.calls),
            call_count=act.call_count,
            customers=first_of(act.customers),
            result=act.result,
            reason=act.reason,
        )
