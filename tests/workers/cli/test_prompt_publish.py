"""``convmine prompt promote``, ``rollback`` and ``split`` as a person types them, against a real Kafka."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from config_topics import config_topics
from desk_folder import desk_folder, greet
from mined_calls import TENANT
from mined_store import Convmine, Done

from pipeline.backtest.result import Backtest, FieldScore, VersionResult
from pipeline.scenarios.prompt import digest_of
from pipeline.settings import KafkaSettings, Settings
from pipeline.workbench.place_sqlite import SqliteWorkbench
from schemas.reference import PromptPublished
from workers.config_changes import exclusive
from workers.os_user import os_user

STEERING = "\x1b]0;owned\x07"
Run = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return desk_folder(tmp_path)


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> Settings:
    config_topics(kafka_settings)
    return Settings(tenant=TENANT, kafka=kafka_settings)


@pytest.fixture
def run(convmine: Convmine, settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``convmine prompt …`` about the scenario ``desk``."""
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", settings.kafka.topic_prefix)
    monkeypatch.setenv("CONVMINE_SCENARIOS_PATH", str(folder.parent))
    monkeypatch.setenv("CONVMINE_EXTRACT_SCENARIO", "desk")
    monkeypatch.setenv("CONVMINE_WORKBENCH_PATH", str(tmp_path / "workbench.sqlite"))
    return lambda *arguments: convmine("prompt", *arguments)


def said(done: Done) -> str:
    assert done.code == 0, done.stderr
    return done.stdout


def refused(done: Done) -> str:
    assert done.code == 1
    assert done.stdout == ""
    return done.stderr


def runs(settings: Settings) -> PromptPublished:
    with exclusive(settings) as change:
        return change.published.prompts["desk", "en", "greet"]


def back_tested(tmp_path: Path, folder: Path, a: int, b: int, f1: tuple[float, float]) -> None:
    """Keeps a back-test of two versions with the F1 of their intents."""

    def result(number: int, score: float) -> VersionResult:
        text = (folder / "en" / "prompts" / f"greet.v{number}.md").read_text(encoding="utf-8")
        field = FieldScore(field="intents", precision=score, recall=score, f1=score)
        return VersionResult(label=f"greet.v{number}", digest=digest_of(text), model="m", fields=(field,), calls=50)

    backtest = Backtest(
        backtest_id=f"{a}-{b}",
        scenario="desk",
        language="en",
        prompt="greet",
        on="stored",
        material="0" * 64,
        finished_at=datetime.now(UTC),
        a=result(a, f1[0]),
        b=result(b, f1[1]),
    )

    async def keep() -> None:
        workbench = SqliteWorkbench(tmp_path / "workbench.sqlite")
        await workbench.add_backtest(TENANT, backtest)
        await workbench.close()

    asyncio.run(keep())


def force(run: Run, version: str, *options: str) -> None:
    said(run("promote", version, "--force", "--reason", "to begin with", *options))


def test_a_version_without_a_back_test_is_refused_with_the_command_to_run(run: Run) -> None:
    error = refused(run("promote", "greet.v3", "--language", "en"))
    assert "greet.v3 has not been back-tested against greet.v2" in error
    assert "convmine prompt backtest greet.v2 greet.v3 --on stored --language en" in error
    assert error.count("\n") == 1


def test_a_version_that_was_promoted_elsewhere_is_shown_and_compared_with_what_is_published(
    run: Run, folder: Path, settings: Settings
) -> None:
    force(run, "greet.v2")
    (folder / "en" / "prompts" / "greet.v2.md").unlink()
    assert "no prompt 'greet.v2'" in refused(run("show", "greet.v2"))
    assert said(run("show", "greet.v2", "--published")) == runs(settings).body
    assert "--language en --published" in refused(run("promote", "greet.v3", "--language", "en"))


def test_force_with_a_reason_passes_over_it_and_the_reason_is_kept(run: Run, settings: Settings) -> None:
    assert run("promote", "greet.v2", "--force").code == 2
    assert run("promote", "greet.v2", "--force", "--reason", " ").code == 2
    told = said(run("promote", "greet.v2", "--force", "--reason", "an emergency", "--by", "ann"))
    assert told.splitlines() == [
        "greet.v2 runs in desk (en) now instead of greet.v3",
        "passed over: greet.v2 has not been back-tested against greet.v3",
        "workers take it up without a restart; to see it: convmine prompt list --running",
    ]
    record = runs(settings)
    assert (record.prompt_version, record.reason, record.published_by) == (2, "forced: an emergency", "ann")


def test_what_back_tested_well_is_promoted_and_signed(
    run: Run, settings: Settings, tmp_path: Path, folder: Path
) -> None:
    force(run, "greet.v1")
    back_tested(tmp_path, folder, 1, 2, (0.80, 0.79))
    document: dict[str, Any] = json.loads(said(run("promote", "greet.v2", "--json")))
    assert (document["changed"], document["version"], document["before"], document["passed_over"]) == (True, 2, 1, None)
    record = runs(settings)
    assert (record.prompt_version, record.published_by, record.reason) == (2, os_user(), None)
    assert "Be brief 2." in record.body
    assert record.earlier[0].prompt_version == 1


def test_what_back_tested_worse_is_refused_with_field_and_figures(
    run: Run, settings: Settings, tmp_path: Path, folder: Path
) -> None:
    force(run, "greet.v1")
    back_tested(tmp_path, folder, 2, 1, (0.70, 0.80))
    error = refused(run("promote", "greet.v2"))
    assert "F1 of intents 0.700 instead of 0.800 (0.100 less); 0.02 is allowed" in error
    assert "--force --reason" in error
    assert runs(settings).prompt_version == 1
    assert "greet.v2 runs" in said(run("promote", "greet.v2", "--margin", "0.1"))


def test_promoting_what_runs_changes_nothing_and_says_so(run: Run, settings: Settings) -> None:
    force(run, "greet.v2")
    before = runs(settings)
    assert "greet.v2 runs in desk (en) already: nothing was published" in said(run("promote", "greet.v2"))
    assert json.loads(said(run("promote", "greet.v2", "--json")))["changed"] is False
    assert runs(settings) == before


def test_a_version_with_other_content_than_was_published_is_refused(run: Run, folder: Path) -> None:
    force(run, "greet.v2")
    force(run, "greet.v3")
    greet(folder, 2, say="Other words.")
    assert "greet.v2 was published before with other content" in refused(run("promote", "greet.v2"))
    assert "number of its own" in refused(run("split", "greet.v3", "greet.v2", "--share", "10%"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["greet.v9"], "there is no greet.v9 in desk (en); there are greet.v1, greet.v2, greet.v3"),
        (["other.v1"], "there is no prompt 'other' in desk (en)"),
        (["greet.v1", "--language", "de"], "scenario desk is not there in 'de'; there are en, zh"),
        (["greet.v1", "--scenario", "nothing"], "no scenario 'nothing'"),
        (["greet.v1", "--language", "zh"], "there is no prompt 'greet' in desk (zh)"),
    ],
)
def test_what_is_not_there_is_told_with_what_there_is(run: Run, arguments: list[str], why: str) -> None:
    assert why in refused(run("promote", *arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ["promote", "greet"],
        ["promote", "greet.v0"],
        ["promote", "greet.v1", "--by", "x" * 201],
        ["rollback", "greet", "--to", "other.v1"],
        ["split", "greet.v1", "greet.v2"],
        ["split", "greet.v1", "greet.v2", "--share", "0%"],
        ["split", "greet.v1", "greet.v2", "--share", "100%"],
        ["split", "greet.v1", "greet.v2", "--share", "0.1"],
        ["split", "greet.v1", "other.v2", "--share", "10%"],
        ["split", "greet.v1", "--share", "10%"],
        ["split", "--end", "--share", "10%"],
    ],
)
def test_wrong_use_is_told_before_kafka_is_asked(
    convmine: Convmine, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert convmine("prompt", *arguments).code == 2


def test_a_broker_that_is_away_is_said_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    error = json.loads(refused(run("rollback", "greet", "--json")))["error"]
    assert error["code"] == "retryable"


def test_each_roll_back_goes_one_version_further_and_says_where_it_went(run: Run, settings: Settings) -> None:
    for version in ("greet.v1", "greet.v2", "greet.v3"):
        force(run, version)
    assert said(run("rollback", "greet", "--reason", "it is worse", "--by", "ann")).splitlines() == [
        "greet.v2 runs in desk (en) now instead of greet.v3",
        "workers take it up without a restart; to see it: convmine prompt list --running",
    ]
    record = runs(settings)
    assert (record.prompt_version, record.reason, record.published_by) == (2, "it is worse", "ann")
    assert "greet.v1 runs" in said(run("rollback", "greet"))
    assert [one.prompt_version for one in runs(settings).earlier] == [2, 3]
    assert "there is nothing to go back to" in refused(run("rollback", "greet"))
    assert "greet.v3 runs" in said(run("rollback", "--to", "greet.v3"))


def test_without_history_a_roll_back_goes_to_the_older_file(run: Run) -> None:
    assert "greet.v2 runs in desk (en) now instead of greet.v3" in said(run("rollback", "greet"))


def test_a_roll_back_brings_back_what_ran_though_its_file_has_changed_or_gone(
    run: Run, settings: Settings, folder: Path
) -> None:
    force(run, "greet.v1")
    force(run, "greet.v2")
    (folder / "en" / "prompts" / "greet.v1.md").unlink()
    said(run("rollback", "greet"))
    assert "Be brief 1." in runs(settings).body


def test_a_split_begins_changes_and_ends(run: Run, settings: Settings) -> None:
    force(run, "greet.v2")
    told = said(run("split", "greet.v2", "greet.v3", "--share", "12.5%", "--by", "ann"))
    assert told.startswith("greet.v2 runs in desk (en) now, and greet.v3 for 12.5 % of the calls\n")
    record = runs(settings)
    assert record.challenger is not None
    assert (record.challenger.prompt_version, record.challenger.share, record.published_by) == (3, 0.125, "ann")
    assert "greet.v3 for 40 %" in said(run("split", "greet.v2", "greet.v3", "--share", "40%"))
    assert "already: nothing was published, and greet.v3 for 40 %" in said(run("promote", "greet.v2"))
    assert "the split with greet.v3 has ended" in said(run("split", "--end"))
    assert (runs(settings).prompt_version, runs(settings).challenger) == (2, None)
    assert runs(settings).reason == "forced: to begin with"
    assert "runs alone" in refused(run("split", "greet.v2", "--end"))


def test_promoting_the_challenger_ends_the_split(run: Run, settings: Settings, tmp_path: Path, folder: Path) -> None:
    force(run, "greet.v2")
    said(run("split", "greet.v2", "greet.v3", "--share", "10%"))
    assert "not been back-tested" in refused(run("promote", "greet.v3"))
    back_tested(tmp_path, folder, 2, 3, (0.5, 0.9))
    told = said(run("promote", "greet.v3"))
    assert "greet.v3 runs in desk (en) now instead of greet.v2; the split with greet.v3 has ended" in told
    assert (runs(settings).prompt_version, runs(settings).challenger) == (3, None)


def test_a_split_with_a_version_that_does_not_run_needs_its_back_test(run: Run, settings: Settings) -> None:
    force(run, "greet.v1")
    assert "not been back-tested" in refused(run("split", "greet.v2", "greet.v3", "--share", "10%"))
    said(run("split", "greet.v2", "greet.v3", "--share", "10%", "--force", "--reason", "trial"))
    assert runs(settings).prompt_version == 2


def test_of_several_splits_the_one_to_end_is_to_be_named(run: Run) -> None:
    said(run("split", "extract.v2", "extract.v1", "--share", "10%", "--force", "--reason", "trial"))
    said(run("split", "greet.v3", "greet.v1", "--share", "10%", "--force", "--reason", "trial"))
    assert "extract and greet are split" in refused(run("split", "--end"))
    assert "greet.v3 runs" in said(run("split", "greet.v3", "--end"))
    assert "extract.v2 runs" in said(run("split", "--end"))


def test_text_that_would_steer_a_terminal_does_not(run: Run, folder: Path) -> None:
    assert STEERING not in refused(run("promote", "greet.v1", "--scenario", STEERING))
