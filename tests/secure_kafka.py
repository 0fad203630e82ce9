"""A Kafka with SASL_SSL, mutual TLS and access control lists, and what tests do to it as its administrator."""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka_node import KafkaNode, free_port
from pydantic import SecretStr

from pipeline.settings import KafkaSettings
from workers.kafka_acls import Right
from workers.kafka_clients import admin_client
from workers.kafka_security import kafka_python_options


class SecureKafkaNode(KafkaNode):
    """``scripts/kafka-local --secure``: its authority lies in ``authority``, and ``admin`` may do everything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.authority = folder / "authority"
        self.password = secrets.token_urlsafe(16)
        self._mtls = free_port()

    @property
    def mtls_servers(self) -> str:
        return f"127.0.0.1:{self._mtls}"

    def settings(self, name: str = "admin", secret: str = "", **changes: Any) -> KafkaSettings:
        """How a user reaches it; by SCRAM, where nothing else is said."""
        usual: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": name,
            "password": SecretStr(secret or self.password),
            "ca_file": self.authority / "ca.pem",
            "partitions": 1,
        }
        return KafkaSettings(**usual | changes)

    def mtls_settings(self, **changes: Any) -> KafkaSettings:
        """How the holder of a certificate reaches it."""
        none = dict.fromkeys(("sasl_mechanism", "username", "password"))
        return self.settings(**{"bootstrap_servers": self.mtls_servers, "security_protocol": "SSL", **none, **changes})

    def add_user(self, name: str, password: str) -> None:
        from kafka.admin import UserScramCredentialUpsertion

        with admin_client(self.settings()) as admin:
            told = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(name, "SCRAM-SHA-512", password)])
        assert set(told.values()) == {None}, told

    def grant(self, rights: Iterable[Right]) -> None:
        """Give these rights, as the commands of ``convmine topics acls`` would."""
        from kafka.admin import (
            ACL,
            ACLOperation,
            ACLPermissionType,
            ACLResourcePatternType,
            ResourcePattern,
            ResourceType,
        )

        def of(one: Right) -> object:
            kind = ResourceType[one.resource.upper().replace("-", "_")]
            pattern = ACLResourcePatternType(4 if one.prefixed else 3)
            operation = {"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(one.operation, one.operation.upper())
            resource = ResourcePattern(kind, one.name, pattern)
            return ACL(one.principal, "*", ACLOperation[operation], ACLPermissionType.ALLOW, resource)

        with admin_client(self.settings()) as admin:
            told = admin.create_acls([of(one) for one in rights])
        assert not told["failed"], told

    def _command(self) -> list[str]:
        return [*super()._command(), "--secure", str(self.authority), "--mtls-port", str(self._mtls)]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"KAFKA_LOCAL_PASSWORD": self.password}

    def _options(self) -> dict[str, object]:
        if not (self.authority / "secure.properties").is_file():  # the last that it makes
            return {}
        options = kafka_python_options(self.settings())
        del options["bootstrap_servers"]
        return options


def signed(authority: Path, name: str, *, days: tuple[int, int] = (-1, 1)) -> Path:
    """A certificate of that authority with its key, in one file; valid between these days from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    ca_key: Any = serialization.load_pem_private_key((authority / "ca-key.pem").read_bytes(), None)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    path = authority / f"{name}.{days[1]}.pem"
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()) + certificate.public_bytes(pem))
    return path


@contextmanager
def token_server(clients: dict[str, str]) -> Iterator[str]:
    """The URL of a STAND-IN for an OAuth server: unsigned tokens for these clients by their secrets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            name, secret = map(unquote_plus, given.split(":"))  # RFC 6749, 2.3.1
            good = clients.get(name) == secret
            now = time.time()
            claims = {"sub": name, "iat": now, "exp": now + 600}
            token = f"{_part({'alg': 'none'})}.{_part(claims)}."
            answer = {"access_token": token, "expires_in": 600} if good else {"error": "invalid_client"}
            self.send_response(200 if good else 401)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
