"""Every secret of the settings, filled with something that is found again wherever it is told."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from pipeline.settings import PREFIX, Settings
from pipeline.settings.secret_files import secret_variables

_MARK = "mArKeRoFaSeCrEt"
_KEYS = ("VAULT_KEY", "STORAGE_KEYS")
_ELSEWHERE = ("KAFKA_KEY_PASSWORD", "KAFKA_OAUTH_CLIENT_SECRET")
"""Refused where they have no use (see tests/pipeline/settings/test_kafka_settings.py)."""


def marked_secrets(folder: Path) -> dict[str, str]:
    """A value for the variable of each secret that can be set together; other paths lie in the folder."""
    marked = {
        name: _key() if name.endswith(_KEYS) else f"{'x-key=' * name.endswith('_HEADERS')}{_MARK}{secrets.token_hex(4)}"
        for name in secret_variables(Settings, PREFIX)
        if not name.endswith(_ELSEWHERE)
    }
    return marked | {f"{PREFIX}PRIVACY_VAULT_PATH": str(folder / "vault.sqlite")}


def markers_in(text: str) -> list[str]:
    """Where a secret was told: some of the text around it."""
    shown, lower = [], text.lower()
    for mark in (_MARK, _encoded(_MARK), _encoded("x" + _MARK), _encoded("xx" + _MARK)):
        at = lower.find(mark.lower())
        if at >= 0:
            shown.append(text[max(0, at - 200) : at + 60])
    return shown


def _key() -> str:
    """A key of 32 bytes that itself holds the mark, as text of 44 characters."""
    return (_MARK + base64.urlsafe_b64encode(secrets.token_bytes(24)).decode())[:42] + "A="


def _encoded(text: str) -> str:
    """What base64 makes of it, as of a header, without the ends that depend on what stands beside it."""
    return base64.b64encode(text.encode()).decode().rstrip("=")[2:-2]
