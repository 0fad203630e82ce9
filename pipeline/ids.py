"""Deterministic ids: ``uuid5`` of what a thing stands for, so that doing it again writes the same thing."""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("6f0c5a3e-3c53-5d0c-9a0d-6d1f6f8f5c11")
_SEPARATOR: Final = "\x1f"


def stable_id(kind: str, *parts: str | int) -> str:
    """The id of the thing of this kind that these parts tell apart; the order and the type of the parts count."""
    name = _SEPARATOR.join([kind, *(f"{type(part).__name__}:{part}" for part in parts)])
    return str(uuid5(NAMESPACE, name))


def place_of_name(name: str) -> float:
    """A number from 0 to below 1, always the same one for the same name and spread evenly over names (SHA-256)."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) / 2**64
