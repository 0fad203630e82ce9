"""Every setting, in one frozen value; ``load()`` is the only place that reads the environment.

A setting of group ``asr`` named ``engine`` is the variable ``CONVMINE_ASR_ENGINE``. The names that other tools use too
(``KAFKA_BOOTSTRAP_SERVERS``, ``QDRANT_URL``, ``OPENAI_API_KEY``) serve where ours is not set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pipeline.errors import Config
from pipeline.settings.advice import CustomersSettings, FlowSettings, SuggestSettings, WebhooksSettings
from pipeline.settings.kafka import KafkaSettings
from pipeline.settings.mining import BudgetSettings, ExtractSettings, LlmSettings, ScenariosSettings, WorkbenchSettings
from pipeline.settings.privacy import AuditSettings, PrivacySettings, RetentionSettings
from pipeline.settings.runtime import ClaimSettings, RuntimeSettings
from pipeline.settings.secret_files import SUFFIX, from_files, secret_variables
from pipeline.settings.serving import DashboardSettings, GatewaySettings, OidcSettings
from pipeline.settings.speech import AsrSettings, AudioSettings
from pipeline.settings.store import AnalyticsSettings, StoreSettings
from pipeline.settings.values import PREFIX, Group
from pipeline.settings.watching import LogSettings, TracingSettings

SHARED: Final[Mapping[str, tuple[str, str]]] = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "QDRANT_URL": ("store", "url"),
    "QDRANT_API_KEY": ("store", "api_key"),
    "OPENAI_API_KEY": ("llm", "api_key"),
    "OPENAI_BASE_URL": ("llm", "base_url"),
}
"""Variables of other tools, each with the group and name of the setting that it serves."""
# Variables of our scripts and tests, which are no settings of the program.
_SCRIPTS: Final = frozenset(
    {
        *("CONVMINE_VENV", "CONVMINE_EVAL_DATA", "CONVMINE_LIVE_LLM"),
        *("CONVMINE_CHAOS_SEED", "CONVMINE_CHAOS_FAUST", "CONVMINE_FUZZ_SEED"),
    }
)
_HEADERS_ROOM: Final = 16_384
"""Bytes of a record besides its value: key, headers (seven ids of up to 800 bytes) and Kafka's overhead."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    """Whose calls the commands publish and show, and whose knowledge bases the index stage stores from its start; those
    of others when their scenarios change.
    """
    kafka: KafkaSettings = KafkaSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    claims: ClaimSettings = ClaimSettings()
    audio: AudioSettings = AudioSettings()
    asr: AsrSettings = AsrSettings()
    privacy: PrivacySettings = PrivacySettings()
    extract: ExtractSettings = ExtractSettings()
    llm: LlmSettings = LlmSettings()
    budget: BudgetSettings = BudgetSettings()
    store: StoreSettings = StoreSettings()
    flow: FlowSettings = FlowSettings()
    suggest: SuggestSettings = SuggestSettings()
    customers: CustomersSettings = CustomersSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    gateway: GatewaySettings = GatewaySettings()
    dashboard: DashboardSettings = DashboardSettings()
    oidc: OidcSettings = OidcSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    audit: AuditSettings = AuditSettings()
    retention: RetentionSettings = RetentionSettings()
    workbench: WorkbenchSettings = WorkbenchSettings()
    scenarios: ScenariosSettings = ScenariosSettings()
    tracing: TracingSettings = TracingSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _what_is_not_claimed_fits_into_a_record(self) -> Self:
        most = self.kafka.max_message_bytes - _HEADERS_ROOM
        if self.claims.threshold_bytes > most:
            # Of two groups at once: pydantic could not say which setting is meant.
            raise Config(
                f"{PREFIX}CLAIMS_THRESHOLD_BYTES",
                f"is {self.claims.threshold_bytes}, may be at most {most}",
                hint=f"{PREFIX}KAFKA_MAX_MESSAGE_BYTES is {self.kafka.max_message_bytes}: what lies between would "
                "neither go by claim check nor fit into a message",
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then our variables and the files of secrets that they name, then those of other tools."""
        del dotenv_settings, file_secret_settings
        if isinstance(env_settings, EnvSettingsSource):  # it read them when it was made
            env_settings.env_vars = _variables(os.environ, settings_cls)
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


def _variables(environ: Mapping[str, str], settings: type[BaseModel]) -> dict[str, str]:
    """Our variables, as pydantic-settings spells them; in place of the files of secrets, what stands in them."""
    secrets = frozenset(secret_variables(settings, PREFIX))
    files = {name + SUFFIX for name in secrets}
    found = {name: value for name, value in environ.items() if name not in files} | from_files(environ, secrets)
    return {name.lower(): value for name, value in found.items()}


def _shared_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, dict[str, str]] = {}
    for variable, (group, name) in SHARED.items():
        if environ.get(variable):
            values.setdefault(group, {})[name] = environ[variable]
    return values


def _refuse_unknown(variable: str) -> None:
    if variable.endswith(SUFFIX) and variable.removesuffix(SUFFIX) in secret_variables(Settings, PREFIX):
        return
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
