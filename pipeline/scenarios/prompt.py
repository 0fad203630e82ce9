"""Versioned prompts: front matter, then ``# system`` and ``# user`` sections as sandboxed Jinja2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from operator import is_
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_serializer, model_validator

from pipeline.ports import ChatMessage

_FRONT: Final = re.compile(r"\A---\r?\n(?P<front>.*?)\r?\n---\r?\n(?P<body>.*)\Z", re.DOTALL)
_SECTIONS: Final = re.compile(
    r"\A\s*# system\s*?\n(?P<system>.*?)^# user\s*?\n(?P<user>.*)\Z", re.DOTALL | re.MULTILINE
)


class PromptError(ValueError):
    """A prompt file cannot be read, or is used with other parameters than it declares."""


Parameter = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ANY_SCENARIO: Final = "any"
"""What a prompt says that every scenario may use."""


class Prompt(BaseModel):
    """One version of a prompt; the templates may use the declared parameters and nothing else.

    ``text`` is its whole file, as which it is written to JSON and read from it.

    ``answer`` is the shape of what is answered (``schema`` in the front matter), ``examples`` are those of the edition
    that it shows, by their ids. ``defaults`` are the values of parameters that nobody gives; ``model`` is asked instead
    of the one that the settings name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    version: Annotated[int, Field(ge=1)]
    scenario: str
    language: str
    parameters: tuple[Parameter, ...]
    defaults: Mapping[Parameter, str | int | float | bool] = {}
    answer: Annotated[Literal["findings", "summary", "question", "suggestion"], Field(alias="schema")] = "findings"
    examples: tuple[str, ...] = ()
    model: Annotated[str, Field(min_length=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1)] = 2_000
    system: Annotated[str, Field(min_length=1)]
    user: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1, repr=False)]

    @property
    def digest(self) -> str:
        """What tells its content from that of others: ``digest_of`` its file."""
        return digest_of(self.text)

    @property
    def label(self) -> str:
        """Name and version, for example ``extract.v1``: what a result is stamped with."""
        return f"{self.id}.v{self.version}"

    def is_of(self, scenario: str, language: str) -> bool:
        """Whether this scenario may use it in this language."""
        return self.scenario in {scenario, ANY_SCENARIO} and self.language == language

    @model_validator(mode="before")
    @classmethod
    def _of_its_file(cls, given: object) -> object:
        return _content(given) if isinstance(given, str) else given

    @model_serializer
    def _as_its_file(self) -> str:
        return self.text

    @model_validator(mode="after")
    def _uses_what_it_declares(self) -> Self:
        from jinja2 import TemplateSyntaxError

        try:
            used = {*variables_of(self.system), *variables_of(self.user)}
        except TemplateSyntaxError as error:
            where = f"line {error.lineno} of its section"
            raise ValueError(f"the template cannot be read: {error.message} ({where})") from None
        if undeclared := used - set(self.parameters):
            raise ValueError(f"parameters: {', '.join(sorted(undeclared))} used in the text but not declared")
        if undeclared := set(self.defaults) - set(self.parameters):
            raise ValueError(f"defaults: {', '.join(sorted(undeclared))} given but not declared as parameters")
        return self


def digest_of(text: str) -> str:
    """The SHA-256, in hex, of the text of a prompt file."""
    return sha256(text.encode()).hexdigest()


def parse_prompt(text: str) -> Prompt:
    """Read a prompt file.

    Raises:
        PromptError: the front matter or a section is missing, or a field is wrong.
    """
    try:
        return Prompt.model_validate(_content(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise PromptError(f"{where}: {what}" if where else what) from None


def _content(text: str) -> Mapping[str, Any]:
    """The fields of a prompt file; raises PromptError."""
    if (parts := _FRONT.match(text)) is None:
        raise PromptError("front matter between two lines '---' is missing")
    if (sections := _SECTIONS.match(parts["body"])) is None:
        raise PromptError("the sections '# system' and '# user' are missing")
    try:
        front = yaml.safe_load(parts["front"])
    except yaml.YAMLError as error:
        raise PromptError(f"the front matter is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(front, dict):
        raise PromptError("the front matter holds no fields")
    return {**front, "system": sections["system"].strip(), "user": sections["user"].strip(), "text": text}


def render(prompt: Prompt, **parameters: object) -> tuple[ChatMessage, ...]:
    """The messages to send; a parameter that is not given has its default.

    Raises:
        PromptError: a declared parameter is missing, one is given that is not declared, or the template refuses.
    """
    from jinja2 import TemplateError

    parameters = {**prompt.defaults, **parameters}
    given, declared = set(parameters), set(prompt.parameters)
    if given != declared:
        names = ", ".join(sorted(given ^ declared))
        raise PromptError(f"prompt {prompt.label}: parameters {names} are given or declared, but not both")
    try:
        return (
            ChatMessage("system", filled(prompt.system, parameters)),
            ChatMessage("user", filled(prompt.user, parameters)),
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:  # what its expressions may raise
        raise PromptError(f"prompt {prompt.label}: {error}") from error


class _VeryOnes:
    """Values that are told apart by what they are, not by what is in them: to look into a taxonomy takes 1 ms."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.values.values())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _VeryOnes) and all(map(is_, self.values.values(), other.values.values()))


def filled(template: str, parameters: Mapping[str, object]) -> str:
    """The text of a template; one of values that cannot change is made once.

    Raises:
        jinja2.TemplateError: the template refuses.
    """
    used = {name: parameters[name] for name in variables_of(template) if name in parameters}
    if all(isinstance(value, str | tuple) for value in used.values()):
        return _made_once(template, _VeryOnes(used))
    return str(_compiled(template).render(used))


@lru_cache(maxsize=64)
def _made_once(template: str, given: _VeryOnes) -> str:
    return str(_compiled(template).render(given.values))


@lru_cache(maxsize=256)
def variables_of(template: str) -> tuple[str, ...]:
    """The names that a template uses, in order.

    Raises:
        jinja2.TemplateSyntaxError: it cannot be read.
    """
    from jinja2 import meta

    return tuple(sorted(meta.find_undeclared_variables(_jinja().parse(template))))


@lru_cache(maxsize=256)
def _compiled(template: str) -> Any:  # noqa: ANN401 - the class is imported lazily
    return _jinja().from_string(template)


@cache
def _jinja() -> Any:  # noqa: ANN401 - the class is imported lazily
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Prompts are plain text for a model, not markup for a browser: escaping would change what was said.
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
