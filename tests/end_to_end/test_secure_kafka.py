"""A real Kafka with SASL_SSL, mutual TLS and access control lists: who comes in, what is refused, and a whole path."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from kafka_node import free_port
from marked_secrets import marked_secrets, markers_in
from processes import CONVMINE, ROOT, convmine, convmine_json, environment, running, wait_until
from pydantic import SecretStr
from secure_kafka import SecureKafkaNode, signed, token_server

from pipeline import samples
from pipeline.errors import Config
from pipeline.handling import Inbound, Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import RECORDINGS, STAGES, SUGGESTIONS, Stage, stage_named
from schemas.wire import Lane
from workers.edge import Edge
from workers.followed import FollowedOnKafka
from workers.kafka_acls import rights
from workers.kafka_app import KafkaWorker
from workers.kafka_publisher import KafkaPublisher
from workers.limits import Limits
from workers.measures import Measures
from workers.records import NewRecord

RECORD = NewRecord(RECORDINGS, b"key", b"value", ())
ALONG = [
    stage for stage in STAGES if stage.lane is Lane.BATCH and stage.name in {"extract", "flow", "suggest", "index"}
]
CHAT = samples.folder() / "chats" / "chat-zh-01.json"
SECONDS = 20.0
"""In which a refusal must be told; kafka-python alone tries for five."""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafkaNode]:
    node = SecureKafkaNode(tmp_path_factory.mktemp("secure"))
    try:
        node.start()
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="module")
def prefix(node: SecureKafkaNode) -> str:
    """Topics that are there; nobody but the administrators may use them."""
    prefix = f"s{uuid4().hex[:8]}."
    Edge(node.settings(topic_prefix=prefix)).apply_topics()
    return prefix


@pytest.fixture(scope="module")
def tokens() -> Iterator[str]:
    with token_server({"admin": "the secret"}) as url:
        yield url


def by_token(node: SecureKafkaNode, url: str, secret: str, prefix: str) -> KafkaSettings:
    return node.settings(
        sasl_mechanism="OAUTHBEARER",
        username=None,
        password=None,
        oauth_token_url=url,
        oauth_client_id="admin",
        oauth_client_secret=SecretStr(secret),
        topic_prefix=prefix,
    )


def by_kafka_python(settings: KafkaSettings) -> list[bytes | None]:
    edge = Edge(settings)
    edge.publish([RECORD])
    return [record.value for record in edge.tail(RECORDINGS, from_start=True, follow=False)]


def by_aiokafka(settings: KafkaSettings) -> list[bytes | None]:
    async def work() -> list[bytes | None]:
        publisher, found = KafkaPublisher(settings, Nobody()), list[bytes | None]()
        await publisher.start()
        try:
            await publisher.publish([RECORD])
        finally:
            await publisher.close()
        await FollowedOnKafka(settings, [RECORDINGS]).each(lambda record: found.append(record.value))
        return found

    return asyncio.run(work())


class Nobody:
    """An ``Audience`` that nobody needs."""

    def away(self, dependency: str, reason: str, since: datetime) -> None:
        """Nothing is held back."""

    def back(self, dependency: str) -> None:
        """Nothing was held back."""


CLIENTS = pytest.mark.parametrize("client", [by_kafka_python, by_aiokafka])
Client = Callable[[KafkaSettings], list[bytes | None]]


@CLIENTS
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "mutual TLS"])
def test_each_mechanism_writes_and_reads(
    node: SecureKafkaNode, prefix: str, tokens: str, mechanism: str, client: Client
) -> None:
    if mechanism == "mutual TLS":
        settings = node.mtls_settings(cert_file=node.authority / "kafka.pem", topic_prefix=prefix)
    elif mechanism == "OAUTHBEARER":
        settings = by_token(node, tokens, "the secret", prefix)
    else:
        settings = node.settings(sasl_mechanism=mechanism, topic_prefix=prefix)
    assert b"value" in client(settings)


@CLIENTS
@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ("password", "CONVMINE_KAFKA_PASSWORD"),
        ("client secret", "CONVMINE_KAFKA_OAUTH_CLIENT_SECRET"),
        ("authority", "CONVMINE_KAFKA_CA_FILE"),
        ("no certificate", "CONVMINE_KAFKA_CERT_FILE"),
        ("expired certificate", "CONVMINE_KAFKA_CERT_FILE"),
        ("no right", "CONVMINE_KAFKA_CERT_FILE"),
        ("protocol", "CONVMINE_KAFKA_SECURITY_PROTOCOL"),
        ("mechanism", "CONVMINE_KAFKA_SASL_MECHANISM"),
    ],
)
def test_a_refusal_is_told_in_seconds_and_names_the_setting(  # noqa: PLR0913, PLR0917 - pytest gives them
    node: SecureKafkaNode, prefix: str, tokens: str, wrong: str, setting: str, client: Client
) -> None:
    given: dict[str, Callable[[], KafkaSettings]] = {
        "password": lambda: node.settings(secret="guessed"),
        "client secret": lambda: by_token(node, tokens, "guessed", ""),
        "authority": lambda: node.settings(ca_file=None),
        "no certificate": node.mtls_settings,
        "expired certificate": lambda: node.mtls_settings(cert_file=signed(node.authority, "old", days=(-9, -1))),
        "no right": lambda: node.mtls_settings(cert_file=signed(node.authority, "nobody")),
        "protocol": lambda: node.mtls_settings(bootstrap_servers=node.servers),
        "mechanism": lambda: node.settings(bootstrap_servers=node.mtls_servers, cert_file=signed(node.authority, "me")),
    }
    settings = given[wrong]()
    began = time.monotonic()
    with pytest.raises(Config) as caught:
        client(settings.model_copy(update={"topic_prefix": prefix}))
    assert time.monotonic() - began < SECONDS
    assert caught.value.setting == setting
    assert "guessed" not in caught.value.in_one_line
    assert len(caught.value.in_one_line) < 600


def user_of(node: SecureKafkaNode, stage: Stage, prefix: str) -> KafkaSettings:
    """A user for a stage, with the printed rights."""
    name, password = f"{prefix}{stage.name}-{stage.lane}", secrets.token_urlsafe(12)
    node.add_user(name, password)
    given = rights(KafkaSettings(topic_prefix=prefix), f"User:{prefix}")
    node.grant(right for right in given if right.principal == f"User:{name}")
    return node.settings(name, password, topic_prefix=prefix)


def test_the_user_of_a_stage_cannot_write_what_another_writes(node: SecureKafkaNode, prefix: str) -> None:
    flow = stage_named("flow", Lane.BATCH)
    assert flow is not None
    mine = user_of(node, flow, prefix)
    Edge(mine).publish([replace(RECORD, topic=topic) for topic in flow.writes])
    for topic in {topic for stage in STAGES for topic in stage.writes} - set(flow.writes):
        with pytest.raises(Config, match="may not use a topic") as caught:
            Edge(mine).publish([replace(RECORD, topic=topic)])
        assert caught.value.setting == "CONVMINE_KAFKA_USERNAME"
        assert "convmine topics acls" in caught.value.in_one_line


async def test_a_worker_that_may_not_join_its_group_stops_with_what_is_missing(
    node: SecureKafkaNode, prefix: str
) -> None:
    stage = stage_named("recap", Lane.LIVE)
    assert stage is not None
    name, password = f"{prefix}alone", secrets.token_urlsafe(12)
    await asyncio.to_thread(node.add_user, name, password)
    given = rights(KafkaSettings(topic_prefix=prefix), "User:")
    topics = [one for one in given if one.principal == "User:recap-live" and one.resource == "topic"]
    await asyncio.to_thread(node.grant, [replace(one, principal=f"User:{name}") for one in topics])
    settings = node.settings(name, password, topic_prefix=prefix)
    worker = KafkaWorker(settings, stage, nothing, Limits(), measures=Measures())
    async with asyncio.timeout(60):
        with pytest.raises(Config, match="consumer group") as caught:
            await until_broken(worker)
    assert caught.value.setting == "CONVMINE_KAFKA_USERNAME"


async def until_broken(worker: KafkaWorker) -> None:
    try:
        await worker.start()
        await worker.broken
    finally:
        await worker.stop(1)


async def nothing(inbound: Inbound) -> tuple[Outbound, ...]:
    """A handler that no event comes to."""
    del inbound
    return ()


@pytest.fixture(scope="module")
def mined(node: SecureKafkaNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path]]:
    """A chat, and one record that is no event, through four stages; each has its user, and every secret is marked."""
    folder, prefix = tmp_path_factory.mktemp("path"), f"e{uuid4().hex[:8]}."
    given = rights(KafkaSettings(topic_prefix=prefix), f"User:{prefix}")
    node.grant(given)

    def env_of(process: str) -> dict[str, str]:
        secret = marked_secrets(folder)
        node.add_user(prefix + process, secret["CONVMINE_KAFKA_PASSWORD"])
        file = folder / f"{process}.password"
        file.write_text(secret.pop("CONVMINE_KAFKA_PASSWORD") + "\n")
        return environment(
            secret
            | {
                "KAFKA_BOOTSTRAP_SERVERS": node.servers,
                "CONVMINE_KAFKA_TOPIC_PREFIX": prefix,
                "CONVMINE_KAFKA_PARTITIONS": "1",
                "CONVMINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "CONVMINE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
                "CONVMINE_KAFKA_USERNAME": prefix + process,
                "CONVMINE_KAFKA_PASSWORD_FILE": str(file),
                "CONVMINE_KAFKA_CA_FILE": str(node.authority / "ca.pem"),
                "CONVMINE_STORE_EMBEDDER": "hashing",
                "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
                "CONVMINE_LOG_LEVEL": "debug",
                "CONVMINE_ASR_ENGINE": "pocketsphinx",
            }
        )

    stand_in = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port := free_port())]
    store = {"QDRANT_URL": f"http://127.0.0.1:{port}"}
    with ExitStack() as stack:
        stack.enter_context(running(stand_in, environment({}), folder / "qdrant.log"))
        convmine("topics", "apply", env=env_of("topics"))
        for stage in ALONG:
            command, log = [*CONVMINE, "worker", stage.name], folder / f"{stage.name}.log"
            stack.enter_context(running(command, env_of(f"{stage.name}-batch") | store, log))
        env = env_of("cli") | store
        edge = Edge(node.settings(topic_prefix=prefix))
        edge.publish([NewRecord("calls.transcripts.batch", b"k", b"no event", ())])
        convmine("publish", "transcript", str(CHAT), env=env)
        wait_until(
            lambda: any(edge.spans([SUGGESTIONS]).values()) and not any(row.behind for row in edge.lag(ALONG)),
            seconds=180,
            logs=folder,
        )
        yield env, folder


def test_a_chat_passes_over_sasl_ssl_with_a_user_for_each_stage(mined: tuple[dict[str, str], Path]) -> None:
    env, _ = mined
    call = convmine_json("calls", "show", "chat-zh-01", env=env)
    assert "price_objection" in {intent["name"] for intent in call["intents"]}
    assert call["suggestions"]


def test_what_was_no_event_is_a_dead_letter_of_its_stage(mined: tuple[dict[str, str], Path]) -> None:
    env, _ = mined
    (letter, *_) = convmine_json("dlq", "list", env=env)["items"]
    assert letter["stage"] in {"extract", "index"}


def test_no_secret_is_in_a_log_or_a_record(node: SecureKafkaNode, mined: tuple[dict[str, str], Path]) -> None:
    env, folder = mined
    wrong = env | {"CONVMINE_KAFKA_PASSWORD_FILE": str(folder / "wrong.password")}
    (folder / "wrong.password").write_text(marked_secrets(folder)["CONVMINE_KAFKA_PASSWORD"])
    said = [convmine("worker", "extract", env=wrong, check=False), convmine("topics", "list", env=wrong, check=False)]
    assert all(one.returncode for one in said)
    assert all("CONVMINE_KAFKA_PASSWORD" in one.stderr for one in said)
    said += [convmine("doctor", env=env, check=False), convmine("topics", "acls", env=env)]
    settings = node.settings(topic_prefix=env["CONVMINE_KAFKA_TOPIC_PREFIX"])
    records = list(Edge(settings).read(Edge(settings).spans(Edge(settings).topics())))
    assert len(records) > 5
    everything = [one.stdout + one.stderr for one in said] + [log.read_text() for log in folder.glob("*.log")]
    everything += [repr(record) for record in records]
    assert not markers_in("\n".join(everything))
