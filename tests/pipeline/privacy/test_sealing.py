from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Config
from pipeline.privacy.sealing import MAGIC, STORAGE_KEYS, Seal, is_sealed, new_key

OLD, NEW = new_key(), new_key()


@given(st.binary(max_size=500))
def test_what_is_sealed_is_opened_and_cannot_be_read(data: bytes) -> None:
    sealed = Seal((NEW,)).seal(data)
    assert is_sealed(sealed)
    assert len(data) < 8 or data not in sealed.removeprefix(MAGIC)
    assert Seal((NEW,)).open(sealed) == data


def test_the_first_key_seals_and_every_key_opens() -> None:
    of_old = Seal((OLD,)).seal(b"words")
    both = Seal((NEW, OLD))
    assert both.open(of_old) == b"words"
    assert Seal((NEW,)).open(both.seal(b"words")) == b"words"


def test_without_a_key_bytes_are_stored_as_they_are() -> None:
    assert Seal(()).open(Seal(()).seal(b"words")) == b"words"
    assert Seal(()).seal(b"words") == b"words"


def test_what_was_stored_before_there_was_a_key_is_opened_still() -> None:
    assert Seal((NEW,)).open(b'{"plain": true}') == b'{"plain": true}'


@pytest.mark.parametrize("keys", [(), (NEW,)])
def test_without_the_right_key_the_setting_is_named(keys: tuple[str, ...]) -> None:
    with pytest.raises(Config) as raised:
        Seal(keys).open(Seal((OLD,)).seal(b"words"))
    assert raised.value.setting == STORAGE_KEYS


def test_a_byte_that_was_changed_is_noticed() -> None:
    sealed = bytearray(Seal((NEW,)).seal(b"words"))
    sealed[-10] ^= 1
    with pytest.raises(Config):
        Seal((NEW,)).open(bytes(sealed))


@pytest.mark.parametrize("key", ["", "short", "not base64 " * 4, "ä" * 44])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(Config) as raised:
        Seal((key,))
    assert not key or key not in str(raised.value)


def test_new_keys_differ() -> None:
    assert len({new_key() for _ in range(10)}) == 10
    assert len(NEW) == 44
