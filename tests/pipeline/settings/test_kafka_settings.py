from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import Config
from pipeline.settings import PREFIX, Settings, load
from pipeline.settings.secret_files import secret_variables

KAFKA = f"{PREFIX}KAFKA_"
SCRAM = {
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "SCRAM-SHA-512",
    "USERNAME": "me",
    "PASSWORD": "mine",
}
OAUTH = {
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "OAUTHBEARER",
    "OAUTH_TOKEN_URL": "https://sso.example/token",
    "OAUTH_CLIENT_ID": "me",
    "OAUTH_CLIENT_SECRET": "mine",
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX) or name == "KAFKA_BOOTSTRAP_SERVERS":
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(KAFKA + name, value)


@pytest.mark.parametrize("values", [{}, SCRAM, OAUTH, {"SECURITY_PROTOCOL": "SSL", "CERT_FILE": "/c.pem"}])
def test_what_fits_together_is_taken(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    set_all(monkeypatch, values)
    assert load().kafka.security_protocol == values.get("SECURITY_PROTOCOL", "PLAINTEXT")


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "SASL_MECHANISM"),
        ({"SASL_MECHANISM": "PLAIN"}, "SECURITY_PROTOCOL"),
        ({name: SCRAM[name] for name in SCRAM if name != "USERNAME"}, "USERNAME"),
        ({name: SCRAM[name] for name in SCRAM if name != "PASSWORD"}, "PASSWORD"),
        ({"PASSWORD": "mine"}, "PASSWORD"),
        (SCRAM | {"OAUTH_CLIENT_ID": "me"}, "OAUTH_CLIENT_ID"),
        ({name: OAUTH[name] for name in OAUTH if name != "OAUTH_TOKEN_URL"}, "OAUTH_TOKEN_URL"),
        (OAUTH | {"OAUTH_TOKEN_URL": "http://sso.example/token"}, "OAUTH_TOKEN_URL"),
        (OAUTH | {"PASSWORD": "mine"}, "PASSWORD"),
        ({"CA_FILE": "/ca.pem"}, "CA_FILE"),
        (SCRAM | {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "CERT_FILE": "/c.pem"}, "CERT_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "KEY_FILE": "/k.pem"}, "CERT_FILE"),
    ],
)
def test_what_is_missing_or_has_no_use_is_named(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], setting: str
) -> None:
    set_all(monkeypatch, values)
    with pytest.raises(Config) as caught:
        load()
    assert caught.value.setting == KAFKA + setting
    assert "mine" not in caught.value.in_one_line


def test_every_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for name in secret_variables(Settings, PREFIX):
        file.write_text("a=b\n")
        if name.startswith(KAFKA):
            continue
        monkeypatch.setenv(f"{name}_FILE", str(file))
    settings = load()
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "a=b"
    assert settings.llm.header_values == {"a": "b"}
    assert [key.get_secret_value() for key in settings.privacy.storage_keys] == ["a=b"]


def test_no_setting_has_the_name_of_the_file_of_a_secret() -> None:
    every = {
        f"{PREFIX}{group}_{name}".upper()
        for group, field in Settings.model_fields.items()
        for name in getattr(type(field.default), "model_fields", {})
    }
    assert not every & {f"{name}_FILE" for name in secret_variables(Settings, PREFIX)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "cannot be read"), (b"", "is empty"), (b"\xff", "no text"), (b"x" * 70_000, "large")],
)
def test_a_file_that_holds_no_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("CONVMINE_LLM_API_KEY_FILE", str(file))
    with pytest.raises(Config, match=expected) as caught:
        load()
    assert caught.value.setting == "CONVMINE_LLM_API_KEY_FILE"


def test_a_secret_in_both_places_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONVMINE_LLM_API_KEY", "one")
    monkeypatch.setenv("CONVMINE_LLM_API_KEY_FILE", str(tmp_path / "other"))
    with pytest.raises(Config, match="set one of them"):
        load()


def test_only_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_KAFKA_USERNAME_FILE", "/nowhere")
    with pytest.raises(Config, match="is no setting"):
        load()
