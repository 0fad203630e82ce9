"""``convmine scenario push`` as a person types it, against a real Kafka."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from config_topics import config_topics
from desk_folder import change, desk_folder, greet
from mined_calls import TENANT
from mined_store import Convmine, Done

from pipeline.scenarios.library import read_scenario
from pipeline.scenarios.load import load_scenario
from pipeline.settings import KafkaSettings, Settings
from workers.config_changes import exclusive
from workers.published import Published

Push = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return desk_folder(tmp_path)


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> Settings:
    config_topics(kafka_settings)
    return Settings(tenant=TENANT, kafka=kafka_settings)


@pytest.fixture
def push(convmine: Convmine, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", settings.kafka.topic_prefix)
    return lambda *arguments: convmine("scenario", "push", *arguments)


def published(settings: Settings) -> Published:
    with exclusive(settings) as change:
        return change.published


def raised(folder: Path, version: int) -> Path:
    """The folder with another version."""
    lines = (folder / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    text = [f"version: {version}" if line.startswith("version:") else line for line in lines]
    (folder / "scenario.yaml").write_text("\n".join(text), encoding="utf-8")
    return folder


def said(done: Done) -> str:
    assert done.code == 0, done.stderr
    return done.stdout


def refused(done: Done) -> str:
    assert (done.code, done.stdout) == (1, "")
    return done.stderr


def test_a_folder_is_published_as_it_is_with_who_did_it(push: Push, settings: Settings, folder: Path) -> None:
    assert said(push(str(folder), "--by", "ann")).splitlines() == [
        "desk v1 is published",
        "workers take it up without a restart, for the next call; to see it: convmine prompt list --running",
    ]
    record = published(settings).scenarios["desk"]
    assert (read_scenario(record), record.published_by) == (load_scenario(folder), "ann")
    assert "desk v1 is published already: nothing to do" in said(push(str(folder)))
    assert published(settings).scenarios["desk"] == record


def test_a_scenario_that_ships_is_published_by_its_name(push: Push, settings: Settings) -> None:
    document = json.loads(said(push("telecom", "--json")))
    assert (document["changed"], document["scenario"], document["before"]) == (True, "telecom", None)
    assert "telecom" in published(settings).scenarios


def test_other_content_under_the_same_number_is_refused(push: Push, folder: Path) -> None:
    said(push(str(folder)))
    greet(folder, 4)
    error = refused(push(str(folder)))
    assert "desk v1 is published with other content (raise version in scenario.yaml, to 2 or more)" in error
    assert said(push(str(raised(folder, 2)))).startswith("desk v2 is published, instead of v1\n")


def test_what_ships_is_not_published_changed_under_its_own_number(push: Push, tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    shutil.rmtree(tmp_path / "other" / "en" / "prompts")
    change(tmp_path / "other" / "scenario.yaml", "id: desk", "id: telecom")
    change(tmp_path / "other" / "scenario.yaml", "en: Selling", "en: Not selling")
    assert "telecom v1 is there with other content, as it ships" in refused(push(str(tmp_path / "other")))


def test_a_lower_version_needs_force(push: Push, settings: Settings, folder: Path) -> None:
    said(push(str(raised(folder, 3))))
    assert "desk v2 is lower than v3, which is published" in refused(push(str(raised(folder, 2))))
    assert "desk v2 is published, instead of v3" in said(push(str(folder), "--force"))
    assert published(settings).scenarios["desk"].scenario_version == 2


def test_promoted_prompts_go_on_and_those_that_do_not_fit_are_said_and_taken_back_by_force(
    push: Push, convmine: Convmine, settings: Settings, folder: Path
) -> None:
    said(push(str(folder)))
    greet(folder, 2, language="zh")
    said(push(str(raised(folder, 2))))
    for language in ("en", "zh"):
        options = ("--scenario", "desk", "--language", language, "--force", "--reason", "to begin with")
        said(convmine("prompt", "promote", "greet.v2", *options))
    assert "goes on as published: greet.v2 (en), greet.v2 (zh)" in said(push(str(raised(folder, 3))))
    change(folder / "scenario.yaml", "[en, zh]", "[en]")
    error = refused(push(str(raised(folder, 4))))
    assert "desk is not there in 'zh', of which a prompt is published" in error
    assert len(published(settings).prompts) == 2
    told = said(push(str(folder), "--force"))
    assert "goes on as published: greet.v2 (en)\ntaken back, so that the newest file runs: greet.v2 (zh)\n" in told
    assert list(published(settings).prompts) == [("desk", "en", "greet")]


def test_a_prompt_that_was_published_with_other_content_is_refused(
    push: Push, convmine: Convmine, folder: Path
) -> None:
    said(push(str(folder)))
    said(convmine("prompt", "promote", "greet.v2", "--scenario", "desk", "--force", "--reason", "to begin with"))
    greet(folder, 2, say="Other words.")
    assert "greet.v2 (en) was published before with other content" in refused(push(str(raised(folder, 2))))


def test_a_folder_that_is_not_valid_is_told_with_the_file(push: Push, folder: Path) -> None:
    change(folder / "scenario.yaml", "version: 1", "version: none")
    error = refused(push(str(folder)))
    assert "scenario.yaml: version" in error
    assert f"convmine scenario validate {folder}" in error
    assert "no scenario 'nothing'; there are" in refused(push("nothing"))


def test_what_would_fail_only_when_calls_are_mined_is_not_published(
    push: Push, settings: Settings, folder: Path
) -> None:
    change(folder / "en" / "playbook.yaml", "{date}", "{shoe_size}")
    assert "cards.follow-call-back.text: {shoe_size} is no entity" in refused(push(str(folder)))
    assert published(settings).scenarios == {}
