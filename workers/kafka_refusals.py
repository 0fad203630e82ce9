"""Why Kafka does not let us in: what the broker refuses is an error of ours that names the setting, and is not retried.

The clients tell some refusals by an error code and hide others behind "unable to bootstrap": then, and only where the
brokers are spoken to with security, each is asked once more, by hand.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.settings import PREFIX, KafkaSettings
from workers.kafka_security import connection_options, servers_of, ssl_context
from workers.kafka_tokens import Tokens

_ASK_S: Final = 5.0
"""Seconds in which one broker must say why; a broker that says nothing so long is away."""
_ALERT_S: Final = 1.0
"""Seconds after the handshake in which TLS 1.3 tells that it wants another certificate; a broker on the same continent
takes a tenth of them.
"""
_TOPIC, _GROUP, _CLUSTER, _MECHANISM, _STATE, _TRANSACTION, _SIGN_IN = 29, 30, 31, 33, 34, 53, 58
"""Error codes of Kafka's protocol (https://kafka.apache.org/protocol#protocol_error_codes), the same in all clients."""
HIDDEN: Final = _TOPIC
"""What a topic is described with that we may not see, whether it exists or not."""
_NOT_ALLOWED: Final = {
    _TOPIC: "may not use a topic",
    _GROUP: "may not use a consumer group",
    _CLUSTER: "may not do this with the cluster",
    _TRANSACTION: "may not use a transactional id",
}
_KAFKA: Final = f"{PREFIX}KAFKA_"
_MOST_SAID: Final = 200
"""Characters of what a client says of a refusal that are told on."""
NEEDED: Final = "convmine topics acls prints what each process needs"


def error_of(settings: KafkaSettings, error: BaseException) -> ConvmineError:
    """What a client's error means: a refusal, found out where the client hides it, or that no broker answers.

    It may take some seconds; to be called in a thread where an event loop runs.
    """
    return (
        refusal_in(settings, error)
        or (asked(settings) if settings.security_protocol != "PLAINTEXT" else None)
        or away(settings, error)
    )


async def error_in_time(settings: KafkaSettings, error: BaseException) -> ConvmineError:
    """``error_of``, in a thread."""
    if settings.security_protocol == "PLAINTEXT":
        return error_of(settings, error)
    return await asyncio.to_thread(error_of, settings, error)


def away(settings: KafkaSettings, error: BaseException) -> Retryable:
    """That no broker answers."""
    return Retryable(
        f"Kafka at {settings.bootstrap_servers} does not answer: {type(error).__name__}",
        dependency="kafka",
        hint="set KAFKA_BOOTSTRAP_SERVERS, or start one with scripts/kafka-local",
    )


def refusal_in(settings: KafkaSettings, error: BaseException) -> Config | None:
    """The refusal that an error of either client says by its code, or one that it was raised from; else None."""
    for one in _chain(error):
        if isinstance(one, Config):
            return one
        if isinstance(one, ssl.SSLCertVerificationError):
            return _untrusted(settings, one.verify_message)
        code = getattr(one, "errno", None) if not isinstance(one, OSError) else None
        if code in _NOT_ALLOWED:
            # kafka-python names the whole request, with all of its topics.
            said = f": {one}" if len(str(one)) <= _MOST_SAID else ""
            return not_allowed(settings, _NOT_ALLOWED[code] + said)
        if code == _SIGN_IN:
            return _not_signed_in(settings)
        if code in {_MECHANISM, _STATE}:
            return Config(f"{_KAFKA}SASL_MECHANISM", f"the broker does not take {settings.sasl_mechanism}")
    return None


def not_allowed(settings: KafkaSettings, what: str) -> Config:
    """That an access control list is missing; it names the setting that says who we are."""
    return Config(_identity(settings), f"{_who(settings)} {what}", hint=NEEDED)


def asked(settings: KafkaSettings) -> Config | None:
    """Ask each broker to start from, at most five seconds each, why it does not let us in.

    None where one lets us in, or none answers.
    """
    # In a thread with a loop of its own: whoever calls may be in a loop, and the client must not be.
    with ThreadPoolExecutor(1, thread_name_prefix="kafka-refusal") as thread:
        for server in servers_of(settings):
            host, _, port = server.strip().rpartition(":")
            try:
                return thread.submit(_ask, settings, host.strip("[]"), int(port)).result()
            except Retryable:
                continue  # the token server is away
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
            return _untrusted(settings, error.verify_message)
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
    return _unwanted_certificate(settings, reason)


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


def _untrusted(settings: KafkaSettings, reason: str) -> Config:
    by = settings.ca_file or "the authorities of this machine"
    return Config(
        f"{_KAFKA}CA_FILE",
        f"the broker's certificate is refused: {reason} (checked against {by})",
        hint="an expired certificate must be renewed on the broker",
    )


def _not_signed_in(settings: KafkaSettings) -> Config:
    if settings.sasl_mechanism == "OAUTHBEARER":
        return Config(f"{_KAFKA}OAUTH_CLIENT_ID", f"the broker refuses the token of {settings.oauth_client_id}")
    return Config(
        f"{_KAFKA}PASSWORD",
        f"the broker refuses the name {settings.username} or its password ({settings.sasl_mechanism})",
    )


def _identity(settings: KafkaSettings) -> str:
    if settings.sasl_mechanism == "OAUTHBEARER":
        return f"{_KAFKA}OAUTH_CLIENT_ID"
    return f"{_KAFKA}USERNAME" if settings.signs_in else f"{_KAFKA}CERT_FILE"


def _who(settings: KafkaSettings) -> str:
    if settings.sasl_mechanism == "OAUTHBEARER":
        return str(settings.oauth_client_id)
    return str(settings.username) if settings.signs_in else f"the holder of {settings.cert_file}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it carries and what it was raised from; a circle ends."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [more for more in (*one.args, one.__cause__, one.__context__) if isinstance(more, BaseException)]
