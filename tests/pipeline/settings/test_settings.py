from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.errors import Config
from pipeline.settings import LlmSettings, load


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("CONVMINE_") or name in {"KAFKA_BOOTSTRAP_SERVERS", "QDRANT_URL"}:
            monkeypatch.delenv(name)


def test_a_variable_sets_the_setting_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_ASR_ENGINE", "openai")
    monkeypatch.setenv("CONVMINE_AUDIO_ALLOWED_ROOTS", "/a,/b")
    monkeypatch.setenv("CONVMINE_TENANT", "acme")
    settings = load()
    assert settings.asr.engine == "openai"
    assert settings.audio.allowed_roots == (Path("/a"), Path("/b"))
    assert settings.tenant == "acme"


def test_ours_beats_the_name_that_other_tools_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "theirs:9092")
    assert load().kafka.bootstrap_servers == "theirs:9092"
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", "ours:9092")
    assert load().kafka.bootstrap_servers == "ours:9092"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CONVMINE_ASR_ENGINE", "parrot", "'whisper'"),
        ("CONVMINE_KAFKA_PARTITIONS", "0", "greater than or equal to 1"),
        ("CONVMINE_TENANT", "a:b", "match pattern"),
        ("CONVMINE_BUDGET_PRICES", "gpt-4.1=2", "such as gpt-4.1-mini=0.4:1.6"),
        ("CONVMINE_BUDGET_PRICES", "gpt-4.1=2:8,gpt-4.1-mini", "'gpt-4.1-mini': expected a model and its prices"),
        ("CONVMINE_BUDGET_DAY_USD", "0", "greater than 0"),
        ("CONVMINE_ASR", "x", "is no setting"),
        ("CONVMINE_TENANT_NAME", "x", "is no setting"),
        ("CONVMINE_NOTHING", "x", "is no setting"),
        ("CONVMINE_CLAIMS_THRESHOLD_BYTES", "1000000", "is 1000000, may be at most 983616"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Config, match=expected) as caught:
        load()
    assert caught.value.setting == name


def test_smaller_messages_need_a_smaller_threshold_of_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_MAX_MESSAGE_BYTES", "200000")
    with pytest.raises(Config, match="at most 183616") as caught:
        load()
    assert caught.value.setting == "CONVMINE_CLAIMS_THRESHOLD_BYTES"
    assert "CONVMINE_KAFKA_MAX_MESSAGE_BYTES is 200000" in (caught.value.hint or "")
    monkeypatch.setenv("CONVMINE_CLAIMS_THRESHOLD_BYTES", "183616")
    assert load().claims.threshold_bytes == 183_616


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "very-secret" not in repr(load())


@pytest.mark.parametrize(
    ("settings", "is_set"),
    [
        (LlmSettings(), False),
        (LlmSettings(model="some-model"), False),
        (LlmSettings(base_url="http://127.0.0.1:9/v1"), True),
        (LlmSettings(api_key=SecretStr("sk-1")), True),
        (LlmSettings(headers=(SecretStr("api-key=1"),)), True),
    ],
)
def test_a_model_is_set_by_its_server_or_by_what_lets_us_in(settings: LlmSettings, *, is_set: bool) -> None:
    assert settings.is_set is is_set
