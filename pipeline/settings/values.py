"""What all groups of settings are made of: their values' types, and what they have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

PREFIX: Final = "CONVMINE_"
OPENAI_URL: Final = "https://api.openai.com/v1"
"""Where OpenAI-compatible clients go unless a base URL is set; given to them so that they read no variable."""
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Dollars = Annotated[float, Field(gt=0)]
_NAMED: Final = re.compile(r"[A-Za-z0-9_.-]+=[\x20-\x7e]*")
V = TypeVar("V", str, SecretStr)
_DECIMAL: Final = r"\d+(\.\d+)?"
_PRICE: Final = re.compile(rf"[^=\s]+={_DECIMAL}:{_DECIMAL}(:{_DECIMAL})?")


def _split(value: object) -> object:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _named(entry: V) -> V:
    text = entry.get_secret_value() if isinstance(entry, SecretStr) else str(entry)
    if not _NAMED.fullmatch(text):
        raise ValueError("expected name=value")  # and nothing of it, as it may be a secret
    return entry


def _priced(entry: str) -> str:
    if not _PRICE.fullmatch(entry):
        raise ValueError(f"{entry!r}: expected a model and its prices, such as gpt-4.1-mini=0.4:1.6")
    return entry


Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
NamedValues = Annotated[tuple[Annotated[str, AfterValidator(_named)], ...], NoDecode, BeforeValidator(_split)]
NamedSecrets = Annotated[tuple[Annotated[SecretStr, AfterValidator(_named)], ...], NoDecode, BeforeValidator(_split)]
PriceList = Annotated[tuple[Annotated[str, AfterValidator(_priced)], ...], NoDecode, BeforeValidator(_split)]
Cause = Literal["spent", "away", "refused"]
"""Why a language model does not answer: no budget is left, its server is away, or no valid answer came."""
Causes = Annotated[tuple[Cause, ...], NoDecode, BeforeValidator(_split)]


class Group(BaseModel):
    """Settings of one concern; the text under each is its description in docs/configuration.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
