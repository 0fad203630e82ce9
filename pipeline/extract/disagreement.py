"""How far two extractors differ on the same conversation: the lexical one as a check on the language model."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import structlog

from pipeline.extract.findings import Conversation, Findings, IntentExtractor
from pipeline.figures import DISAGREEMENT
from pipeline.ports import Meter

log: Final = structlog.get_logger()


class Checked:
    """Gives the findings of the first extractor, and measures for a share of the calls how the second sees them.

    Args:
        first: whose findings count.
        second: who is asked, too.
        share: of the calls, 0 to 1; which ones, their ids decide.
        meter: is told how far both differ.
    """

    def __init__(self, first: IntentExtractor, second: IntentExtractor, share: float, meter: Meter) -> None:
        self._first = first
        self._second = second
        self._share = share
        self._meter = meter

    async def extract(self, conversation: Conversation) -> Findings:
        """Raises what the first raises; a failure of the second is only logged."""
        findings = await self._first.extract(conversation)
        if is_among(conversation.subject, self._share):
            try:
                other = await self._second.extract(conversation)
            except Exception as error:  # noqa: BLE001 - a check must not stop what it checks
                log.warning("the check failed", reason=f"{type(error).__name__}: {error}")
            else:
                scenario = conversation.scenario.id
                self._meter.observe(DISAGREEMENT, disagreement(findings, other), scenario=scenario)
        return findings

    async def close(self) -> None:
        """Close both."""
        try:
            await self._first.close()
        finally:
            await self._second.close()


def disagreement(one: Findings, other: Findings) -> float:
    """Of the intents in their segments that at least one of them found, the share that only one did (Jaccard distance).

    0 where both found nothing.
    """
    sides = [{(intent.name, intent.evidence.segment_id) for intent in it.intents} for it in (one, other)]
    either = sides[0] | sides[1]
    return len(sides[0] ^ sides[1]) / len(either) if either else 0.0


def is_among(subject: str, share: float) -> bool:
    """Whether a call is one of the share that is checked: always the same ones, spread evenly."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=4).digest()) / 2**32 < share
