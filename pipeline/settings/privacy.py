"""What is masked and sealed, who looked at what, and how long it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.values import Group, Positive, Secrets


class PrivacySettings(Group):
    """What becomes of personal data."""

    hold_ms: Annotated[int, Field(ge=0, le=30_000)] = 3_000
    """How long, in milliseconds of the call, a segment of a live call that ends in the middle of a number is held back
    for the rest of it.
    """
    vault_key: SecretStr | None = None
    """Key (44 characters, of `convmine vault new-key`) that what was masked is kept under, to be shown to who may;
    without it nothing is kept. Card verification codes never are.
    """
    vault_path: Path = Path.home() / ".local" / "share" / "convmine" / "vault.sqlite"
    """File of the vault."""
    storage_keys: Secrets = ()
    """Keys that dead letters and stored audio are encrypted with: the first encrypts, all decrypt; parted by commas.
    Without one they are stored as they are.
    """


class AuditSettings(Group):
    """Who read or erased what, as it is written down."""

    place: Literal["sqlite", "qdrant", "off"] = "sqlite"
    """Where it is kept: a file of this machine, a collection that the machines of a fleet share, or nowhere."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "audit.sqlite"
    """File of the place `sqlite`."""
    required: bool = False
    """Whether nothing is answered that cannot be written down; otherwise there is a warning."""
    keep_days: Positive = 730
    """Days for which an entry is kept; rules of retention can only make it less."""


class RetentionSettings(Group):
    """How long what is stored is kept."""

    rules: Path | None = None
    """File of the rules (YAML) that `convmine retention` and the stage `index` go by: `rules:`, and a list such as
    `{kind: transcripts, tenant: acme, keep: 90d}`; without one what is stored stays. `index` then stores nothing of
    calls that are older.
    """
