"""What the server answers, step by step: a small language in YAML or JSON that is checked before the first request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.fake_llm.question import Question

PROXY_PAGE: Final = "<html><head><title>Sign in</title></head><body>Sign in to reach the network.</body></html>"


class ScriptError(ValueError):
    """A script that cannot be used; the message is one line and names the step."""


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    times: Annotated[int, Field(ge=1)] = 1
    """How many requests it answers, before the next step's turn."""
    delay_s: Annotated[float, Field(ge=0)] | None = None
    """Seconds until the answer; the server's own delay where it is not given."""
    model: str | None = None
    """Only for requests to this model."""
    containing: str | None = None
    """Only for requests whose messages hold these words."""

    def fits(self, question: Question) -> bool:
        """Whether the step is for this request."""
        return self.model in (None, question.model) and (self.containing is None or self.containing in question.text)


class Valid(_Step):
    """The answer of the rule mode; ``before`` and ``after`` are put around it, as by a model that chats."""

    answer: Literal["valid"] = "valid"
    before: str = ""
    after: str = ""


class Text(_Step):
    """An answer with this text."""

    answer: Literal["text"] = "text"
    text: str


class InvalidJson(_Step):
    """The first half of the valid answer, as if it were the whole."""

    answer: Literal["invalid_json"] = "invalid_json"


class WrongSchema(_Step):
    """A JSON object with none of the fields that were asked for."""

    answer: Literal["wrong_schema"] = "wrong_schema"


class Invented(_Step):
    """The valid answer, but with quotes that nobody said."""

    answer: Literal["invented"] = "invented"


class Truncated(_Step):
    """The first half of the valid answer, with the finish reason ``length``."""

    answer: Literal["truncated"] = "truncated"


class Refusal(_Step):
    """The model's own words that it will not."""

    answer: Literal["refusal"] = "refusal"
    text: str = "I cannot help with this conversation."


class ContentFilter(_Step):
    """No text, with the finish reason ``content_filter``."""

    answer: Literal["content_filter"] = "content_filter"


class Empty(_Step):
    """No text, with the finish reason ``stop``."""

    answer: Literal["empty"] = "empty"


class Failure(_Step):
    """An HTTP error; ``retry_after_s`` becomes the header ``Retry-After``."""

    answer: Literal["error"] = "error"
    status: Annotated[int, Field(ge=400, le=599)]
    message: str = "scripted failure"
    retry_after_s: Annotated[float, Field(ge=0)] | None = None


class NoJsonSchema(_Step):
    """400 for response formats that are not among ``accepts``, in the form that this server writes; else valid."""

    answer: Literal["no_json_schema"] = "no_json_schema"
    server: Literal["openai", "azure", "vllm", "ollama"] = "openai"
    accepts: tuple[Literal["json_object", "text"], ...] = ("json_object", "text")


class ContextTooLong(_Step):
    """400 ``context_length_exceeded`` for messages of more than ``tokens`` tokens; else valid."""

    answer: Literal["context_too_long"] = "context_too_long"
    tokens: Annotated[int, Field(ge=0)] = 0


class Hung(_Step):
    """Nothing at all, until the client gives up or the server ends."""

    answer: Literal["hung"] = "hung"


class Cut(_Step):
    """The connection is closed: before the answer, in its headers, or in its body."""

    answer: Literal["cut"] = "cut"
    where: Literal["before", "headers", "body"] = "body"


class Page(_Step):
    """A body that no model wrote, such as a proxy's page."""

    answer: Literal["page"] = "page"
    status: Annotated[int, Field(ge=200, le=599)] = 200
    body: str = PROXY_PAGE
    content_type: str = "text/html; charset=utf-8"


class Streamed(_Step):
    """The valid answer as a stream of events, though nobody asked for one."""

    answer: Literal["streamed"] = "streamed"


Step = Annotated[
    Valid
    | Text
    | InvalidJson
    | WrongSchema
    | Invented
    | Truncated
    | Refusal
    | ContentFilter
    | Empty
    | Failure
    | NoJsonSchema
    | ContextTooLong
    | Hung
    | Cut
    | Page
    | Streamed,
    Field(discriminator="answer"),
]


class Script(BaseModel):
    """Steps in order; the last one that fits a request repeats, and where none fits the answer is valid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...] = ()


def read_script(path: Path) -> Script:
    """The script in a file: YAML, of which JSON is a part.

    Raises:
        ScriptError: the file cannot be read, or a step is wrong.
    """
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ScriptError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())}") from error
    try:
        return Script.model_validate({"steps": written} if isinstance(written, list) else written)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in found["loc"])
        raise ScriptError(f"{path}: {where}: {found['msg']}" if where else f"{path}: {found['msg']}") from error


class Course:
    """Where a script stands: how often each of its steps was used."""

    def __init__(self, script: Script) -> None:
        self._steps: Sequence[Step] = script.steps
        self._used: Counter[int] = Counter()

    def next_step(self, question: Question) -> Step:
        """The first step for this request that is not used up, else the last one for it."""
        fitting = [number for number, step in enumerate(self._steps) if step.fits(question)]
        if not fitting:
            return Valid()
        chosen = next((number for number in fitting if self._used[number] < self._steps[number].times), fitting[-1])
        self._used[chosen] += 1
        return self._steps[chosen]
