from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.errors import Config
from pipeline.scenarios import load
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError, shipped, shipped_names
from pipeline.scenarios.opened import load_library
from pipeline.settings import ScenariosSettings, Settings

SHIPPED = Path(load.__file__).parent


def with_folder(path: Path | None) -> Library:
    return load_library(Settings(scenarios=ScenariosSettings(path=path)))


def own(folder: Path, name: str, version: int = 7) -> Path:
    """A scenario of one's own in this folder."""
    made = folder / name
    shutil.copytree(SHIPPED / "telecom", made)
    for file in made.rglob("*.md"):
        file.write_text(file.read_text().replace("scenario: telecom", f"scenario: {name}"))
    manifest = made / "scenario.yaml"
    kept = [line for line in manifest.read_text().splitlines() if not line.startswith(("id:", "version:"))]
    manifest.write_text("\n".join([f"id: {name}", f"version: {version}", *kept]))
    return made


def test_without_a_folder_there_is_what_ships() -> None:
    library = with_folder(None)
    assert library.names("acme") == shipped_names()
    assert library("telecom", "acme") is shipped("telecom")


def test_each_folder_with_a_scenario_is_one_and_goes_before_the_shipped_one_of_its_id(tmp_path: Path) -> None:
    for name in ("telecom", "retail"):
        own(tmp_path, name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").write_text("about these")
    library = with_folder(tmp_path)
    assert library.names("acme") == tuple(sorted({*shipped_names(), "retail"}))
    assert (library("telecom", "acme").version, library("retail", "acme").version) == (7, 7)
    with pytest.raises(ScenarioError, match=r"no scenario 'travel'; there are .*retail.*telecom"):
        library("travel", "acme")


def test_a_folder_without_scenarios_adds_none(tmp_path: Path) -> None:
    assert with_folder(tmp_path).names("acme") == shipped_names()


def test_a_folder_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Config, match=r"CONVMINE_SCENARIOS_PATH: .*nowhere cannot be read"):
        with_folder(tmp_path / "nowhere")


def test_a_scenario_instead_of_the_folder_that_holds_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(Config, match="is a scenario itself"):
        with_folder(own(tmp_path, "retail"))


def test_what_is_wrong_in_a_scenario_is_told_with_the_folder_and_the_file(tmp_path: Path) -> None:
    (own(tmp_path, "retail") / "en" / "taxonomy.yaml").write_text("topics: []")
    with pytest.raises(Config, match=r"CONVMINE_SCENARIOS_PATH: .*retail: en/taxonomy\.yaml: topics"):
        with_folder(tmp_path)


def test_a_scenario_is_named_as_its_folder(tmp_path: Path) -> None:
    own(tmp_path, "retail").rename(tmp_path / "shop")
    with pytest.raises(Config, match="id: is 'retail', the folder is not"):
        with_folder(tmp_path)
