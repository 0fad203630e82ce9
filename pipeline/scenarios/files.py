"""One file of a scenario: YAML, Markdown or a prompt; what is wrong in it is told with its name and the field."""

from __future__ import annotations

from collections.abc import Hashable
from importlib.resources.abc import Traversable
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.scenarios.model import Document
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt

try:  # in C it takes a tenth of the time, but not every PyYAML has it
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # one has the other's methods

Model = TypeVar("Model", bound=BaseModel)

_SAID_SHORTER: Final = {"missing": "is missing", "extra_forbidden": "there is no such field"}


class ScenarioError(ValueError):
    """A scenario is not complete or not consistent.

    Args:
        complaints: one line each, with the file and the field; the first is the error's message.
    """

    def __init__(self, *complaints: str) -> None:
        super().__init__(complaints[0])
        self.complaints = complaints


def read_part(folder: Traversable, model: type[Model], name: str) -> Model:
    """A YAML file as this model.

    Raises:
        ScenarioError: the file is missing, or what it holds is wrong.
    """
    return validated(model, _yaml(_text(folder.joinpath(name), name), name), name)


def markdown_in(folder: Traversable, name: str) -> list[Traversable]:
    """The Markdown files of a folder in order of name; none where there is no such folder."""
    found = folder.joinpath(name)
    if not found.is_dir():
        return []
    return sorted((file for file in found.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)


def read_document(file: Traversable, where: str) -> Document:
    """A page of the knowledge base, named as its file and titled as its heading.

    Raises:
        ScenarioError: it cannot be read, or there is nothing in it.
    """
    text = _text(file, where).strip()
    name = file.name.removesuffix(".md")
    heading = next((line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), name)
    return validated(Document, {"name": name, "title": heading, "text": text}, where)


def read_prompt(file: Traversable, scenario: str, language: str) -> Prompt:
    """A prompt of this scenario and language.

    Raises:
        ScenarioError: it cannot be read, or says that it is of another scenario, language, id or version.
    """
    where = f"{language}/prompts/{file.name}"
    try:
        prompt = parse_prompt(_text(file, where))
    except PromptError as error:
        raise ScenarioError(f"{where}: {error}") from error
    if not prompt.is_of(scenario, language) or f"{prompt.label}.md" != file.name:
        told = f"{prompt.scenario}, {prompt.language}, {prompt.label}.md"
        raise ScenarioError(f"{where}: the front matter says {told}")
    return prompt


def validated(model: type[Model], content: object, name: str) -> Model:
    """The content as this model.

    Raises:
        ScenarioError: it is not valid; each complaint has the name that is given, then the field.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ScenarioError(*(_complaint(name, one) for one in found)) from error


def _complaint(name: str, error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"])
    what = _SAID_SHORTER.get(error["type"], error["msg"].removeprefix("Value error, "))
    return ": ".join(part for part in (name, where, what) if part)


class _EachKeyOnce(_SafeLoader):
    """YAML in which a field that is given twice is an error: by YAML's own rule the first would be lost unnoticed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the signature is PyYAML's
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _yaml(text: str, name: str) -> Any:  # noqa: ANN401 - whatever YAML can hold
    try:
        return yaml.load(text, Loader=_EachKeyOnce)  # nosec B506  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        at = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise ScenarioError(f"{name}: is no YAML{at}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}: is no YAML: {' '.join(str(error).split())}") from error


def _text(file: Traversable, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ScenarioError(f"{name}: the file is missing") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: is not UTF-8") from error
    except OSError as error:
        raise ScenarioError(f"{name}: cannot be read: {error.strerror}") from error
