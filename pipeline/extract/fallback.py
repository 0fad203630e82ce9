"""The extractor that answers where the language model does not: no budget is left, it is away, or refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from pipeline.errors import ConvmineError, Retryable
from pipeline.extract.findings import Conversation, Findings, IntentExtractor
from pipeline.figures import FALLBACKS
from pipeline.llm.budget import Spent
from pipeline.llm.withheld import Withheld
from pipeline.ports import Meter
from pipeline.settings import Cause

_FAILURES: Final = 5
"""In a row, after which the model is not asked for a while: every question would wait for its time-out."""
_PAUSE_S: Final = 30.0

log: Final = structlog.get_logger()


class FallingBack:
    """Asks the first extractor, and the second for the causes that are set; its findings say why.

    Args:
        first: is asked.
        second: is asked instead.
        causes: for which; an error of any other cause is raised as it is.
        meter: counts how often.
        clock: in seconds.
    """

    def __init__(
        self,
        first: IntentExtractor,
        second: IntentExtractor,
        causes: Collection[Cause],
        meter: Meter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first
        self._second = second
        self._causes = frozenset(causes)
        self._meter = meter
        self._clock = clock
        self._failures = 0
        self._asked_again_at = 0.0

    async def extract(self, conversation: Conversation) -> Findings:
        """The findings of the first, or else of the second.

        Raises:
            Retryable, Poison, Config: as the first does, for causes that are not set.
        """
        if self._failures >= _FAILURES and self._clock() < self._asked_again_at:
            return await self._instead(conversation, "away", "the language model is away")
        try:
            findings = await self._first.extract(conversation)
        except (Retryable, Spent, Withheld) as error:
            cause = _cause(error)
            if cause not in self._causes:
                raise
            if cause == "away":
                self._failures += 1
                self._asked_again_at = self._clock() + _PAUSE_S
            return await self._instead(conversation, cause, error.message)
        self._failures = 0
        return findings

    async def close(self) -> None:
        """Close both."""
        try:
            await self._first.close()
        finally:
            await self._second.close()

    async def _instead(self, conversation: Conversation, cause: Cause, reason: str) -> Findings:
        self._meter.count(FALLBACKS, cause=cause)
        log.warning("the fall-back answers", cause=cause, reason=reason)
        findings = await self._second.extract(conversation)
        return replace(findings, provenance=findings.provenance.model_copy(update={"fallback_because": reason}))


def _cause(error: ConvmineError) -> Cause:
    if isinstance(error, Retryable):
        return "away"
    return "spent" if isinstance(error, Spent) else "refused"
