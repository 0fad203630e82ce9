"""A broker asked by hand why it does not let us in.

The clients tell some refusals by an error code, and hide others behind "unable to bootstrap" or a timeout: TLS that
does not come about, a token server that refuses us, a connection that the broker ends without a word. Then, and only
where brokers are spoken to with security, each is asked once more: TLS, token and signing in, one after the other.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.settings import PREFIX, KafkaSettings
from workers.kafka_refusals import away, refusal_in, untrusted
from workers.kafka_security import connection_options, servers_of, ssl_context
from workers.kafka_tokens import Tokens

_KAFKA: Final = f"{PREFIX}KAFKA_"
_ASK_S: Final = 5.0
"""Seconds that each step may take; a broker that says nothing so long is away."""
_ALERT_S: Final = 1.0
"""Seconds after the handshake in which TLS 1.3 tells that it wants another certificate; a broker on the same continent
takes a tenth of them.
"""
_ANY_FAILURE: Final = "SSLV3_ALERT_HANDSHAKE_FAILURE"
"""What a broker that wants a certificate says in TLS 1.2, where there is no alert for it."""


async def error_of(settings: KafkaSettings, error: BaseException) -> ConvmineError:
    """What a client's error means: a refusal, found out where the client hides it, or that no broker answers."""
    found: ConvmineError | None = refusal_in(settings, error)
    if found is None:
        found = await asyncio.to_thread(asked, settings)
    return found or away(settings, error)


def asked(settings: KafkaSettings) -> ConvmineError | None:
    """Ask each broker to start from, for some seconds at most, why it does not let us in.

    None where one lets us in, where none answers, and with PLAINTEXT, where clients hide nothing. A token server that
    is away is an answer, too: it is what somebody must look at.

    Raises:
        Config: a certificate or a key of ours cannot be used.
    """
    if settings.security_protocol == "PLAINTEXT":
        return None
    # In a thread with a loop of its own: whoever calls may be in a loop, and the client must not be.
    with ThreadPoolExecutor(1, thread_name_prefix="kafka-refusal") as thread:
        for server in servers_of(settings):
            host, _, port = server.strip().rpartition(":")
            try:
                return thread.submit(_ask, settings, host.strip("[]"), int(port)).result()
            except Retryable as error:
                return error  # the token server is away
            except (OSError, ValueError):
                continue
    return None


def _ask(settings: KafkaSettings, host: str, port: int) -> Config | None:
    if settings.encrypted and (refused := _refused_by_tls(settings, host, port)):
        return refused
    if settings.sasl_mechanism == "OAUTHBEARER":
        try:
            Tokens.of(settings).token()
        except Config as error:
            return error
    return asyncio.run(_sign_in(settings, host, port))


def _refused_by_tls(settings: KafkaSettings, host: str, port: int) -> Config | None:
    with socket.create_connection((host, port), timeout=_ASK_S) as plain:
        try:
            with ssl_context(settings).wrap_socket(plain, server_hostname=host) as secure:
                secure.settimeout(_ALERT_S)
                ended = not secure.recv(1)
        except ssl.SSLCertVerificationError as error:
            return untrusted(settings, error.verify_message)
        except ssl.SSLError as error:
            return _tls_failed(settings, error)
        except TimeoutError:
            return None  # it waits for a request, as it should
        except ConnectionResetError:
            ended = True
    return _unwanted_certificate(settings, "the broker ends the connection") if ended else None


def _tls_failed(settings: KafkaSettings, error: ssl.SSLError) -> Config:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if error.reason in {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE"}:
        expected = f"is {settings.security_protocol}, but the broker does not speak TLS at this port ({reason})"
        return Config(f"{_KAFKA}SECURITY_PROTOCOL", expected)
    if "certificate" in reason or error.reason == _ANY_FAILURE:
        return _unwanted_certificate(settings, reason)
    return Config(
        f"{_KAFKA}SECURITY_PROTOCOL",
        f"is {settings.security_protocol}, but the broker and we do not agree on TLS: {reason}",
        hint="look at the versions of TLS and the ciphers of the broker's listener",
    )


def _unwanted_certificate(settings: KafkaSettings, reason: str) -> Config:
    shown = f"does not take {settings.cert_file}" if settings.cert_file else "wants a certificate (mutual TLS)"
    return Config(f"{_KAFKA}CERT_FILE", f"the broker {shown}: {reason}")


async def _sign_in(settings: KafkaSettings, host: str, port: int) -> Config | None:
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError
    from aiokafka.protocol.metadata import MetadataRequest

    try:
        async with asyncio.timeout(_ASK_S):
            connection = await create_conn(
                host, port, request_timeout_ms=int(_ASK_S * 1_000), **connection_options(settings)
            )
            try:
                await connection.send(MetadataRequest([]))  # before that a broker lets everybody connect
            finally:
                connection.close()
    except (KafkaError, TimeoutError) as error:
        refused = refusal_in(settings, error)
        if refused is None and not isinstance(error, TimeoutError):
            # A broker that is spoken to in another way than it expects ends the connection.
            return Config(
                f"{_KAFKA}SECURITY_PROTOCOL",
                f"is {settings.security_protocol}, but the broker ends the connection",
                hint="look at the protocol and the mechanism of the broker's listener",
            )
        return refused
    except (ValueError, AssertionError) as error:  # aiokafka's, of a SCRAM exchange that does not add up
        return Config(f"{_KAFKA}PASSWORD", f"the broker and we do not agree on it: {type(error).__name__}")
    return None
