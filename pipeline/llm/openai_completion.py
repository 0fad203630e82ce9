"""What an OpenAI-compatible server answers, as an answer of ours or as the reason why it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pipeline.errors import ConvmineError, Retryable
from pipeline.llm.openai_complaints import About, Complaint, complaint
from pipeline.llm.withheld import Why, Withheld
from pipeline.ports import ChatAnswer

_SHOWN: Final = 300


def completed(body: bytes, *, model: str) -> ChatAnswer:
    """The answer in a body that came with 200.

    Args:
        body: should be JSON, a ``chat.completion``. It is read without the client's classes, which do not check it
            either, and of whose fields few are of use.
        model: who was asked, where the server does not say who answered.

    Raises:
        Withheld, Retryable: it is no completion; some servers and gateways answer 200 with an error within, or a page.
    """
    completion = _object(body)
    match completion:
        case {"choices": [{"message": {**message}} as choice, *_]}:
            usage = _mapping(completion.get("usage"))
            return ChatAnswer(
                text=well_formed(_text(message.get("content"))),
                model=_text(completion.get("model")) or model,
                finish_reason=_text(choice.get("finish_reason")),
                input_tokens=_count(usage.get("prompt_tokens")),
                output_tokens=_count(usage.get("completion_tokens")),
                refusal=_text(message.get("refusal")) or None,
                cached_tokens=_count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
            )
    raise _no_completion(completion.get("error"))


def withheld(held: Complaint | None) -> Withheld | None:
    """The reason for which there is no answer to this request, whoever asks again; None where it is another one."""
    if held is None:
        return None
    said = held.message[:_SHOWN]
    if held.about is About.CONTEXT:
        hint = "cut conversations into smaller pieces, or give the model a larger context"
        return Withheld(f"the request is too long for the model: {said}", why=Why.TOO_LONG, hint=hint)
    if held.about is About.LIMIT:
        hint = "lower max_tokens of the prompt, or CONVMINE_EXTRACT_MOST_TOKENS"
        return Withheld(f"the model gives no answers of that length: {said}", why=Why.TOO_LONG, hint=hint)
    if held.about is About.FILTER:
        return Withheld(f"the server's content filter refuses the request: {said}", why=Why.FILTERED)
    return None


def well_formed(text: str) -> str:
    """Without halves of surrogate pairs, which a cut can leave and which can be sent back in no encoding."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _no_completion(error: object) -> ConvmineError:
    held = None if error is None else complaint(400, error)
    said = f": {held.message[:_SHOWN]}" if held else ""
    message = f"the model's server answered 200 with what is no chat completion{said}"
    return withheld(held) or Retryable(message, dependency="llm")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
