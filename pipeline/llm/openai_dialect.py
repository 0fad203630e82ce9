"""How a server wants to be asked: which parameters it takes, and how strictly it can be held to a format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, assert_never

from pipeline.llm.openai_complaints import About
from pipeline.ports import ChatRequest

Format = Literal["json_schema", "json_object", "text"]
FORMATS: Final[tuple[Format, ...]] = ("json_schema", "json_object", "text")
"""The formats, strictest first."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The strictest way to ask that has not been refused."""

    format: Format = "json_schema"
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def after(self, about: About) -> Dialect | None:
        """What to try when the server refuses a request for this reason; None where no other way of asking helps.

        A refusal that cannot be told is tried as one of the format, as that is what servers differ in most.
        """
        match about:
            case About.LIMIT_NAME if self.limit_name == "max_tokens":
                return replace(self, limit_name="max_completion_tokens")
            case About.TEMPERATURE if self.temperature:
                return replace(self, temperature=False)
            case About.FORMAT | About.UNKNOWN if self.format != FORMATS[-1]:
                return replace(self, format=FORMATS[FORMATS.index(self.format) + 1])
            case _:
                return None

    def arguments(self, request: ChatRequest) -> dict[str, Any]:
        """The request's parameters, besides the model."""
        arguments: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            self.limit_name: request.max_tokens,
        }
        if self.temperature:
            arguments["temperature"] = request.temperature
        if (response_format := self._response_format(request)) is not None:
            arguments["response_format"] = response_format
        return arguments

    def _response_format(self, request: ChatRequest) -> Mapping[str, Any] | None:
        match self.format:
            case "json_schema":
                schema = {"name": request.schema_name, "strict": True, "schema": dict(request.json_schema)}
                return {"type": "json_schema", "json_schema": schema}
            case "json_object":
                return {"type": "json_object"}
            case "text":
                return None
            case _:
                assert_never(self.format)
