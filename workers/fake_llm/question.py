"""A chat request as the server reads it, and the rule by which tokens are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_CHARACTERS_A_TOKEN: Final = 4


class NotAQuestion(ValueError):
    """The body is no chat request; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the conversation with the model."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A chat request; ``schema`` is the JSON Schema of its response format, ``format`` that format's type."""

    model: str
    messages: tuple[Said, ...]
    format: str = "text"
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    stream: bool = False
    stream_usage: bool = False

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n".join(said.text for said in self.messages)

    @property
    def tokens(self) -> int:
        """What the messages are counted as."""
        return sum(tokens_of(said.text) for said in self.messages)


def tokens_of(text: str) -> int:
    """The server's own rule: four ASCII characters are a token, begun ones too, and so is every other character."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return -(-ascii_characters // _CHARACTERS_A_TOKEN) + len(text) - ascii_characters


def read_question(asked: Mapping[str, Any]) -> Question:
    """The request in a body.

    Raises:
        NotAQuestion: it has no model or no messages, or something else than should be.
    """
    try:
        messages = tuple(Said(str(one["role"]), _text(one.get("content"))) for one in asked["messages"])
        model = str(asked["model"])
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        response_format = asked.get("response_format") or {}
        schema = (response_format.get("json_schema") or {}).get("schema")
        usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        question = Question(
            model=model,
            messages=messages,
            format=str(response_format.get("type", "text")),
            schema=schema if isinstance(schema, dict) else None,
            max_tokens=None if limit is None else int(limit),
            stream=bool(asked.get("stream")),
            stream_usage=usage,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotAQuestion("the body must have 'model' and 'messages'") from error
    if not messages:
        raise NotAQuestion("the body must have at least one of 'messages'")
    return question


def _text(content: object) -> str:
    """A message's text, which may come in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content if isinstance(content, str) else ""
