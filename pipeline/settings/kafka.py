"""The broker, how its topics are made and who may come in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from pipeline.errors import Config
from pipeline.settings.values import PREFIX, Group, Positive


class KafkaSettings(Group):
    """The broker, and how its topics are made."""

    bootstrap_servers: str = "localhost:9092"
    """Brokers to start from, as `host:port`, separated by commas."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)] = ""
    """Stands before the name of every topic and consumer group, so that installations can share a broker."""
    partitions: Positive = 6
    """Partitions of the topics that `convmine topics apply` creates: the most workers that can share one stage."""
    replication: Positive = 1
    """Copies of each partition that `convmine topics apply` asks for; 3 is usual on a cluster."""
    max_message_bytes: Positive = 1_000_000
    """The largest record that is written, in bytes; not more than the broker's `message.max.bytes`. A larger result
    goes by claim check (the group claims); a larger graph becomes a dead letter.
    """
    session_timeout_s: Annotated[float, Field(ge=6)] = 30.0
    """Seconds without a sign of life after which the broker gives a worker's partitions to others."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How the brokers are spoken to: `SSL` and `SASL_SSL` are encrypted, the two with `SASL` sign in."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    """How a process signs in; needed with `SASL_SSL` and `SASL_PLAINTEXT`."""
    username: str | None = None
    """Its name, with `PLAIN` and `SCRAM`."""
    password: SecretStr | None = None
    """Its password."""
    ca_file: Path | None = None
    """File (PEM) of the authorities that may have signed the brokers' certificates; without it, those of this machine.
    """
    cert_file: Path | None = None
    """File (PEM) of the certificate that this process shows (mutual TLS), and of those that it was signed with."""
    key_file: Path | None = None
    """File (PEM) of its key, where that is not in the same file."""
    key_password: SecretStr | None = None
    """The password of that key, where it has one."""
    oauth_token_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where `OAUTHBEARER` gets its tokens (client credentials); `https`, unless it is on this machine."""
    oauth_client_id: str | None = None
    """The client that it is there."""
    oauth_client_secret: SecretStr | None = None
    """The secret of that client."""
    oauth_scope: str | None = None
    """The scope that is asked for, where the server wants one."""

    @property
    def encrypted(self) -> bool:
        """Whether the brokers are spoken to over TLS."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def signs_in(self) -> bool:
        """Whether the brokers want a name, by SASL."""
        return self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @model_validator(mode="after")
    def _security_fits_together(self) -> Self:
        """What would be left unused is refused too: whoever sets a password means that it is asked for."""
        for name, expected in _misfits(self):
            # Not a ValueError: pydantic would name the group and not the setting.
            raise Config(f"{PREFIX}KAFKA_{name}", expected)
        return self


def _misfits(kafka: KafkaSettings) -> Iterator[tuple[str, str]]:
    """The settings of Kafka's security that are missing or have no use, with what is expected."""
    protocol, mechanism = kafka.security_protocol, kafka.sasl_mechanism
    if kafka.signs_in and mechanism is None:
        yield "SASL_MECHANISM", f"is needed with {protocol}: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    if mechanism is not None and not kafka.signs_in:
        yield "SECURITY_PROTOCOL", f"must be SASL_SSL or SASL_PLAINTEXT with the mechanism {mechanism}, is {protocol}"
    by_token = mechanism == "OAUTHBEARER"
    named = {"USERNAME": kafka.username, "PASSWORD": kafka.password}
    client = {
        "OAUTH_TOKEN_URL": kafka.oauth_token_url,
        "OAUTH_CLIENT_ID": kafka.oauth_client_id,
        "OAUTH_CLIENT_SECRET": kafka.oauth_client_secret,
    }
    for needed, what, using in (
        (kafka.signs_in and not by_token, named, "PLAIN and SCRAM"),
        (kafka.signs_in and by_token, client, "OAUTHBEARER"),
    ):
        for name, value in what.items():
            if needed and value is None:
                yield name, f"is needed with {mechanism}"
            elif value is not None and not needed:
                yield name, f"is used with {using} alone: the protocol is {protocol}, the mechanism {mechanism}"
    if by_token and not _is_safe(kafka.oauth_token_url or ""):
        yield "OAUTH_TOKEN_URL", "must begin with https://, as the client's secret is sent there"
    yield from _misfits_of_tls(kafka)


def _misfits_of_tls(kafka: KafkaSettings) -> Iterator[tuple[str, str]]:
    for name, file in (("CA_FILE", kafka.ca_file), ("CERT_FILE", kafka.cert_file), ("KEY_FILE", kafka.key_file)):
        if file is not None and not kafka.encrypted:
            yield name, f"is used with SSL and SASL_SSL alone: the protocol is {kafka.security_protocol}"
    if kafka.cert_file is None and (kafka.key_file or kafka.key_password):
        yield "CERT_FILE", "is needed with a key"


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}
