import hashlib
import hmac
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from botocore.config import Config as BotoConfig
from moto.server import ThreadedMotoServer

from pipeline.asr import s3
from pipeline.asr.errors import NotThereYet
from pipeline.asr.fetch import build_store
from pipeline.asr.s3 import Place, Signer, place_of
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import ClaimCheck
from pipeline.settings import AudioSettings

BODY = b"sound" * 1_000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server with the buckets ``calls`` and ``other``, and a recording in each."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for bucket in ("calls", "other"):
        client(address).create_bucket(Bucket=bucket)
        put(address, bucket, "call.wav")
    yield address
    server.stop()


def client(address: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="word",
        config=BotoConfig(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def put(address: str, bucket: str, key: str, **facts: str) -> None:
    client(address).put_object(Bucket=bucket, Key=key, Body=BODY, **facts)


def settings(address: str | None, **others: Any) -> AudioSettings:
    known = {"allowed_buckets": ("calls",), "s3_endpoint": address, "s3_access_key": "key", "s3_secret_key": "word"}
    return AudioSettings.model_validate({**known, **others})


async def fetched(uri: str, given: AudioSettings, sha256: str | None = SHA256) -> bytes:
    async with build_store(given).fetch(ClaimCheck(uri, sha256)) as path:
        return path.read_bytes()


async def test_an_object_is_checked_and_gone_afterwards(endpoint: str) -> None:
    async with build_store(settings(endpoint)).fetch(ClaimCheck("s3://calls/call.wav", SHA256)) as path:
        assert path.read_bytes() == BODY
    assert not path.exists()


@pytest.mark.parametrize(
    "key",
    ["2026/11/a b+c.wav", "ü/通话.wav", "100%.wav", "a%20b.wav", "what?.wav", "a#b.wav", "a//b.wav", "~a'(b)!.wav"],
)
async def test_a_key_is_taken_as_it_stands(endpoint: str, key: str) -> None:
    put(endpoint, "calls", key)
    assert await fetched(f"s3://calls/{key}", settings(endpoint)) == BODY


async def test_what_is_not_there_yet_is_found_when_it_has_come(endpoint: str) -> None:
    store, claim = build_store(settings(endpoint)), ClaimCheck("s3://calls/later.wav", SHA256)
    with pytest.raises(NotThereYet, match="NoSuchKey"):
        async with store.fetch(claim):
            pass
    put(endpoint, "calls", "later.wav")
    async with store.fetch(claim) as path:
        assert path.read_bytes() == BODY


async def test_a_listed_bucket_that_does_not_exist_is_not_there_yet(endpoint: str) -> None:
    with pytest.raises(NotThereYet, match="NoSuchBucket"):
        await fetched("s3://gone/call.wav", settings(endpoint, allowed_buckets=("gone",)))


async def test_an_object_that_is_too_large_is_poison(endpoint: str) -> None:
    with pytest.raises(Poison, match="CONVMINE_AUDIO_MAX_BYTES"):
        await fetched("s3://calls/call.wav", settings(endpoint, max_bytes=4_999))


async def test_an_object_that_differs_is_poison(endpoint: str) -> None:
    with pytest.raises(Poison, match="the event says"):
        await fetched("s3://calls/call.wav", settings(endpoint), "0" * 64)


async def test_an_object_that_is_stored_compressed_is_poison(endpoint: str) -> None:
    put(endpoint, "calls", "small.wav.gz", ContentEncoding="gzip")
    with pytest.raises(Poison, match="compressed"):
        await fetched("s3://calls/small.wav.gz", settings(endpoint))


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://other/call.wav", "'other' is not in CONVMINE_AUDIO_ALLOWED_BUCKETS"),
        ("s3://Calls/call.wav", "'Calls' is not in"),
        ("s3:///call.wav", "is not in"),
        ("s3://calls:80/call.wav", "is not in"),
        ("s3://key:word@calls/call.wav", "no credentials"),
        ("s3://calls", "no object"),
        ("s3://calls/", "no object"),
        ("s3://calls/../other/call.wav", "folder named"),
        ("s3://calls/./call.wav", "folder named"),
        ("s3://calls/" + "k" * 1_100, None),
    ],
)
async def test_what_is_not_in_a_listed_bucket_is_not_asked_for(endpoint: str, uri: str, reason: str | None) -> None:
    with pytest.raises((Poison, NotThereYet), match=reason) as caught:
        await fetched(uri, settings(endpoint))
    assert "word" not in caught.value.message


async def test_without_buckets_no_s3_address_is_read() -> None:
    with pytest.raises(Poison, match="CONVMINE_AUDIO_ALLOWED_BUCKETS"):
        await fetched("s3://calls/call.wav", AudioSettings())


async def test_a_server_that_is_away_is_retryable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Retryable, match="s3://calls/call") as caught:
        await fetched("s3://calls/call.wav", settings(f"http://127.0.0.1:{port}"))
    assert caught.value.dependency == "audio store s3"
    assert "Signature" not in caught.value.message


async def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(Retryable, match="took more than"):
            await fetched("s3://calls/call.wav", settings(f"http://127.0.0.1:{port}", fetch_timeout_s=1.0))


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with ``status``, ``code`` and ``headers``, and notes them."""

    status, code, length = 403, "AccessDenied", 0
    headers_sent: tuple[tuple[str, str], ...] = ()
    got: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.got.append((self.path, self.headers["Host"]))
        body = f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
        self.send_response(self.status)
        for name, value in self.headers_sent:
            self.send_header(name, value)
        self.send_header("Content-Length", str(self.length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden parameter
        """Say nothing."""


@contextmanager
def refusing(
    status: int, code: str, *headers: tuple[str, str], length: int = 0
) -> Iterator[tuple[str, type[Refusing]]]:
    facts = {"status": status, "code": code, "headers_sent": headers, "length": length, "got": []}
    handler: type[Refusing] = type("Handler", (Refusing,), facts)
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (403, "AccessDenied", Poison),
        (403, "InvalidObjectState", Poison),
        (403, "InvalidAccessKeyId", Config),
        (403, "SignatureDoesNotMatch", Config),
        (403, "RequestTimeTooSkewed", Retryable),
        (400, "ExpiredToken", Retryable),
        (400, "RequestTimeout", Retryable),
        (400, "AuthorizationHeaderMalformed", Poison),
        (404, "NoSuchKey", NotThereYet),
        (404, "", NotThereYet),
        (429, "TooManyRequests", Retryable),
        (500, "InternalError", Retryable),
        (503, "SlowDown", Retryable),
        (501, "NotImplemented", Retryable),
    ],
)
async def test_each_answer_of_a_server_has_its_outcome_and_is_asked_for_once(
    status: int, code: str, outcome: type[Exception]
) -> None:
    with refusing(status, code) as (address, handler), pytest.raises(outcome) as caught:
        await fetched("s3://calls/call.wav", settings(address))
    assert caught.type is outcome
    assert code in str(caught.value)
    assert len(handler.got) == 1
    assert "Signature=" not in str(caught.value)


async def test_a_busy_server_says_when_to_come_back() -> None:
    with refusing(503, "SlowDown", ("Retry-After", "9")) as (address, _), pytest.raises(Retryable) as caught:
        await fetched("s3://calls/call.wav", settings(address))
    assert caught.value.retry_after_s == 9


@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (307, "TemporaryRedirect")])
async def test_a_redirect_to_another_endpoint_is_refused_naming_the_region(
    endpoint: str, status: int, code: str
) -> None:
    elsewhere = ("Location", f"{endpoint}/calls/call.wav")
    with refusing(status, code, elsewhere) as (address, _), pytest.raises(Poison, match=code) as caught:
        await fetched("s3://calls/call.wav", settings(address))
    assert "CONVMINE_AUDIO_S3_REGION" in (caught.value.hint or "")


@pytest.mark.parametrize(("length", "outcome"), [(10**12, Poison), (500, Retryable)], ids=["too large", "too short"])
async def test_a_length_that_is_a_lie_is_refused(length: int, outcome: type[Exception]) -> None:
    with refusing(200, "", length=length) as (address, _), pytest.raises(outcome):
        await fetched("s3://calls/call.wav", settings(address))


def test_without_boto3_the_hint_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "find_spec", lambda _name: None)
    with pytest.raises(Config, match="CONVMINE_AUDIO_ALLOWED_BUCKETS") as caught:
        build_store(settings(None))
    assert caught.value.hint == "pip install 'convmine[s3]'"
    build_store(AudioSettings())  # who needs no S3 needs no boto3


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"s3_secret_key": None}, "S3_ACCESS_KEY"),
        ({"s3_endpoint": "localhost:9000"}, "S3_ENDPOINT"),
        ({"s3_endpoint": "http://key:word@host"}, "S3_ENDPOINT"),
        ({"s3_endpoint": "ftp://host"}, "S3_ENDPOINT"),
    ],
)
def test_settings_that_do_not_fit_together_stop_the_start(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Config, match=f"CONVMINE_AUDIO_{named}"):
        build_store(settings(None, **wrong))


async def test_without_keys_anywhere_the_setting_is_named() -> None:
    with pytest.raises(Config, match="CONVMINE_AUDIO_S3_ACCESS_KEY"):
        await fetched("s3://calls/call.wav", settings("http://127.0.0.1:1", s3_access_key=None, s3_secret_key=None))


async def test_keys_and_server_are_found_by_boto3_where_they_are_not_set(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "word"), ("ENDPOINT_URL", endpoint)):
        monkeypatch.setenv(f"AWS_{name}", value)
    found = settings(None, s3_access_key=None, s3_secret_key=None, s3_addressing="path")
    assert await fetched("s3://calls/call.wav", found) == BODY


@pytest.mark.parametrize(
    ("given", "host", "path"),
    [
        ({"s3_endpoint": "http://minio.example:9000"}, "minio.example:9000", "/calls/a%20b.wav"),
        (
            {"s3_endpoint": "http://minio.example:9000", "s3_addressing": "host"},
            "calls.minio.example:9000",
            "/a%20b.wav",
        ),
        ({"s3_region": "eu-central-1"}, "calls.s3.eu-central-1.amazonaws.com", "/a%20b.wav"),
        (
            {"s3_region": "eu-central-1", "s3_addressing": "path"},
            "s3.eu-central-1.amazonaws.com",
            "/calls/a%20b.wav",
        ),
    ],
)
def test_a_signed_address_is_of_the_server_region_and_style_of_the_settings(
    given: dict[str, Any], host: str, path: str
) -> None:
    parts = urlsplit(Signer(settings(None, **given)).signed(Place("calls", "a b.wav")))
    assert (parts.netloc, parts.path) == (host, path)
    query = parse_qs(parts.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert given.get("s3_region", "us-east-1") in query["X-Amz-Credential"][0]


def signature_of(raw_path: str, host: str, secret: str) -> str:
    """What a server computes from a request that it got: AWS Signature Version 4, presigned, one signed header."""
    path, _, query = raw_path.partition("?")
    pairs = sorted(it.partition("=")[::2] for it in query.split("&") if not it.startswith("X-Amz-Signature="))
    asked = dict(pairs)
    scope = unquote(asked["X-Amz-Credential"]).split("/")[1:]
    lines = ("GET", path, "&".join(f"{name}={value}" for name, value in pairs), f"host:{host}", "", "host")
    canonical = hashlib.sha256("\n".join((*lines, "UNSIGNED-PAYLOAD")).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join(("AWS4-HMAC-SHA256", asked["X-Amz-Date"], "/".join(scope), canonical))
    return hmac.digest(key, text.encode(), "sha256").hex()


@pytest.mark.parametrize("key", ["call.wav", "ü b+c%20?#~'(x)!*/通话//a&b=c.wav"])
async def test_what_the_server_gets_is_what_was_signed(key: str) -> None:
    with refusing(404, "NoSuchKey") as (address, handler), pytest.raises(NotThereYet):
        await fetched(f"s3://calls/{key}", settings(address))
    path, host = handler.got[-1]
    assert parse_qs(urlsplit(path).query)["X-Amz-Signature"] == [signature_of(path, host, "word")]


def test_a_bucket_with_an_impossible_name_is_poison() -> None:
    with pytest.raises(Poison, match="no address of an object"):
        Signer(settings("http://127.0.0.1:1")).signed(place_of("s3://no bucket/a.wav", ["no bucket"]))
