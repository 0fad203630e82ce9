"""One call through a real model, for people with a key: no other test reaches an API outside of this machine."""

from __future__ import annotations

import os

import pytest

from pipeline.evaluate.labelled_calls import labelled_samples
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import conversation_of, mine
from pipeline.samples import folder
from pipeline.scenarios.load import shipped
from pipeline.settings import load
from schemas.insight import Extractor

pytestmark = pytest.mark.skipif(
    os.environ.get("CONVMINE_LIVE_LLM") != "1",
    reason="asks a real model, which costs money: set CONVMINE_LIVE_LLM=1 and OPENAI_API_KEY, or CONVMINE_LLM_*",
)


@pytest.mark.timeout(180)
async def test_a_real_model_mines_a_sample_call_with_evidence_for_everything() -> None:
    found = load()
    settings = found.model_copy(
        update={
            "extract": found.extract.model_copy(update={"extractor": "llm", "fall_back": ()}),
            "llm": found.llm.model_copy(update={"cache": "off"}),
            "budget": found.budget.model_copy(update={"ledger": "off"}),
        }
    )
    transcript = labelled_samples(folder())[0].transcript
    texts = {segment.segment_id: segment.text for segment in transcript.segments}
    extractor = build_extractor(settings, shipped)
    try:
        insight = await mine("live", transcript, conversation_of(transcript, shipped, "telecom", "live"), extractor)
    finally:
        await extractor.close()
    assert insight.provenance.extractor is Extractor.LLM
    assert insight.intents
    assert insight.summary
    assert all(evidence.quote in texts[evidence.segment_id] for one in insight.intents for evidence in one.evidence)
