"""Tokens for Kafka's OAUTHBEARER: client credentials (RFC 6749, section 4.4), kept until they have nearly run out."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.settings import PREFIX, KafkaSettings

_TIMEOUT_S: Final = 10.0
"""Seconds that the token server may take."""
_SPENT: Final = 0.8
"""Part of its life after which a token is replaced, so that none runs out while a connection is made with it."""
_LIFE_S: Final = 300.0
"""Life of a token whose server does not say it (``expires_in`` is only recommended): shorter than is usual."""
_MOST_BYTES: Final = 65_536
"""Bytes that are read of an answer: a token is a few thousand at most."""
_REFUSED: Final = frozenset({400, 401, 403})
"""Statuses of a server that does not take the client (RFC 6749, section 5.2) or its address."""


class Tokens:
    """Access tokens of one client; safe to ask from several threads, of which one fetches."""

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    @staticmethod
    def of(settings: KafkaSettings) -> Tokens:
        """Those of these settings: one for all clients of a process, which share what was fetched."""
        return _shared(settings)

    def token(self) -> str:
        """A token that is valid now.

        Raises:
            Config: the server refuses the client.
            Retryable: it is away, or answers something else.
        """
        with self._lock:
            if self._clock() >= self._until:
                self._token, life_s = self._fetch()
                self._until = self._clock() + life_s * _SPENT
            return self._token

    def _fetch(self) -> tuple[str, float]:
        settings = self._settings
        secret = settings.oauth_client_secret.get_secret_value() if settings.oauth_client_secret else ""
        pair = ":".join(urllib.parse.quote(one, safe="") for one in (settings.oauth_client_id or "", secret))
        form = {"grant_type": "client_credentials"} | ({"scope": settings.oauth_scope} if settings.oauth_scope else {})
        request = urllib.request.Request(  # noqa: S310 - the settings let http and https alone through
            settings.oauth_token_url or "",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}", "Accept": "application/json"},
        )
        try:
            with _opener(settings).open(request, timeout=_TIMEOUT_S) as response:
                answer = json.loads(response.read(_MOST_BYTES))
            return str(answer["access_token"]), float(answer.get("expires_in", _LIFE_S))
        except urllib.error.HTTPError as error:
            if error.code in _REFUSED:
                raise Config(
                    f"{PREFIX}KAFKA_OAUTH_CLIENT_SECRET",
                    f"{settings.oauth_token_url} refuses the client {settings.oauth_client_id}: status {error.code}",
                ) from None
            raise self._away(f"status {error.code}") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise Config(
                    f"{PREFIX}KAFKA_CA_FILE",
                    f"the certificate of {settings.oauth_token_url} is refused: {error.reason.verify_message}",
                ) from None
            raise self._away(str(error.reason)) from None
        except OSError as error:
            raise self._away(type(error).__name__) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._away("its answer holds no access_token") from None

    def _away(self, reason: str) -> Retryable:
        return Retryable(f"{self._settings.oauth_token_url} gives no token: {reason}", dependency="kafka")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The client's secret goes to the address that was set and to no other."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:  # noqa: ANN401 - as the library declares it
        return None


def _opener(settings: KafkaSettings) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    if settings.ca_file is not None:  # besides those of the machine: the token server may have another than the brokers
        context.load_verify_locations(str(settings.ca_file))
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _NoRedirect(), urllib.request.HTTPSHandler(context=context)
    )


@lru_cache(maxsize=8)
def _shared(settings: KafkaSettings) -> Tokens:
    return Tokens(settings)


def for_kafka_python(tokens: Tokens) -> Any:  # noqa: ANN401 - kafka-python has no types
    """What kafka-python asks for tokens, from its own thread."""
    from kafka.errors import KafkaConnectionError
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]  # likewise
        def token(self) -> str:
            try:
                return tokens.token()
            except ConvmineError as error:  # the client knows its own errors alone
                raise KafkaConnectionError(error.message) from error

    return Provider()


def for_aiokafka(tokens: Tokens) -> Any:  # noqa: ANN401 - aiokafka has no types
    """What aiokafka asks for tokens; fetched in a thread, so that the event loop goes on."""
    from aiokafka.abc import AbstractTokenProvider
    from aiokafka.errors import KafkaConnectionError

    class Provider(AbstractTokenProvider):  # type: ignore[misc]  # likewise
        async def token(self) -> str:
            try:
                return await asyncio.to_thread(tokens.token)
            except ConvmineError as error:  # the client knows its own errors alone
                raise KafkaConnectionError(error.message) from error

    return Provider()
