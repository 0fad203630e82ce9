from __future__ import annotations

import json
import shlex
from itertools import pairwise

import pytest
from click.testing import CliRunner

from pipeline.settings import KafkaSettings
from pipeline.stages import ERASURES, FAILED, STAGES, TOPICS, Stage
from workers.cli.topics_acls import acls_of_topics
from workers.kafka_acls import rights
from workers.trials.kafka import TRIED


def of(stage: Stage) -> set[tuple[str, str, str]]:
    wanted = f"User:{stage.name}-{stage.lane}"
    given = rights(KafkaSettings(), "User:")
    return {(one.resource, one.operation, one.name) for one in given if one.principal == wanted}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.group)
def test_a_stage_writes_its_own_topics_and_no_others(stage: Stage) -> None:
    written = {name for resource, operation, name in of(stage) if (resource, operation) == ("topic", "Write")}
    own = {*stage.writes, *map(stage.dead_letters, stage.reads), FAILED, "config.running"}
    assert written == own | ({stage.state_topic} if stage.remembers else set())


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.group)
def test_a_stage_reads_what_it_handles_the_configuration_and_erasures(stage: Stage) -> None:
    read = {name for resource, operation, name in of(stage) if (resource, operation) == ("topic", "Read")}
    assert {*stage.reads, "config.scenarios", "config.prompts", "config.cards", ERASURES} <= read
    assert {name for resource, _, name in of(stage) if resource == "group"} == {stage.group}
    assert not [right for right in of(stage) if right[0] == "transactional-id"]


def test_nobody_may_do_anything_to_the_cluster_and_only_one_creates_topics() -> None:
    tried = [one for one in rights(KafkaSettings(), "User:") if one.name == TRIED]  # by `doctor --deep`
    assert {(one.principal, one.prefixed) for one in tried} == {("User:cli", True)}
    given = [one for one in rights(KafkaSettings(), "User:") if one not in tried]
    assert {one.principal for one in given if one.operation == "Create"} == {"User:topics"}
    assert {one.resource for one in given} == {"topic", "group", "transactional-id"}
    assert {one.name for one in given if one.resource == "topic"} == {topic.name for topic in TOPICS}


def test_the_prefix_of_the_installation_stands_before_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", "blue.")
    done = CliRunner().invoke(acls_of_topics, ["--format", "json", "--principal-prefix", "User:CN=x-"])
    items = json.loads(done.stdout)["items"]
    assert all(one["name"].startswith("blue.") and one["principal"].startswith("User:CN=x-") for one in items)


def test_the_commands_say_the_same_as_the_document() -> None:
    done = CliRunner().invoke(acls_of_topics, [])
    told = set()
    for line in done.stdout.splitlines():
        words = shlex.split(line)
        pairs = list(pairwise(words[1:]))
        (principal,) = [value for name, value in pairs if name == "--allow-principal"]
        prefixed = ("--resource-pattern-type", "prefixed") in pairs
        for kind in ("topic", "group", "transactional-id"):
            for name in (value for option, value in pairs if option == f"--{kind}"):
                told |= {(principal, value, kind, name, prefixed) for option, value in pairs if option == "--operation"}
    given = rights(KafkaSettings(), "User:convmine-")
    assert told == {(one.principal, one.operation, one.resource, one.name, one.prefixed) for one in given}


def test_an_unknown_process_is_refused_with_those_that_there_are() -> None:
    done = CliRunner().invoke(acls_of_topics, ["--process", "nobody"])
    assert done.exit_code == 2
    assert "extract-live" in done.output
