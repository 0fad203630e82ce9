"""The library of an installation: the scenarios that ship, and before them those of its own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.errors import Config
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError, load_scenario, shipped, shipped_names
from pipeline.scenarios.model import Scenario
from pipeline.settings import PREFIX, Settings

_SETTING: Final = f"{PREFIX}SCENARIOS_PATH"
_MANIFEST: Final = "scenario.yaml"


def load_library(settings: Settings) -> Library:
    """The scenarios that ship and those of the folder that is set; one there goes before a shipped one of its id.

    Raises:
        Config: the folder cannot be read, or a scenario in it is not valid.
    """
    path = settings.scenarios.path
    own = {} if path is None else _own(path)
    names = sorted({*shipped_names(), *own})

    def loaded(name: str) -> Scenario:
        if name not in names:
            raise ScenarioError(f"no scenario {name!r}; there are {', '.join(names)}")
        return own[name] if name in own else shipped(name)

    return Library(loaded, names)


def _own(path: Path) -> dict[str, Scenario]:
    """The scenarios of a folder by id: each of its folders with a ``scenario.yaml``."""
    try:
        if (path / _MANIFEST).is_file():
            raise Config(_SETTING, f"{path} is a scenario itself; set the folder that holds it")
        folders = sorted(folder for folder in path.iterdir() if (folder / _MANIFEST).is_file())
        return {folder.name: _of(folder) for folder in folders}
    except OSError as error:
        raise Config(_SETTING, f"{error.filename or path} cannot be read: {error.strerror}") from error


def _of(folder: Path) -> Scenario:
    try:
        scenario = load_scenario(folder)
    except ScenarioError as error:
        raise Config(_SETTING, f"{folder}: {error}", hint=f"convmine scenario validate {folder}") from error
    if scenario.id != folder.name:
        raise Config(_SETTING, f"{folder}: {_MANIFEST}: id: is {scenario.id!r}, the folder is not")
    return scenario
