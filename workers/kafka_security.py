"""How our processes reach Kafka: the one place that turns settings into what each client wants.

Every client of aiokafka is made with ``aiokafka_options``, every one of kafka-python with ``kafka_python_options``, and
Faust with ``faust_credentials``. With PLAINTEXT, the default, they hold the servers and nothing else.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from pipeline.certificates import trusting
from pipeline.errors import Config
from pipeline.settings import PREFIX, KafkaSettings
from workers.kafka_tokens import Tokens, for_aiokafka, for_kafka_python

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT

_KAFKA: Final = f"{PREFIX}KAFKA_"


def servers_of(settings: KafkaSettings) -> list[str]:
    """The brokers to start from, each as ``host:port``."""
    return settings.bootstrap_servers.split(",")


def aiokafka_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of aiokafka is made with.

    Raises:
        Config: a certificate or a key cannot be used.
    """
    return {"bootstrap_servers": settings.bootstrap_servers, **connection_options(settings)}


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """The same without the servers; empty with PLAINTEXT.

    Raises:
        Config: a certificate or a key cannot be used.
    """
    return _options(settings, for_aiokafka)


def kafka_python_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of kafka-python is made with.

    Raises:
        Config: a certificate or a key cannot be used.
    """
    return {"bootstrap_servers": servers_of(settings), **_options(settings, for_kafka_python)}


def faust_credentials(settings: KafkaSettings) -> CredentialsT | None:
    """What a Faust app is made with; None with PLAINTEXT, and then Faust asks for nothing.

    Raises:
        Config: a certificate or a key cannot be used.
    """
    if settings.security_protocol == "PLAINTEXT":
        return None
    import faust
    from faust.auth import OAuthCredentials

    context = ssl_context(settings) if settings.encrypted else None
    if settings.sasl_mechanism is None:
        return faust.SSLCredentials(context)
    if settings.sasl_mechanism == "OAUTHBEARER":
        return OAuthCredentials(oauth_cb=for_aiokafka(Tokens.of(settings)), ssl_context=context)
    return faust.SASLCredentials(
        mechanism=settings.sasl_mechanism,
        username=settings.username,
        password=_password(settings),
        ssl_context=context,
    )


def ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    """TLS as the settings want it: the broker's name and its certificate are always checked.

    Raises:
        Config: a file is missing or holds something else, or the password of the key is wrong.
    """
    ca_file = settings.ca_file
    context = ssl.create_default_context() if ca_file is None else trusting(ca_file, f"{_KAFKA}CA_FILE")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file is not None:
        _show_certificate(context, settings)
    return context


def _show_certificate(context: ssl.SSLContext, settings: KafkaSettings) -> None:
    for name, file in (("CERT_FILE", settings.cert_file), ("KEY_FILE", settings.key_file)):
        try:
            if file is not None:
                file.open("rb").close()
        except OSError as error:  # below, OpenSSL would not say which of the two it is
            raise Config(f"{_KAFKA}{name}", f"{file} cannot be used: {error.strerror}") from None
    key, password = settings.key_file or settings.cert_file, settings.key_password
    try:
        # Never None, with which OpenSSL would ask at the terminal for the password of a key that has one.
        context.load_cert_chain(
            str(settings.cert_file), str(key), password=password.get_secret_value() if password else ""
        )
    except ssl.SSLError as error:
        if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
            raise Config(f"{_KAFKA}KEY_FILE", f"{key} is not the key of {settings.cert_file}") from None
        if error.library == "PEM" and error.reason == "NO_START_LINE":
            raise Config(f"{_KAFKA}CERT_FILE", f"{settings.cert_file} or {key} holds no PEM") from None
        raise Config(
            f"{_KAFKA}KEY_PASSWORD", f"{key} cannot be opened: the password is missing or wrong, or it holds no key"
        ) from None


def _options(settings: KafkaSettings, provider: Any) -> dict[str, Any]:  # noqa: ANN401 - a class that its client knows
    if settings.security_protocol == "PLAINTEXT":
        return {}
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if settings.encrypted:
        options["ssl_context"] = ssl_context(settings)
    if settings.sasl_mechanism == "OAUTHBEARER":
        options |= {
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": provider(Tokens.of(settings)),
        }
    elif settings.sasl_mechanism is not None:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": _password(settings),
        }
    return options


def _password(settings: KafkaSettings) -> str:
    return settings.password.get_secret_value() if settings.password else ""
