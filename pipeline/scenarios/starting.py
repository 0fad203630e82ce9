"""The files of a new scenario: of few, general intents with comments that say what to change, or as another one's."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any, Final

from pipeline.scenarios.model import Scenario

_TEMPLATE: Final = ".j2"
_MANIFEST: Final = "scenario.yaml"
_OF_A_SCENARIO: Final = (".yaml", ".md")
_FRONT: Final = re.compile(r"\A---\r?\n.*?^---$", re.DOTALL | re.MULTILINE)


def starting_languages() -> tuple[str, ...]:
    """The languages that a new scenario can begin in."""
    return tuple(sorted(entry.name for entry in _starter().iterdir() if entry.is_dir()))


def starting_files(name: str, titles: Mapping[str, str]) -> dict[str, str]:
    """The texts of a complete scenario by their paths in its folder; it loads without a complaint.

    Args:
        name: the scenario's id.
        titles: one line each, by the languages that there are to be; the first is the default.
    """
    files = {_MANIFEST: _manifest(name, titles, {})}
    for language, title in titles.items():
        for path, template in _texts(_starter().joinpath(language), f"{language}/", (_TEMPLATE,)):
            files[path.removesuffix(_TEMPLATE)] = _filled(template, name=name, title=title)
    return files


def copied_files(name: str, source: Traversable, scenario: Scenario, titles: Mapping[str, str]) -> dict[str, str]:
    """The texts of the same scenario under another name, as its first version, in these of its languages.

    Args:
        name: the new id.
        source: the folder that the scenario was read from.
        scenario: what was read from it.
        titles: as for ``starting_files``.
    """
    files = {_MANIFEST: _manifest(name, titles, scenario.models)}
    for language in titles:
        for path, text in _texts(source.joinpath(language), f"{language}/", _OF_A_SCENARIO):
            own_prompt = path.startswith(f"{language}/prompts/")
            files[path] = _renamed(text, scenario.id, name) if own_prompt else text
    return files


def _manifest(name: str, titles: Mapping[str, str], models: Mapping[str, str]) -> str:
    template = _starter().joinpath(_MANIFEST + _TEMPLATE).read_text(encoding="utf-8")
    return _filled(template, name=name, titles=_quoted(titles), models=_quoted(models))


def _quoted(texts: Mapping[str, str]) -> dict[str, str]:
    """As YAML, of which JSON is a part."""
    return {key: json.dumps(text, ensure_ascii=False) for key, text in texts.items()}


def _renamed(prompt: str, old: str, new: str) -> str:
    def in_front(front: re.Match[str]) -> str:
        return re.sub(rf"^scenario:\s*{re.escape(old)}\s*$", f"scenario: {new}", front[0], flags=re.MULTILINE)

    return _FRONT.sub(in_front, prompt)


def _texts(folder: Traversable, path: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    entries: Sequence[Traversable] = sorted(folder.iterdir(), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            yield from _texts(entry, f"{path}{entry.name}/", endings)
        elif entry.name.endswith(endings) and not entry.name.startswith("."):
            yield f"{path}{entry.name}", entry.read_text(encoding="utf-8")


def _filled(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
    from jinja2 import Environment, StrictUndefined

    # YAML, JSON and Markdown: escaping for a browser would change the text.
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)  # nosec B701  # noqa: S701 - as said
    return environment.from_string(template).render(values)


def _starter() -> Traversable:
    return importlib.resources.files("pipeline.scenarios").joinpath("starter")
