"""Recordings at ``s3://bucket/key`` on any S3 server: boto3 finds keys and signs the address, HTTP brings the bytes.

The transfer is not boto3's: a thread that reads from a slow server cannot be stopped in time, and boto3 tries again and
follows the server to other regions, all of which is for the runtime or nobody to do.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from pipeline.asr.download import Refusal, Request
from pipeline.asr.errors import NotThereYet
from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.retry_after import retry_after_s
from pipeline.settings import AudioSettings

DEPENDENCY: Final = "audio store s3"
_VALID_S: Final = 900
"""Seconds that a signed address serves for; the download begins at once, so this is for clocks that differ."""
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,80})</Code>")
_BUSY: Final = frozenset({"SlowDown", "RequestTimeout", "ExpiredToken", "RequestTimeTooSkewed"})
_KEY_REFUSED: Final = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"})
_ABSENT: Final = "an object that is not there yet is refused, too, unless the key may list the bucket (s3:ListBucket)"
_ELSEWHERE: Final = frozenset({"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed"})


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a key, as ``s3://bucket/key`` writes them: as they are, nothing percent-encoded."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Signer:
    """Signs addresses of objects; boto3 and its client are loaded when the first is asked for.

    Raises:
        Config: boto3 is not installed, or the settings do not fit together.
    """

    def __init__(self, settings: AudioSettings) -> None:
        _check(settings)
        self._settings = settings
        self._loading = Lock()

    def signed(self, place: Place) -> str:
        """An address that the object can be read at for some minutes; may ask the machine or a server for keys.

        Raises:
            Config: there are no keys, or no server of that address.
            Retryable: whoever gives out keys is away.
            Poison: no bucket or object can have that name.
        """
        from botocore.exceptions import BotoCoreError

        try:
            with self._loading:  # sessions of boto3 are not for several threads, clients are
                client = self._client
            parameters = {"Bucket": place.bucket, "Key": place.key}
            return str(client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=_VALID_S))
        except (BotoCoreError, ValueError) as error:
            raise _translated(error, place) from error

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 has no types
        import boto3
        from botocore.config import Config as BotoConfig

        it = self._settings
        by_path = it.s3_addressing == "path" or (it.s3_addressing == "auto" and it.s3_endpoint is not None)
        session = boto3.session.Session(
            aws_access_key_id=it.s3_access_key.get_secret_value() if it.s3_access_key else None,
            aws_secret_access_key=it.s3_secret_key.get_secret_value() if it.s3_secret_key else None,
            region_name=it.s3_region,
        )
        return session.client(
            "s3",
            endpoint_url=it.s3_endpoint,
            region_name=session.region_name or "us-east-1",
            # Version 4 by name: the default signs with the one before, which most regions and servers refuse.
            config=BotoConfig(signature_version="s3v4", s3={"addressing_style": "path" if by_path else "virtual"}),
        )


@dataclass(frozen=True, slots=True)
class S3Recording:
    """A recording on the S3 server of the settings."""

    place: Place
    signer: Signer

    @property
    def shown(self) -> str:
        return str(self.place)

    @property
    def dependency(self) -> str:
        return DEPENDENCY

    async def request(self) -> Request:
        return Request(await asyncio.to_thread(self.signer.signed, self.place))

    def error(self, refusal: Refusal) -> ConvmineError:
        found = _CODE.search(refusal.body)
        code = found[1] if found else ""
        said = f"{self.place}: the server answered {refusal.status} {code}".rstrip()
        if refusal.is_absent:
            return NotThereYet(f"{self.place} is not there ({code or 404})")
        if refusal.is_busy or code in _BUSY:
            return Retryable(said, dependency=DEPENDENCY, retry_after_s=retry_after_s(refusal.headers))
        if code in _KEY_REFUSED:
            return Config("CONVMINE_AUDIO_S3_ACCESS_KEY", f"the S3 server refuses the key: {code}")
        if httpx.codes.is_redirect(refusal.status) or code in _ELSEWHERE:
            return Poison(said, hint="CONVMINE_AUDIO_S3_REGION names the region of the bucket; redirects are refused")
        return Poison(said, hint=_ABSENT if refusal.status == httpx.codes.FORBIDDEN else None)


def place_of(uri: str, buckets: Sequence[str]) -> Place:
    """What an ``s3://`` URI names.

    Raises:
        Poison: it names no object, or its bucket is not one of ``buckets``.
    """
    bucket, _, key = uri.partition("://")[2].partition("/")
    if "@" in bucket:
        raise Poison("the s3:// address of the recording holds a key: events must carry no credentials")
    if bucket not in buckets:
        raise Poison(f"the bucket {bucket!r} is not in CONVMINE_AUDIO_ALLOWED_BUCKETS", hint="name it there")
    if not key:
        raise Poison(f"{uri!r} names a bucket and no object in it")
    if {".", ".."} & set(key.split("/")):
        # Clients and servers of HTTP resolve them, which would lead out of the bucket.
        raise Poison(f"{uri!r} has a folder named . or .., which cannot be asked for over HTTP")
    return Place(bucket, key)


def _check(settings: AudioSettings) -> None:
    if find_spec("boto3") is None:
        raise Config(
            "CONVMINE_AUDIO_ALLOWED_BUCKETS", "needs boto3, which is not installed", hint="pip install 'convmine[s3]'"
        )
    if (settings.s3_access_key is None) != (settings.s3_secret_key is None):
        raise Config("CONVMINE_AUDIO_S3_ACCESS_KEY", "is set only together with CONVMINE_AUDIO_S3_SECRET_KEY")
    if settings.s3_endpoint is not None:
        parts = urlsplit(settings.s3_endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise Config("CONVMINE_AUDIO_S3_ENDPOINT", "is an address such as http://localhost:9000, without a key")


def _translated(error: Exception, place: Place) -> ConvmineError:
    from botocore import exceptions

    if isinstance(error, exceptions.ParamValidationError):
        return Poison(f"{place} is no address of an object: {' '.join(str(error).split())}")
    if isinstance(
        error,
        exceptions.CredentialRetrievalError | exceptions.MetadataRetrievalError | exceptions.HTTPClientError,
    ):
        return Retryable(f"no keys for S3 could be had: {error}", dependency=DEPENDENCY)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return Config("CONVMINE_AUDIO_S3_ACCESS_KEY", f"is not set, and boto3 finds no keys: {error}")
    return Config("CONVMINE_AUDIO_S3_ENDPOINT", f"boto3 cannot work with what is set for S3: {error}")
