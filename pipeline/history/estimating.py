"""What a re-extraction will take at most, before it is begun: requests, tokens, and money by the price table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.extract.answer import answer_schema
from pipeline.extract.chunks import turns_of
from pipeline.extract.findings import Conversation
from pipeline.extract.prompting import EXTRACT_PROMPT, messages_of
from pipeline.extract.questions import questions
from pipeline.extract.stage import conversation_of
from pipeline.extract.tokens import estimated_tokens, prompt_tokens
from pipeline.history.stored_calls import ListedCall, StoredCall, stored_calls
from pipeline.llm.prices import Prices, total
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Scenarios
from pipeline.settings import Settings

SAMPLE: Final = 300
"""Calls that are read for it; of more, so many are taken at equal distances and stand for all."""
ANSWER_TOKENS: Final = 500
"""Taken for an answer where none was paid for yet; the answers to the sample calls have 200 to 600."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """``read`` of the calls were looked at for it; ``usd`` is None where a price is not known."""

    calls: int
    read: int
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class _Need:
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None


async def estimate(
    store: VectorStore,
    listed: Sequence[ListedCall],
    settings: Settings,
    scenarios: Scenarios,
    used: Mapping[Purpose, Usage],
) -> Estimate:
    """What mining these calls takes; answers that are kept in the cache cost nothing and are not looked for here.

    Args:
        store: where the calls are.
        listed: the calls.
        settings: whose calls, and how is asked.
        scenarios: with the version of the prompt that is to run.
        used: what extraction took until now, for the length of an answer.
    """
    step = max(1, -(-len(listed) // SAMPLE))
    sample = listed[::step]
    answer = _answer_tokens(used)
    if settings.extract.extractor != "llm":
        return Estimate(len(listed), 0, 0, 0, 0, 0.0)
    calls = await stored_calls(store, settings.tenant, [one.call_id for one in sample])
    needs = [_need(call, settings, scenarios, answer) for call in calls.values()]
    share = len(listed) / len(sample) if sample else 0.0
    usd = total(need.usd for need in needs)
    return Estimate(
        calls=len(listed),
        read=len(sample),
        requests=round(share * sum(need.requests for need in needs)),
        input_tokens=round(share * sum(need.input_tokens for need in needs)),
        output_tokens=round(share * sum(need.output_tokens for need in needs)),
        usd=None if usd is None else share * usd,
    )


def _need(call: StoredCall, settings: Settings, scenarios: Scenarios, answer_tokens: int) -> _Need:
    conversation = conversation_of(call.transcript, scenarios, settings.extract.scenario, settings.tenant)
    prompt = conversation.edition.prompt(EXTRACT_PROMPT, call.transcript.call_id)
    if prompt is None or not conversation.segments:
        return _Need(0, 0, 0, 0.0)
    asked = questions(
        turns_of(conversation.segments),
        lambda chunk: messages_of(prompt, conversation, chunk),
        limit=settings.extract.chunk_tokens,
        overlap=settings.extract.overlap_turns,
    )
    votes = settings.extract.votes
    sent = votes * sum(prompt_tokens(question.messages) + _schema_tokens(conversation) for question in asked)
    received = votes * len(asked) * answer_tokens
    model = conversation.scenario.model_for(prompt) or settings.llm.model
    usd = Prices(settings.budget.prices).cost_usd(model, sent, received)
    return _Need(votes * len(asked), sent, received, usd)


def _schema_tokens(conversation: Conversation) -> int:
    """Servers count the schema of the answer as input."""
    return estimated_tokens(json.dumps(dict(answer_schema(conversation.edition)), ensure_ascii=False))


def _answer_tokens(used: Mapping[Purpose, Usage]) -> int:
    """What an answer took on average."""
    rows = [usage for purpose, usage in used.items() if purpose.stage == "extract"]
    requests = sum(usage.requests for usage in rows)
    return -(-sum(usage.output_tokens for usage in rows) // requests) if requests else ANSWER_TOKENS
