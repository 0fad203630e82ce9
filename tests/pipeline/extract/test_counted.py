from __future__ import annotations

from talks import conversation

from pipeline import figures
from pipeline.extract.counted import Counted
from pipeline.extract.findings import Conversation, Findings
from pipeline.testing import InMemoryMeter
from schemas.insight import Extractor, Provenance


class Found:
    """Finds nothing, after two re-asks, with three items dropped."""

    def __init__(self) -> None:
        self.findings = Findings(
            intents=(),
            outcome=None,
            summary="",
            provenance=Provenance(
                extractor=Extractor.LLM,
                model="m",
                scenario="telecom",
                scenario_version=1,
                prompt_version="extract.v1",
                reasks=2,
                dropped_ungrounded=3,
            ),
        )
        self.is_closed = False

    async def extract(self, conversation: Conversation) -> Findings:
        del conversation
        return self.findings

    async def close(self) -> None:
        self.is_closed = True


async def test_reasks_and_dropped_items_are_counted_and_the_findings_stay_as_they_are() -> None:
    found, meter = Found(), InMemoryMeter()
    counted = Counted(found, meter)
    for _ in range(2):
        assert await counted.extract(conversation("c: hello")) is found.findings
    labels = {"scenario": "telecom", "prompt_version": "extract.v1"}
    assert meter.counted(figures.REASKS, **labels) == 4
    assert meter.counted(figures.DROPPED, **labels) == 6
    await counted.close()
    assert found.is_closed
