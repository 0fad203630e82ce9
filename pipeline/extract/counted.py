"""An extractor whose re-asks and dropped items are counted, from what its findings say of themselves."""

from __future__ import annotations

from pipeline import figures
from pipeline.extract.findings import Conversation, Findings, IntentExtractor
from pipeline.ports import Meter


class Counted:
    """Gives the findings of another extractor as they are.

    An answer that was kept, and is used again, counts again: the figures are of findings, not of requests.
    """

    def __init__(self, extractor: IntentExtractor, meter: Meter) -> None:
        self._extractor = extractor
        self._meter = meter

    async def extract(self, conversation: Conversation) -> Findings:
        """Raises what the extractor raises."""
        findings = await self._extractor.extract(conversation)
        made = findings.provenance
        labels = {"scenario": made.scenario, "prompt_version": made.prompt_version or ""}
        self._meter.count(figures.REASKS, made.reasks, **labels)
        self._meter.count(figures.DROPPED, made.dropped_ungrounded, **labels)
        return findings

    async def close(self) -> None:
        """Close the extractor."""
        await self._extractor.close()
