"""What a server that speaks OpenAI's protocol holds against a request, told from its own words.

Each server words it otherwise; what is read here was taken from what OpenAI, Azure, vLLM, llama.cpp, Ollama, LM Studio,
DeepSeek and Groq answer (the texts are in the tests).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_BAD_REQUEST: Final = frozenset({400, 422})
# Too large for the server at all, and for what it lets through in a minute.
_SIZES: Final = frozenset({413, 429})


class About(StrEnum):
    """What a refusal is about."""

    CONTEXT = "context"
    FILTER = "filter"
    ANSWER = "answer"
    LIMIT_NAME = "limit_name"
    LIMIT = "limit"
    TEMPERATURE = "temperature"
    FORMAT = "format"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A refusal in the server's words; ``generated`` is the answer that it threw away as it was no JSON (Groq)."""

    about: About
    message: str
    generated: str = ""


_CONTEXT_CODES: Final = frozenset({"context_length_exceeded", "exceed_context_size_error", "context_exceeded"})
_FILTER_CODES: Final = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_ANSWER_CODES: Final = frozenset({"json_validate_failed"})
_WORDED: Final = tuple(
    (re.compile(pattern), about)
    for pattern, about in (
        (r"max_(?:completion_)?tokens.{0,60}(?:too large|less than or equal|cannot be greater|at most)", About.LIMIT),
        (r"max_tokens.{0,80}(?:not supported|unsupported)|unsupported.{0,30}max_tokens", About.LIMIT_NAME),
        (r"maximum context length|context (?:size|window|length)|exceeds? .{0,40}context", About.CONTEXT),
        (r"max_tokens must be at least 1, got -|prompt is too long|(?:request|entity) too large", About.CONTEXT),
        (r"content management policy|content policy|content filter", About.FILTER),
        (r"response_?format|json[_ ](?:schema|object|mode)|structured output|grammar|guided|schema", About.FORMAT),
        (r"\btemperature\b", About.TEMPERATURE),
    )
)


def complaint(status: int, body: object) -> Complaint | None:
    """What an answer of this status is about; None where it says nothing about the request itself.

    Args:
        status: of HTTP; a fault of the server (500) may be a context that is too small (llama.cpp).
        body: the answer's ``error`` where it has one, else the whole: an object or, from LM Studio, a string.
    """
    fields: Mapping[object, object] = body if isinstance(body, Mapping) else {"message": body}
    message = str(fields.get("message") or fields.get("error") or fields.get("detail") or "")
    about = _about(message.lower(), _codes(fields), str(fields.get("param") or ""))
    # Of a busy server, or one with a fault, "exceeds the context" is worth more than "try again later".
    if status in _BAD_REQUEST or (about is About.CONTEXT and (status in _SIZES or "exceed" in message.lower())):
        return Complaint(about, message, str(fields.get("failed_generation") or ""))
    return None


def _codes(fields: Mapping[object, object]) -> set[str]:
    inner = fields.get("innererror")
    inner_code = inner.get("code") if isinstance(inner, Mapping) else None
    return {str(code).lower() for code in (fields.get("code"), fields.get("type"), inner_code) if code}


def _about(message: str, codes: set[str], param: str) -> About:
    if codes & _CONTEXT_CODES:
        return About.CONTEXT
    if codes & _FILTER_CODES:
        return About.FILTER
    if codes & _ANSWER_CODES:
        return About.ANSWER
    if param.startswith("response_format"):
        return About.FORMAT
    if param == "temperature":
        return About.TEMPERATURE
    return next((about for pattern, about in _WORDED if pattern.search(message)), About.UNKNOWN)
