"""Engine and model tried: a second of silence is heard, a short question is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.errors import ConvmineError
from pipeline.ports import ChatMessage, ChatRequest, Speech
from pipeline.settings import Settings
from workers.diagnosis import Finding
from workers.trials.trial import tried

_SCHEMA: Final = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}
_QUESTION: Final = 'Answer with the JSON object {"ready": true} and nothing else.'
_TOKENS: Final = 200
"""Room for models that think before they answer."""


def try_models(settings: Settings) -> Iterator[Finding]:
    """The speech engine, and the language model where one is set."""
    yield tried("speech engine", ("asr",), lambda: asyncio.run(_heard(settings)))
    if settings.llm.is_set:
        yield tried("language model", ("extract", "suggest"), lambda: asyncio.run(_answered(settings)))


async def _heard(settings: Settings) -> str:
    from pipeline.asr.registry import build_engine

    engine = build_engine(settings.asr)
    try:
        silence = np.zeros(engine.sample_rate_hz, dtype=np.float32)
        await engine.recognise([Speech(silence, engine.sample_rate_hz, None, ())])
    finally:
        await engine.close()
    return f"{engine.name} has listened to a second of silence"


async def _answered(settings: Settings) -> str:
    from pipeline.llm.openai_chat import OpenAIChat

    model = OpenAIChat.of(settings.llm)
    request = ChatRequest((ChatMessage("user", _QUESTION),), _SCHEMA, "ready", max_tokens=_TOKENS)
    try:
        answer = await model.answer(request)
    finally:
        await model.close()
    if not answer.text:
        raise ConvmineError(f"{answer.model} says nothing: {answer.refusal or answer.finish_reason}")
    return f"{answer.model} has answered with {answer.input_tokens} tokens in, {answer.output_tokens} out"
