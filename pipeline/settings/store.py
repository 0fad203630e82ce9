"""Where what was mined is kept, and how it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.values import Group, Positive, Seconds


class StoreSettings(Group):
    """Qdrant: a server by ``url``, or local mode in the folder ``path``."""

    url: str | None = None
    """Address of a Qdrant server, such as `http://localhost:6333`; without it, local mode."""
    api_key: SecretStr | None = None
    """Key of the Qdrant server."""
    ca_file: Path | None = None
    """File (PEM) of the authorities that may have signed its certificate; without it, those of this machine."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "qdrant"
    """Folder of local mode; one process at a time can have it open."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=60)] = ""
    """Stands before the name of every collection, so that installations can share a server."""
    embedder: Literal["auto", "wordllama", "hashing", "openai", "sentence-transformers"] = "auto"
    """What makes vectors: wordllama (extra `local`), hashing of words and their parts, the `/v1/embeddings` of the
    group LLM's server, or a model of the extra `sentence-transformers`; `auto` is wordllama where it is installed, else
    hashing. All processes that share collections need the same one; `convmine store apply --re-embed` changes over.
    """
    embedder_model: str = "text-embedding-3-small"
    """Model of the embedder `openai`; of `sentence-transformers` a folder, or a name that was fetched before: nothing
    is downloaded.
    """
    quantise: bool = False
    """Keep the dense vectors as eight-bit numbers in memory, and themselves on disk: a quarter of the memory, and
    slightly other rankings. Of a server; `convmine store apply` changes collections that are there.
    """
    on_disk_payload: bool = True
    """Keep payloads on disk, but for the fields that can be filtered on. Of a server, and changed likewise."""
    timeout_s: Seconds = 30.0
    """Seconds that one request to Qdrant, or to the embedding server, may take."""
    gather_s: Annotated[float, Field(ge=0, le=10)] = 0.5
    """Seconds that what is heard of a live call waits, before it is stored, for what is heard of others, so that all of
    it goes in a few requests; with 0 it does not wait.
    """


class AnalyticsSettings(Group):
    """What SQL is asked of: Parquet files of what is stored, kept up to date (the extra `analytics`)."""

    path: Path = Path.home() / ".local" / "share" / "convmine" / "analytics"
    """Folder with a folder for each tenant; on a disk of this machine."""
    overlap_s: Annotated[int, Field(ge=0)] = 30
    """Seconds before the last export that are looked at again: more than clocks of workers differ, and than a result
    takes to be written whole.
    """
    memory_mb: Annotated[int, Field(ge=64)] = 1_024
    """Megabytes of memory for one statement; what does not fit goes to a temporary folder, at most ten times as much.
    """
    threads: Positive = 2
    """Threads for one statement."""
    timeout_s: Seconds = 30.0
    """Seconds that one statement may take."""
    rows: Positive = 10_000
    """The most rows that one statement answers with."""
    at_once: Positive = 4
    """Statements that run at the same time; further ones wait."""
