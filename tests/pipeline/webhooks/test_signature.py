from __future__ import annotations

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from pipeline.webhooks.signature import signed, webhook_id

KEY = b"k" * 24


def verified(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    """As a receiver checks it, by the text of the standard: RFC 2104 written out."""
    block = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")
    content = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + content).digest()
    digest = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
    expected = base64.b64encode(digest).decode()
    versions = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(said, expected) for version, said in versions)


def test_the_example_of_the_standard_is_signed_as_its_own_libraries_sign_it() -> None:
    # Of the tests of the reference libraries (standard-webhooks on GitHub).
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', [key])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(max_size=200), st.integers(0, 2**33), st.binary(min_size=24, max_size=64))
def test_a_receiver_verifies_what_was_signed_and_nothing_else(body: bytes, at_s: int, key: bytes) -> None:
    headers = signed("e-1", at_s, body, [key])
    assert verified(headers, body, key)
    assert not verified(headers, body + b" ", key)
    assert not verified({**headers, "webhook-timestamp": str(at_s + 1)}, body, key)
    assert not verified({**headers, "webhook-id": "e-2"}, body, key)
    assert not verified(headers, body, KEY + key[:1])


def test_with_two_secrets_either_verifies() -> None:
    headers = signed("e-1", 1, b"{}", [KEY, b"o" * 32])
    assert verified(headers, b"{}", KEY)
    assert verified(headers, b"{}", b"o" * 32)
    assert not verified(headers, b"{}", b"x" * 32)


@given(st.text(min_size=1))
def test_an_id_can_neither_end_itself_nor_a_header(ce_id: str) -> None:
    assert webhook_id(ce_id).isascii()
    assert not set(webhook_id(ce_id)) & set(". \r\n,")
    assert webhook_id(ce_id) == webhook_id(ce_id)


def test_an_id_of_ours_is_sent_as_it_is() -> None:
    assert webhook_id("9ed4c2f7-798f-5dc8-ba00-864aa871c051") == "9ed4c2f7-798f-5dc8-ba00-864aa871c051"
