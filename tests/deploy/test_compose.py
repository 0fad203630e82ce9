"""deploy/compose.yaml, judged by Compose's own loader and by what a container may do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from composed import DOCKERFILE, FILE, ROOT, VOLUME, loaded, ours, services

from pipeline.settings import PREFIX, Group, Settings
from pipeline.stages import STAGES

SECRET = re.compile(r"PASSWORD|SECRET|API_KEY|TOKEN$|_KEY$|STORAGE_KEYS|ACCESS_KEY|CREDENTIAL")
JOBS = {"topics", "store", "keys"}
COMMANDS = {"samples", "cli"}


def names(settings: dict[str, Any]) -> set[str]:
    """Variables of ours among these."""
    return {name for name in settings if name.startswith(PREFIX)}


def known() -> set[str]:
    return {
        PREFIX + "_".join(part for part in (group, name) if part).upper()
        for group, one in Settings.model_fields.items()
        for name in (type(one.default).model_fields if isinstance(one.default, Group) else [""])
    }


@pytest.mark.parametrize("profiles", [(), ("llm",), ("asr",), ("llm", "asr"), ("*",)])
def test_compose_takes_it_with_and_without_profiles(profiles: tuple[str, ...]) -> None:
    found = set(services(*profiles))
    assert {"kafka", "qdrant", "gateway", "dashboard", "prometheus", "grafana"} <= found
    assert ("llm" in found, "asr" in found) == tuple(one in profiles or "*" in profiles for one in ("llm", "asr"))
    assert found >= COMMANDS if "*" in profiles else not COMMANDS & found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  qdrant: {}\n", "", "undefined volume qdrant"),
        ("condition: service_healthy", "condition: service_well", "condition value must be one of"),
        ("    command: [gateway]", "    comand: [gateway]", "comand"),
        ("networks: [inside, outside]", "networks: [inside, outsid]", "outsid"),
    ],
)
def test_what_compose_would_refuse_is_refused_here(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = FILE.read_text()
    assert old in text
    changed = tmp_path / "compose.yaml"
    changed.write_text(
        text.replace(old, new).replace("compose/defaults.env", str(ROOT / "deploy/compose/defaults.env"))
    )
    done = loaded(str(changed))
    assert done.returncode == 1
    assert said in done.stderr


def test_every_stage_and_lane_has_a_service() -> None:
    workers = {name: one["command"] for name, one in ours().items() if one["command"][0] == "worker"}
    assert workers == {
        f"{stage.name}-{stage.lane}": ["worker", stage.name, "--lane", str(stage.lane)] for stage in STAGES
    }


def test_recognition_runs_in_an_image_that_has_engines_and_pages_in_one_that_has_theirs() -> None:
    images = {name: one["image"].split(":")[0] for name, one in ours().items()}
    assert {name for name, image in images.items() if image == "convmine-asr-cpu"} == {"asr-batch", "asr-live"}
    assert {name for name, image in images.items() if image == "convmine-gateway"} == {"gateway", "dashboard"}


@pytest.mark.parametrize("name", sorted(services("*")))
def test_a_container_may_do_nothing_that_it_need_not(name: str) -> None:
    one = services("*")[name]
    assert one["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "pid", "ipc", "devices", "network_mode"} & set(one)
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory", "pids"} <= set(one["deploy"]["resources"]["limits"])
    assert not any("docker.sock" in str(volume) for volume in one.get("volumes", []))
    assert all(port["host_ip"] == "127.0.0.1" for port in one.get("ports", []))
    assert re.search(r":v?\d+\.\d+", one["image"]), "an image without a version"
    # These write into their images: Kafka its configuration, Speaches what it is made of. The file says so.
    assert one.get("read_only", False) == (name not in {"kafka", "asr"})


@pytest.mark.parametrize("name", sorted(ours("*")))
def test_a_process_of_ours_runs_as_nobody_and_writes_to_its_volume_and_tmp_alone(name: str) -> None:
    one = ours("*")[name]
    assert one["user"] == "10001:10001"
    assert [mount.split(":")[0] for mount in one["tmpfs"]] == ["/tmp"]
    assert [(mount["source"], mount["target"]) for mount in one["volumes"]] == [("data", VOLUME)]
    assert one["init"] is True
    stages = DOCKERFILE.read_text()
    assert f" AS {one['build']['target']}\n" in stages
    assert one["image"].split(":")[0] == f"convmine-{one['build']['target']}"
    assert (Path(one["build"]["context"]) / one["build"]["dockerfile"]) == DOCKERFILE


@pytest.mark.parametrize("name", sorted(services("*")))
def test_what_goes_on_is_asked_whether_it_is_well_and_started_again(name: str) -> None:
    one = services("*")[name]
    if name in JOBS | COMMANDS:
        assert (one["restart"], one["healthcheck"]["disable"]) == ("no", True)
    else:
        assert one["restart"] == "unless-stopped"
        assert one["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_workers_start_when_topics_and_collections_are_there() -> None:
    waits = {name: one["depends_on"] for name, one in ours().items() if name not in JOBS}
    for name, wait in waits.items():
        assert {other: how["condition"] for other, how in wait.items()} == dict.fromkeys(
            JOBS if name in {"gateway", "dashboard"} else JOBS - {"keys"}, "service_completed_successfully"
        ), name
    assert services()["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services()["store"]["depends_on"]["qdrant"]["condition"] == "service_healthy"


def test_workers_get_the_time_that_they_take_to_end() -> None:
    grace = {one["stop_grace_period"] for one in ours().values()}
    assert grace == {"45s"}
    assert Settings().runtime.drain_s < 45


def test_no_secret_stands_in_what_is_in_the_repository() -> None:
    for name, one in services("*").items():
        given = {key for key, value in (one.get("environment") or {}).items() if SECRET.search(key) and value}
        assert given <= {"GF_AUTH_DISABLE_LOGIN_FORM"}, name
        assert not any(SECRET.search(word.upper()) for word in one.get("command") or [])
    example = (FILE.parent / "compose" / "convmine.env.example").read_text()
    assert not re.findall(r"^[^#\n]", example, re.MULTILINE)
    assert not re.findall(r"(?:PASSWORD|SECRET|KEYS?)=(?!\s*(?:#|$))", example, re.MULTILINE)
    assert "*.env\n" in (FILE.parent / "compose" / ".gitignore").read_text()


def test_every_setting_is_one_and_the_examples_too() -> None:
    for name, one in ours("*").items():
        assert names(one["environment"]) <= known(), name
    example = (FILE.parent / "compose" / "convmine.env.example").read_text()
    assert set(re.findall(r"^#(CONVMINE_\w+)=", example, re.MULTILINE)) <= known()


def test_what_is_mounted_from_here_is_here() -> None:
    for name, one in services("*").items():
        for mount in one.get("volumes", []):
            assert mount["type"] == "volume" or Path(mount["source"]).is_dir(), name


def test_prometheus_asks_every_process_of_ours() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    asked = {
        (name, found["port"])
        for job in config["scrape_configs"]
        for found in job.get("dns_sd_configs", [])
        for name in found["names"]
    }
    assert asked == {(name, 9464) for name in ours() if name not in JOBS}
    shared = set(services()["prometheus"]["networks"])
    assert all(shared & set(one["networks"]) for one in ours().values())


def test_kafka_and_qdrant_are_reached_from_inside_alone() -> None:
    assert all(set(services()[name]["networks"]) == {"inside"} for name in ("kafka", "qdrant"))
    assert not any(services()[name].get("ports") for name in ("kafka", "qdrant"))
