"""From a step of the script to the answer of one request."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from workers.fake_llm.completions import Words, completion, error_reply, json_reply, streamed
from workers.fake_llm.question import Question, tokens_of
from workers.fake_llm.rules import answer_by_rule, with_invented_quotes
from workers.fake_llm.script import (
    ContentFilter,
    ContextTooLong,
    Cut,
    Empty,
    Failure,
    Hung,
    InvalidJson,
    Invented,
    NoJsonSchema,
    Page,
    Refusal,
    Step,
    Streamed,
    Text,
    Truncated,
    Valid,
    WrongSchema,
)
from workers.fake_llm.wire import Ending, Reply

_WRONG: Final = {"answer": "This object has other fields than it should.", "intent": 7}
_ENDINGS: Final[Mapping[str, Ending]] = {"before": "cut before", "headers": "cut headers", "body": "cut body"}
_REFUSED_FORMATS: Final[Mapping[str, dict[str, Any]]] = {
    "openai": {
        "error": {
            "message": "Invalid parameter: 'response_format' of type '{format}' is not supported with this model.",
            "type": "invalid_request_error",
            "param": "response_format",
            "code": None,
        }
    },
    "azure": {
        "error": {
            "message": "response_format value as {format} is not enabled for this api version",
            "type": "",
            "param": "",
            "code": "BadRequest",
        }
    },
    "vllm": {
        "object": "error",
        "message": "Unsupported response_format type: {format}",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    },
    "ollama": {
        "error": {
            "message": "invalid format: {format}",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    },
}
"""The forms in which servers refuse a response format; the words are this project's."""


def reply_to(question: Question, step: Step) -> Reply:
    """The answer that a step gives to a request."""
    return replace(_reply(question, step), delay_s=step.delay_s)


def _reply(question: Question, step: Step) -> Reply:  # noqa: PLR0911 - one line a kind of step
    match step:
        case Hung():
            return Reply(200, (b"",), ending="hung")
        case Failure():
            wait_s = step.retry_after_s
            headers = {} if wait_s is None else {"retry-after": _seconds(wait_s)}
            return error_reply(step.status, step.message, headers=headers)
        case Page():
            return Reply(step.status, (step.body.encode(),), content_type=step.content_type)
        case Cut():
            whole = completion(question, _valid(question))
            return replace(whole, ending=_ENDINGS[step.where])
        case NoJsonSchema() if question.format not in step.accepts:
            return _no_format(question, step)
        case ContextTooLong() if question.tokens > step.tokens:
            message = f"This model's context is {step.tokens} tokens, the messages are {question.tokens}."
            return error_reply(400, message, code="context_length_exceeded")
        case Streamed():
            return streamed(question, _valid(question), usage=True)
        case _:
            return completion(question, _words(question, step))


def _words(question: Question, step: Step) -> Words:  # noqa: PLR0911 - one line a kind of step
    match step:
        case Text():
            return Words(step.text)
        case Refusal():
            return Words(None, refusal=step.text)
        case ContentFilter():
            return Words(None, "content_filter")
        case Empty():
            return Words("")
        case WrongSchema():
            return Words(json.dumps(_WRONG))
        case InvalidJson():
            return Words(_half(answer_by_rule(question)))
        case Truncated():
            return Words(_half(answer_by_rule(question)), "length")
        case Invented():
            return Words(with_invented_quotes(answer_by_rule(question)))
        case Valid(before=before, after=after) if before or after:
            return Words(before + answer_by_rule(question) + after)
        case _:
            return _valid(question)


def _valid(question: Question) -> Words:
    """The whole answer, or as much of it as the request allows tokens for."""
    text = answer_by_rule(question)
    if question.max_tokens is None or tokens_of(text) <= question.max_tokens:
        return Words(text)
    while tokens_of(text) > question.max_tokens:
        text = text[: len(text) - max(1, tokens_of(text) - question.max_tokens)]
    return Words(text, "length")


def _half(text: str) -> str:
    return text[: len(text) // 2]


def _no_format(question: Question, step: NoJsonSchema) -> Reply:
    body = json.dumps(_REFUSED_FORMATS[step.server]).replace("{format}", question.format)
    return json_reply(json.loads(body), 400)


def _seconds(seconds: float) -> str:
    return str(math.ceil(seconds)) if seconds == int(seconds) else str(seconds)
