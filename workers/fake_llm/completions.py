"""Answers and errors in OpenAI's form: in one piece, or as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from workers.fake_llm.question import Question, tokens_of
from workers.fake_llm.wire import Reply

_CREATED: Final = 1_700_000_000
_PIECE: Final = 24
"""Characters of an answer in one event of a stream."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the model says, and how it ends."""

    text: str | None
    finish_reason: str = "stop"
    refusal: str | None = None

    @property
    def tokens(self) -> int:
        return tokens_of((self.text or "") + (self.refusal or ""))


def completion(question: Question, words: Words) -> Reply:
    """A chat completion, as a stream where the request asks for one."""
    if question.stream:
        return streamed(question, words, usage=question.stream_usage)
    message = {"role": "assistant", "content": words.text, "refusal": words.refusal}
    choice = {"index": 0, "finish_reason": words.finish_reason, "message": message}
    return json_reply(_envelope(question, "chat.completion", [choice]) | {"usage": _usage(question, words)})


def streamed(question: Question, words: Words, *, usage: bool) -> Reply:
    """The completion in events, the last of them ``[DONE]``."""
    said = words.text or words.refusal or ""
    field = "refusal" if words.refusal else "content"
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({field: said[start : start + _PIECE]}, None) for start in range(0, len(said), _PIECE)]
    deltas.append(({}, words.finish_reason))
    events = [
        _envelope(question, "chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": reason}])
        for delta, reason in deltas
    ]
    if usage:
        events.append(_envelope(question, "chat.completion.chunk", []) | {"usage": _usage(question, words)})
    written = [*(json.dumps(event, ensure_ascii=False) for event in events), "[DONE]"]
    return Reply(
        200, tuple(f"data: {event}\n\n".encode() for event in written), content_type="text/event-stream; charset=utf-8"
    )


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Any JSON."""
    return Reply(status, (json.dumps(body, ensure_ascii=False).encode(),), headers or {})


def error_reply(
    status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """An error as OpenAI writes it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - where HTTP divides them
    return json_reply({"error": {"message": message, "type": kind, "param": None, "code": code}}, status, headers)


def _envelope(question: Question, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    name = sha256(question.text.encode()).hexdigest()[:24]
    return {
        "id": f"chatcmpl-{name}",
        "object": kind,
        "created": _CREATED,
        "model": question.model,
        "choices": choices,
    }


def _usage(question: Question, words: Words) -> dict[str, int]:
    asked, said = question.tokens, words.tokens
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
