"""Whose certificates are believed over TLS, where an installation has authorities of its own."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline.errors import Config


def trusting(ca_file: Path, setting: str) -> ssl.SSLContext:
    """TLS that believes the authorities of this file (PEM) alone, and always checks the other side's name.

    Raises:
        Config: the file is missing or holds something else; it names the setting.
    """
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        said = "it holds no certificates (PEM)" if isinstance(error, ssl.SSLError) else error.strerror
        raise Config(setting, f"{ca_file} cannot be used: {said}") from None
