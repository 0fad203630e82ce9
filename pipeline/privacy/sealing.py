"""Encryption of what is stored: sealed with the first key, opened with any, and told from plain bytes by its start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipeline.errors import Config
from pipeline.settings import PrivacySettings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MAGIC: Final = b"\x00convmine sealed 1\n"
"""What sealed bytes begin with; no recording and no JSON does. A Fernet token follows (AES-128-CBC, HMAC-SHA256)."""
STORAGE_KEYS: Final = "CONVMINE_PRIVACY_STORAGE_KEYS"


def seal_of(settings: PrivacySettings) -> Seal:
    """The seal of what an installation stores.

    Raises:
        Config: one of the keys is none.
    """
    return Seal([key.get_secret_value() for key in settings.storage_keys])


class Seal:
    """Seals and opens bytes; both are held in memory at once, and sealed ones are longer by a third.

    Without keys, bytes are sealed to what they are. Bytes that were never sealed are opened to what they are, so that
    a key can be given to a store that has some already.

    Args:
        keys: each of ``new_key``. The first seals, all open: a new one is put in front, and the old one is taken away
            when nothing is left that it sealed.
        setting: where the keys come from, for what people read.

    Raises:
        Config: one of the keys is none.
    """

    def __init__(self, keys: Sequence[str], *, setting: str = STORAGE_KEYS) -> None:
        self._setting = setting
        self._fernet = _fernet(keys, setting) if keys else None

    def seal(self, data: bytes) -> bytes:
        """The bytes as they may be stored; what is sealed already is sealed again."""
        return data if self._fernet is None else MAGIC + self._fernet.encrypt(data)

    def open(self, data: bytes) -> bytes:
        """The bytes as they were.

        Raises:
            Config: they are sealed, and none of the keys opens them, or they were changed since.
        """
        if not is_sealed(data):
            return data
        if self._fernet is None:
            raise Config(
                self._setting, "what is stored is encrypted, and no key is set", hint="set the key it was sealed with"
            )
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(data[len(MAGIC) :])
        except InvalidToken as error:
            raise Config(
                self._setting,
                "none of the keys opens what is stored, or it was changed since",
                hint="add the key that it was sealed with behind the others",
            ) from error


UNSEALED: Final = Seal(())
"""Where there are no keys."""


def is_sealed(data: bytes) -> bool:
    """Whether bytes are sealed, with whatever key."""
    return data.startswith(MAGIC)


def new_key() -> str:
    """A new key of 44 characters (32 random bytes in URL-safe base64)."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _fernet(keys: Sequence[str], setting: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(key.strip()) for key in keys])
    except ValueError as error:  # a message with the key in it must not be passed on
        raise Config(setting, "every key has 44 characters, as convmine vault new-key gives them") from error
