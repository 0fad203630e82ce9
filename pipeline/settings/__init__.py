"""Every setting in one frozen value: ``reading`` reads the environment, the other files say what can be set."""

from pipeline.settings.advice import CustomersSettings, FlowSettings, SuggestSettings, WebhooksSettings
from pipeline.settings.kafka import KafkaSettings
from pipeline.settings.mining import BudgetSettings, ExtractSettings, LlmSettings, ScenariosSettings, WorkbenchSettings
from pipeline.settings.privacy import AuditSettings, PrivacySettings, RetentionSettings
from pipeline.settings.reading import SHARED, Settings, load
from pipeline.settings.runtime import ClaimSettings, RuntimeSettings
from pipeline.settings.serving import DashboardSettings, GatewaySettings, OidcSettings
from pipeline.settings.speech import AsrSettings, AudioSettings
from pipeline.settings.store import AnalyticsSettings, StoreSettings
from pipeline.settings.values import OPENAI_URL, PREFIX, Cause, Group
from pipeline.settings.watching import LogSettings, TracingSettings

__all__ = [
    "OPENAI_URL",
    "PREFIX",
    "SHARED",
    "AnalyticsSettings",
    "AsrSettings",
    "AudioSettings",
    "AuditSettings",
    "BudgetSettings",
    "Cause",
    "ClaimSettings",
    "CustomersSettings",
    "DashboardSettings",
    "ExtractSettings",
    "FlowSettings",
    "GatewaySettings",
    "Group",
    "KafkaSettings",
    "LlmSettings",
    "LogSettings",
    "OidcSettings",
    "PrivacySettings",
    "RetentionSettings",
    "RuntimeSettings",
    "ScenariosSettings",
    "Settings",
    "StoreSettings",
    "SuggestSettings",
    "TracingSettings",
    "WebhooksSettings",
    "WorkbenchSettings",
    "load",
]
