"""How workers take events, and what of them is too large for a message."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.settings.values import Group, Positive, Seconds


class RuntimeSettings(Group):
    """Concurrency, patience, and where a worker says how it is."""

    in_flight: Positive = 16
    """Events that a worker handles at the same time; those of one call stay in order."""
    window: Positive = 1_000
    """Offsets that a worker may be ahead of the oldest unfinished event of a partition: the most that a kill repeats
    there.
    """
    audio_window: Positive = 10_000
    """The same for `asr` of the lane live, whose events are pieces of audio, held until their words are out: where
    three quarters of it are full speech is cut. Pieces of 200 ms, 20 s of speech and 75 calls a partition fill 7,500.
    """
    max_attempts: Positive = 6
    """An event that has failed so often while as many others passed becomes a dead letter; while none pass, it is
    tried for ever.
    """
    backoff_s: Seconds = 0.5
    """Seconds before the second attempt; they double with each further one, and up to half of them is jitter."""
    backoff_max_s: Seconds = 30.0
    """The longest wait between two attempts, in seconds, unless a server asks for more (Retry-After)."""
    drain_s: Seconds = 30.0
    """Seconds that events at work get to finish after SIGTERM or SIGINT."""
    breaker_failures: Positive = 5
    """Failures of a dependency in a row, with nothing handled between, after which a worker pauses its partitions and
    asks with one event at a time whether it is back.
    """
    hold_s: Seconds = 60.0
    """Seconds without a further event of a call after which what is held of it (speech without an end) is let go."""
    stall_s: Seconds = 900.0
    """Seconds without progress, while events wait, after which `/healthz` fails; longer than the longest answer of an
    engine or a model takes.
    """
    http_host: str = "127.0.0.1"
    """Address that `/healthz`, `/readyz` and `/metrics` are served on; `0.0.0.0` in a container."""
    http_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Port of `/healthz`, `/readyz` and `/metrics`; 0 is a free one, which the log names. Not served where not set."""


class ClaimSettings(Group):
    """Messages too large for Kafka: their value lies in a file, the message says where (claim check)."""

    threshold_bytes: Positive = 512_000
    """A larger value, in bytes, goes by claim check; at least 16,384 below `CONVMINE_KAFKA_MAX_MESSAGE_BYTES`."""
    root: Path = Path.home() / ".local" / "share" / "convmine" / "claims"
    """Folder of the values; all workers of an installation, and who publishes, need the same one at the same path, such
    as a shared volume, and to run as one user.
    """
