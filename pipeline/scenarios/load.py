"""Scenarios read from a folder or from the package, each with the prompts that every scenario may use."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel

from pipeline.scenarios.files import ScenarioError, markdown_in, read_document, read_part, read_prompt, validated
from pipeline.scenarios.model import (
    Edition,
    EntityDefinition,
    Example,
    LanguageCode,
    Name,
    Playbook,
    Scenario,
    Slug,
    Taxonomy,
    Text,
    WordLists,
)
from pipeline.scenarios.prompt import ANY_SCENARIO, Prompt

__all__ = [
    "ScenarioError",
    "load_scenario",
    "shipped",
    "shipped_folder",
    "shipped_names",
    "validated",
    "with_shared_prompts",
]

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Manifest(BaseModel):
    """``scenario.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: dict[LanguageCode, Text]
    languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1)]
    default_language: LanguageCode
    models: dict[Slug, Text] = {}


class _TaxonomyFile(Taxonomy):
    """``taxonomy.yaml``; the shared entities are those that every scenario may use, after its own."""

    shared_entities: tuple[Name, ...] = ()


class _Entities(RootModel[tuple[EntityDefinition, ...]]):
    """The entities that every scenario of a language may use."""


class _Examples(RootModel[tuple[Example, ...]]):
    """``examples.yaml``."""


def shipped_names() -> tuple[str, ...]:
    """The scenarios that ship with convmine."""
    return tuple(sorted(entry.name for entry in _package().iterdir() if entry.joinpath("scenario.yaml").is_file()))


def shipped(name: str, tenant_id: str = "") -> Scenario:
    """A scenario that ships with convmine, the same one for every tenant.

    Raises:
        ScenarioError: there is none of this name.
    """
    del tenant_id
    return _shipped(name)


def shipped_folder(name: str) -> Traversable:
    """Where a scenario lies that ships with convmine.

    Raises:
        ScenarioError: there is none of this name.
    """
    if name not in shipped_names():
        raise ScenarioError(f"no scenario {name!r}; there are {', '.join(shipped_names())}")
    return _package().joinpath(name)


@cache
def _shipped(name: str) -> Scenario:
    return _read(shipped_folder(name))


def load_scenario(folder: Path) -> Scenario:
    """A scenario from a folder of one's own.

    Raises:
        ScenarioError: files are missing, or what they hold is wrong; it has all complaints.
    """
    return _read(folder)


def with_shared_prompts(scenario: Scenario) -> Scenario:
    """The scenario with the prompts that every scenario may use, for those ids of which it has none of its own."""
    editions = {
        language: edition.model_copy(update={"prompts": _and_shared(edition.prompts, language)})
        for language, edition in scenario.editions.items()
    }
    return scenario.model_copy(update={"editions": editions})


def _and_shared(own: tuple[Prompt, ...], language: str) -> tuple[Prompt, ...]:
    ids = {prompt.id for prompt in own}
    return (*own, *(prompt for prompt in _shared_prompts(language) if prompt.id not in ids))


@cache
def _shared_prompts(language: str) -> tuple[Prompt, ...]:
    """Those of this language: ``zh-CN`` has those of ``zh`` where it has none itself."""
    files = markdown_in(_package(), f"prompts/{language}")
    if not files and "-" in language:
        return _shared_prompts(language.partition("-")[0])
    return tuple(read_prompt(file, ANY_SCENARIO, language) for file in files)


def _package() -> Traversable:
    return importlib.resources.files("pipeline.scenarios")


def _read(folder: Traversable) -> Scenario:
    manifest = read_part(folder, _Manifest, "scenario.yaml")
    _check_languages(manifest)
    editions = _all({language: partial(_edition, folder, manifest, language) for language in manifest.languages})
    content = {
        "id": manifest.id,
        "version": manifest.version,
        "default_language": manifest.default_language,
        "models": manifest.models,
        "editions": editions,
    }
    return validated(Scenario, content, "scenario.yaml")


def _check_languages(manifest: _Manifest) -> None:
    untitled = [language for language in manifest.languages if language not in manifest.title]
    complaints = [f"scenario.yaml: title: there is none in {language!r}" for language in untitled]
    if manifest.default_language not in manifest.languages:
        wrong = f"{manifest.default_language!r} is not one of the languages"
        complaints.append(f"scenario.yaml: default_language: {wrong}")
    if complaints:
        raise ScenarioError(*complaints)


def _edition(folder: Traversable, manifest: _Manifest, language: str) -> Edition:
    reads: Mapping[str, Callable[[], object]] = {
        "taxonomy": partial(_taxonomy, folder, language),
        "playbook": partial(read_part, folder, Playbook, f"{language}/playbook.yaml"),
        "words": partial(read_part, folder, WordLists, f"{language}/words.yaml"),
        "examples": partial(_examples, folder, f"{language}/examples.yaml"),
        "knowledge": lambda: _each(
            partial(read_document, file, f"{language}/knowledge/{file.name}")
            for file in markdown_in(folder, f"{language}/knowledge")
        ),
        "prompts": lambda: _prompts(folder, manifest.id, language),
    }
    content = {"language": language, "title": manifest.title[language], **_all(reads)}
    try:
        return validated(Edition, content, "")
    except ScenarioError as error:
        raise ScenarioError(*(f"{language}/{complaint}" for complaint in error.complaints)) from error


def _taxonomy(folder: Traversable, language: str) -> Taxonomy:
    name = f"{language}/taxonomy.yaml"
    file = read_part(folder, _TaxonomyFile, name)
    known = {entity.name: entity for entity in _shared_entities(language)}
    if unknown := [entity for entity in file.shared_entities if entity not in known]:
        there = ", ".join(known) or "none"
        raise ScenarioError(f"{name}: shared_entities: {unknown[0]!r} is not there in {language!r}; there are {there}")
    content = {field: getattr(file, field) for field in Taxonomy.model_fields}
    content["entities"] = (*file.entities, *(known[entity] for entity in file.shared_entities))
    return validated(Taxonomy, content, name)


@cache
def _shared_entities(language: str) -> tuple[EntityDefinition, ...]:
    """Those of this language, else of the wider one."""
    for code in (language, language.partition("-")[0]):
        if _package().joinpath(f"entities/{code}.yaml").is_file():
            return read_part(_package(), _Entities, f"entities/{code}.yaml").root
    return ()


def _prompts(folder: Traversable, scenario: str, language: str) -> tuple[Prompt, ...]:
    files = markdown_in(folder, f"{language}/prompts")
    return _and_shared(_each(partial(read_prompt, file, scenario, language) for file in files), language)


def _examples(folder: Traversable, name: str) -> tuple[Example, ...]:
    return read_part(folder, _Examples, name).root if folder.joinpath(name).is_file() else ()


def _each(reads: Iterable[Callable[[], Value]]) -> tuple[Value, ...]:
    return tuple(_all(dict(enumerate(reads))).values())


def _all(reads: Mapping[Key, Callable[[], Value]]) -> dict[Key, Value]:
    """What all of these read; what is wrong in any of them is told together."""
    values: dict[Key, Value] = {}
    complaints: list[str] = []
    for key, read in reads.items():
        try:
            values[key] = read()
        except ScenarioError as error:
            complaints += error.complaints
    if complaints:
        raise ScenarioError(*complaints)
    return values
