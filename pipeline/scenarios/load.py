"""Scenario folders read from disk or from the package; an error names the file and the field."""

from __future__ import annotations

import importlib.resources
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.scenarios.model import (
    Document,
    Edition,
    LanguageCode,
    Playbook,
    Scenario,
    Slug,
    Taxonomy,
    Text,
    WordLists,
)
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt

Model = TypeVar("Model", bound=BaseModel)


class ScenarioError(ValueError):
    """A scenario folder is not complete or not consistent; the message names the file and the field."""


class _Manifest(BaseModel):
    """``scenario.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: dict[LanguageCode, Text]
    languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1)]
    default_language: LanguageCode
    models: dict[Slug, Text] = {}


def shipped_names() -> tuple[str, ...]:
    """The scenarios that ship with convmine."""
    folder = importlib.resources.files("pipeline.scenarios")
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.joinpath("scenario.yaml").is_file()))


def shipped(name: str, tenant_id: str = "") -> Scenario:
    """A scenario that ships with convmine, the same one for every tenant.

    Raises:
        ScenarioError: there is none of this name.
    """
    del tenant_id
    return _shipped(name)


@cache
def _shipped(name: str) -> Scenario:
    if name not in shipped_names():
        raise ScenarioError(f"no scenario {name!r}; there are {', '.join(shipped_names())}")
    return _read(importlib.resources.files("pipeline.scenarios").joinpath(name))


def load_scenario(folder: Path) -> Scenario:
    """A scenario from a folder of one's own.

    Raises:
        ScenarioError: a file is missing, or what it holds is wrong.
    """
    return _read(folder)


def _read(folder: Traversable) -> Scenario:
    manifest = validated(_Manifest, _yaml(folder, "scenario.yaml"), "scenario.yaml")
    if manifest.default_language not in manifest.languages:
        raise ScenarioError(
            f"scenario.yaml: default_language: {manifest.default_language!r} is not one of the languages"
        )
    return Scenario(
        id=manifest.id,
        version=manifest.version,
        default_language=manifest.default_language,
        models=manifest.models,
        editions={language: _edition(folder, manifest, language) for language in manifest.languages},
    )


def _edition(folder: Traversable, manifest: _Manifest, language: str) -> Edition:
    if language not in manifest.title:
        raise ScenarioError(f"scenario.yaml: title: there is none in {language!r}")
    content = {
        "language": language,
        "title": manifest.title[language],
        "taxonomy": _part(folder, Taxonomy, f"{language}/taxonomy.yaml"),
        "playbook": _part(folder, Playbook, f"{language}/playbook.yaml"),
        "words": _part(folder, WordLists, f"{language}/words.yaml"),
        "knowledge": tuple(_document(file) for file in _markdown(folder, f"{language}/knowledge")),
        "prompts": tuple(_prompt(file, manifest.id, language) for file in _markdown(folder, f"{language}/prompts")),
    }
    return validated(Edition, content, language)


def _part(folder: Traversable, model: type[Model], name: str) -> Model:
    return validated(model, _yaml(folder, name), name)


def _markdown(folder: Traversable, name: str) -> list[Traversable]:
    found = folder.joinpath(name)
    if not found.is_dir():
        return []
    return sorted((file for file in found.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)


def _document(file: Traversable) -> Document:
    text = file.read_text(encoding="utf-8").strip()
    name = file.name.removesuffix(".md")
    heading = next((line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), name)
    return validated(Document, {"name": name, "title": heading, "text": text}, f"knowledge/{file.name}")


def _prompt(file: Traversable, scenario: str, language: str) -> Prompt:
    where = f"{language}/prompts/{file.name}"
    try:
        prompt = parse_prompt(file.read_text(encoding="utf-8"))
    except PromptError as error:
        raise ScenarioError(f"{where}: {error}") from error
    told = (prompt.scenario, prompt.language, f"{prompt.label}.md")
    if told != (scenario, language, file.name):
        raise ScenarioError(f"{where}: the front matter says {told[0]}, {told[1]}, {told[2]}")
    return prompt


def _yaml(folder: Traversable, name: str) -> Any:  # noqa: ANN401 - whatever YAML can hold
    try:
        return yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ScenarioError(f"{name}: the file is missing in {folder}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: is not UTF-8") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}: is no YAML: {' '.join(str(error).split())}") from error


def validated(model: type[Model], content: object, name: str) -> Model:
    """The content as this model.

    Raises:
        ScenarioError: it is not valid; the message has the name that is given, then the field.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(": ".join(part for part in (name, where, first["msg"]) if part)) from error
