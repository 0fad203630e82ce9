"""Every setting, in one frozen value; ``load()`` is the only place that reads the environment.

A setting of group ``asr`` named ``engine`` is the variable ``CONVMINE_ASR_ENGINE``. The names that other tools use too
(``KAFKA_BOOTSTRAP_SERVERS``, ``QDRANT_URL``, ``OPENAI_API_KEY``) serve where ours is not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pipeline.errors import Config

PREFIX: Final = "CONVMINE_"
_SHARED: Final[Mapping[str, tuple[str, str]]] = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "QDRANT_URL": ("store", "url"),
    "QDRANT_API_KEY": ("store", "api_key"),
    "OPENAI_API_KEY": ("llm", "api_key"),
    "OPENAI_BASE_URL": ("llm", "base_url"),
}
# Variables of our scripts and tests, which are no settings of the program.
_SCRIPTS: Final = frozenset({"CONVMINE_VENV", "CONVMINE_EVAL_DATA", "CONVMINE_LIVE_LLM"})

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


def _split(value: object) -> object:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Group(BaseModel):
    """Settings of one concern."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Group):
    """The broker, and how much a worker takes on at once."""

    bootstrap_servers: str = "localhost:9092"
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)] = ""
    partitions: Positive = 6
    replication: Positive = 1
    max_message_bytes: Positive = 1_000_000


class RuntimeSettings(Group):
    """Concurrency, patience, and where a worker says how it is."""

    in_flight: Positive = 16
    window: Positive = 1_000
    max_attempts: Positive = 6
    backoff_s: Seconds = 0.5
    backoff_max_s: Seconds = 30.0
    deadline_s: Seconds = 3_600.0
    drain_s: Seconds = 30.0
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 0


class AudioSettings(Group):
    """What recordings a worker accepts and from where."""

    allowed_roots: Paths = ()
    allowed_hosts: Names = ()
    max_bytes: Positive = 500_000_000
    max_duration_s: Seconds = 4 * 3_600.0
    arrival_deadline_s: Seconds = 600.0
    vad_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    vad_hangover_ms: Positive = 400
    max_span_s: Annotated[float, Field(gt=0, le=30)] = 20.0


class AsrSettings(Group):
    """Which engine turns speech into text."""

    engine: Literal["pocketsphinx", "whisper", "faster-whisper", "openai"] = "whisper"
    model: str = "small"
    device: str = "auto"
    workers: Positive = 2
    batch: Positive = 8
    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout_s: Seconds = 60.0


class ExtractSettings(Group):
    """Who mines intents."""

    extractor: Literal["lexical", "llm"] = "lexical"
    scenario: str = "telecom"
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    reasks: Annotated[int, Field(ge=0, le=5)] = 1


class LlmSettings(Group):
    """Any OpenAI-compatible server."""

    base_url: str | None = None
    api_key: SecretStr | None = None
    model: str = "gpt-4.1-mini"
    timeout_s: Seconds = 60.0


class StoreSettings(Group):
    """Qdrant: a server by ``url``, or local mode in the folder ``path``."""

    url: str | None = None
    api_key: SecretStr | None = None
    path: Path = Path.home() / ".local" / "share" / "convmine" / "qdrant"
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=60)] = ""
    embedder: Literal["auto", "wordllama", "hashing", "openai"] = "auto"
    embedder_model: str = "text-embedding-3-small"
    timeout_s: Seconds = 30.0


class LogSettings(Group):
    """How much is logged, and for whom."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1
    )

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    kafka: KafkaSettings = KafkaSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    audio: AudioSettings = AudioSettings()
    asr: AsrSettings = AsrSettings()
    extract: ExtractSettings = ExtractSettings()
    llm: LlmSettings = LlmSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then our variables, then those of other tools; no files."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, InitSettingsSource(settings_cls, _shared_variables(os.environ))


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        Config: a variable is unknown or holds what it must not; the message names it and what is expected.
    """
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in _SCRIPTS:
            _refuse_unknown(variable)
    try:
        return Settings()
    except SettingsError as error:
        raise Config(f"{PREFIX}*", str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Config(_variable(first["loc"]), first["msg"]) from None


def _shared_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, dict[str, str]] = {}
    for variable, (group, name) in _SHARED.items():
        if environ.get(variable):
            values.setdefault(group, {})[name] = environ[variable]
    return values


def _refuse_unknown(variable: str) -> None:
    group, _, name = variable.removeprefix(PREFIX).lower().partition("_")
    field = Settings.model_fields.get(group)
    if (
        field is not None
        and isinstance(field.default, Group) == bool(name)
        and (not isinstance(field.default, Group) or name in type(field.default).model_fields)
    ):
        return
    raise Config(variable, "is no setting of convmine", hint="docs/configuration.md lists them")


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "_".join(str(part).upper() for part in location[:2])
