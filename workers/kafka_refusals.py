"""What a client's error means: what the broker refuses is a ``Config`` that names the setting, and is not retried."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from pipeline.errors import Config, Retryable
from pipeline.settings import PREFIX, KafkaSettings

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


def away(settings: KafkaSettings, error: BaseException) -> Retryable:
    """That no broker answers, as this error of a client says."""
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
            return untrusted(settings, one.verify_message)
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


def untrusted(settings: KafkaSettings, reason: str) -> Config:
    """That we do not trust the broker's certificate, for this reason."""
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
