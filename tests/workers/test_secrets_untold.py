from __future__ import annotations

from pathlib import Path

import pytest
from kafka_node import free_port
from marked_secrets import marked_secrets, markers_in
from processes import convmine, environment

from pipeline.settings import load


@pytest.fixture
def marked(tmp_path: Path) -> dict[str, str]:
    """Every secret that needs no broker, and a Kafka and a Qdrant that are away."""
    away = f"127.0.0.1:{free_port()}"
    kafka = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "PLAIN", "USERNAME": "me"}
    return (
        marked_secrets(tmp_path)
        | {f"CONVMINE_KAFKA_{name}": value for name, value in kafka.items()}
        | {"KAFKA_BOOTSTRAP_SERVERS": away, "QDRANT_URL": f"http://{away}", "CONVMINE_LOG_LEVEL": "debug"}
    )


def test_the_settings_show_no_secret(marked: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in marked.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert not markers_in(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}")


@pytest.mark.parametrize("command", ["--help", "doctor", "worker extract", "topics list", "gateway --help"])
def test_a_command_that_fails_tells_no_secret(marked: dict[str, str], command: str) -> None:
    done = convmine(*command.split(), env=environment(marked), check=False)
    assert done.stdout + done.stderr
    assert not markers_in(done.stdout + done.stderr)


@pytest.mark.parametrize("wrong", ["CONVMINE_ASR_ENGINE", "CONVMINE_LLM_HEADERS", "CONVMINE_KAFKA_USERNAME"])
def test_a_wrong_setting_is_told_without_the_secrets_beside_it(marked: dict[str, str], wrong: str) -> None:
    env = environment(marked | {wrong: "mArKeRoFaSeCrEt" if "HEADERS" in wrong else "parrot"})
    if wrong.endswith("USERNAME"):
        del env[wrong]
    done = convmine("topics", "list", env=env, check=False)
    assert wrong in done.stderr
    assert not markers_in(done.stdout + done.stderr)


def test_a_marker_would_be_found() -> None:
    (value, *_) = marked_secrets(Path("/tmp")).values()
    assert markers_in(f"Authorization: Bearer {value}")
