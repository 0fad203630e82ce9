from __future__ import annotations

import asyncio
import re
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from certificates import certificate
from pydantic import SecretStr
from secure_kafka import token_server

from pipeline.errors import Config, Retryable
from pipeline.settings import KafkaSettings
from workers.kafka_asking import error_of
from workers.kafka_refusals import refusal_in
from workers.kafka_security import aiokafka_options, faust_credentials, kafka_python_options, ssl_context
from workers.kafka_tokens import Tokens

ROOT = Path(__file__).resolve().parents[2]


def scram(**changes: Any) -> KafkaSettings:
    usual = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "username": "me",
        "password": SecretStr("mine"),
    }
    return KafkaSettings(**usual | changes)


def test_plaintext_gives_clients_nothing_but_the_servers() -> None:
    settings = KafkaSettings(bootstrap_servers="a:1,b:2")
    assert aiokafka_options(settings) == {"bootstrap_servers": "a:1,b:2"}
    assert kafka_python_options(settings) == {"bootstrap_servers": ["a:1", "b:2"]}
    assert faust_credentials(settings) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_faust_is_told_what_the_other_clients_are_told(protocol: str, mechanism: str) -> None:
    from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

    settings = scram(security_protocol=protocol, sasl_mechanism=mechanism)
    faust, direct, python = (
        dict(credentials_to_aiokafka_auth(faust_credentials(settings))),
        aiokafka_options(settings),
        kafka_python_options(settings),
    )
    for options in (faust, direct, python):
        context = options.pop("ssl_context", None)
        assert isinstance(context, ssl.SSLContext) == (protocol == "SASL_SSL")
        options.pop("bootstrap_servers", None)
    assert faust == direct == python
    assert direct["sasl_plain_password"] == "mine"


def test_the_brokers_name_and_certificate_are_always_checked() -> None:
    context = ssl_context(scram())
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ("no ca", "CA_FILE"),
        ("ca is text", "CA_FILE"),
        ("no cert", "CERT_FILE"),
        ("no key", "KEY_FILE"),
        ("other key", "KEY_FILE"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, wrong: str, setting: str) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        certificate(folder, "localhost")
    text = tmp_path / "text"
    text.write_text("hello")
    files = {
        "no ca": {"ca_file": tmp_path / "none"},
        "ca is text": {"ca_file": text},
        "no cert": {"cert_file": tmp_path / "none"},
        "no key": {"cert_file": mine / "certificate.pem", "key_file": tmp_path / "none"},
        "other key": {"cert_file": mine / "certificate.pem", "key_file": other / "key.pem"},
    }[wrong]
    with pytest.raises(Config) as caught:
        ssl_context(KafkaSettings(security_protocol="SSL", **files))
    assert caught.value.setting == f"CONVMINE_KAFKA_{setting}"


@pytest.mark.parametrize("errno", [29, 30, 31, 53])
def test_what_is_not_allowed_is_a_wrong_setting_in_both_clients(errno: int) -> None:
    import aiokafka.errors
    import kafka.errors

    for errors in (aiokafka.errors, kafka.errors):
        (kind,) = {one for one in vars(errors).values() if getattr(one, "errno", None) == errno}
        refused = refusal_in(scram(), RuntimeError(kind("calls.failed")))
        assert refused is not None
        assert refused.setting == "CONVMINE_KAFKA_USERNAME"
        assert "me may not use" in refused.message or errno == 31


def test_a_missing_file_is_no_refusal() -> None:
    assert refusal_in(scram(), OSError(29, "Illegal seek")) is None


def by_token(url: str, secret: str = "mine") -> KafkaSettings:
    return KafkaSettings(
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        oauth_token_url=url,
        oauth_client_id="me",
        oauth_client_secret=SecretStr(secret),
    )


def test_a_token_is_kept_until_most_of_its_life_is_over() -> None:
    now = [0.0]
    with token_server({"me": "mine"}) as url:
        tokens = Tokens(by_token(url), lambda: now[0])
        first = tokens.token()
        now[0] = 479.0
        assert tokens.token() == first
        now[0] = 481.0
        assert tokens.token() != first


def test_a_client_that_is_refused_is_told_from_a_server_that_is_away() -> None:
    with token_server({"me": "mine"}) as url, pytest.raises(Config, match="status 401") as caught:
        Tokens(by_token(url, "guessed")).token()
    assert caught.value.setting == "CONVMINE_KAFKA_OAUTH_CLIENT_SECRET"
    with pytest.raises(Retryable, match="gives no token"):
        Tokens(by_token("http://127.0.0.1:1/token")).token()


async def test_a_token_server_that_is_away_is_named_and_not_the_broker() -> None:
    settings = by_token("http://127.0.0.1:1/token").model_copy(
        update={"security_protocol": "SASL_PLAINTEXT", "bootstrap_servers": "127.0.0.1:1"}
    )
    found = await error_of(settings, KafkaConnectionError("unable to bootstrap"))
    assert isinstance(found, Retryable)
    assert found.message.startswith("http://127.0.0.1:1/token gives no token")
    plain = await error_of(KafkaSettings(bootstrap_servers="127.0.0.1:1"), KafkaConnectionError("unable to bootstrap"))
    assert plain.message == "Kafka at 127.0.0.1:1 does not answer: KafkaConnectionError"


async def test_a_broker_of_another_version_of_tls_does_not_want_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = certificate(tmp_path, "localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    ours = ssl_context(settings := KafkaSettings(security_protocol="SSL", ca_file=authority))
    ours.minimum_version = ssl.TLSVersion.TLSv1_3
    monkeypatch.setattr("workers.kafka_asking.ssl_context", lambda _settings: ours)

    def shake_hands(server: socket.socket) -> None:
        with server.accept()[0] as plain, suppress(ssl.SSLError):
            context.wrap_socket(plain, server_side=True)

    with socket.create_server(("localhost", 0)) as server:
        asking = settings.model_copy(update={"bootstrap_servers": f"localhost:{server.getsockname()[1]}"})
        broker = asyncio.create_task(asyncio.to_thread(shake_hands, server))
        found = await error_of(asking, KafkaConnectionError("unable to bootstrap"))
        await broker
    assert isinstance(found, Config)
    assert found.setting == "CONVMINE_KAFKA_SECURITY_PROTOCOL"
    assert "do not agree on TLS" in found.message


def test_every_client_in_workers_is_made_through_the_one_place() -> None:
    made = re.compile(r"\b(?:AIO)?Kafka(?:Producer|Consumer|AdminClient)\(\s*(.*)")
    sources = {path: path.read_text() for path in (ROOT / "workers").rglob("*.py")}
    found = [(path.name, first) for path, text in sources.items() for first in made.findall(text)]
    assert len(found) >= 12
    assert not [one for one in found if not re.match(r"\*\*(aiokafka|kafka_python)_options\(", one[1])]
    assert "faust.App(" in sources[ROOT / "workers" / "kafka_app.py"]
