"""Secrets from files: where ``NAME`` is a secret, ``NAME_FILE`` names a file that holds it, as Docker has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from pipeline.errors import Config

SUFFIX: Final = "_FILE"
_MOST_BYTES: Final = 65_536
"""A longer file is no secret: a key is some dozens of bytes, a list of them a few thousand."""


def secret_variables(settings: type[BaseModel], prefix: str) -> Iterator[str]:
    """The variables of all settings that are secrets, or lists of them."""
    for group, field in settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            for name, inner in type(field.default).model_fields.items():
                if _holds_secrets(inner.annotation):
                    yield f"{prefix}{group}_{name}".upper()
        elif _holds_secrets(field.annotation):
            yield f"{prefix}{group}".upper()


def from_files(environ: Mapping[str, str], secrets: frozenset[str]) -> dict[str, str]:
    """What stands in the files that the environment names, by its variable, without white space before and behind it.

    Raises:
        Config: a file cannot be read, is empty or too large, or the secret is set besides.
    """
    found: dict[str, str] = {}
    for variable in secrets:
        named = environ.get(variable + SUFFIX)
        if not named:
            continue
        if environ.get(variable):
            raise Config(variable, f"is set, and {variable}{SUFFIX} is too: set one of them")
        found[variable] = _read(variable + SUFFIX, Path(named))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        raise Config(variable, f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Config(variable, f"{path} holds no text") from None
    if not text or len(content) > _MOST_BYTES:
        raise Config(variable, f"{path} is {'too large' if text else 'empty'}")
    return text


def _holds_secrets(annotation: Any) -> bool:  # noqa: ANN401 - an annotation may be anything
    if annotation is SecretStr:
        return True
    return any(_holds_secrets(part) for part in getattr(annotation, "__args__", ()))
